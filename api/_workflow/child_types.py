"""The forms of a call that starts a child workflow, for type checkers alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Unpack, overload

if TYPE_CHECKING:
    from understudy._workflow.child_handle import ChildWorkflowConfig, ChildWorkflowHandle, PlainChildOptions

__all__ = ["ExecuteChildCall", "StartChildCall"]

A = TypeVar("A")
R = TypeVar("R")
S = TypeVar("S")


class StartChildCall(Protocol):
    """The type of `workflow.start_child_workflow`, with its overloads."""

    @overload
    async def __call__(
        self, workflow: Callable[[], Awaitable[R]], **options: Unpack[ChildWorkflowConfig]
    ) -> ChildWorkflowHandle[Any, R]: ...
    @overload
    async def __call__(
        self, workflow: Callable[[S], Awaitable[R]], **options: Unpack[ChildWorkflowConfig]
    ) -> ChildWorkflowHandle[S, R]: ...
    @overload
    async def __call__(
        self, workflow: Callable[[S, A], Awaitable[R]], arg: A, **options: Unpack[ChildWorkflowConfig]
    ) -> ChildWorkflowHandle[S, R]: ...
    @overload
    async def __call__(
        self, workflow: Callable[[A], Awaitable[R]], arg: A, **options: Unpack[ChildWorkflowConfig]
    ) -> ChildWorkflowHandle[Any, R]: ...
    @overload
    async def __call__(
        self, workflow: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ChildWorkflowConfig]
    ) -> ChildWorkflowHandle[Any, R]: ...
    @overload
    async def __call__(
        self,
        workflow: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type[R],
        **options: Unpack[PlainChildOptions],
    ) -> ChildWorkflowHandle[Any, R]: ...
    @overload
    async def __call__(
        self,
        workflow: str | type,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        **options: Unpack[ChildWorkflowConfig],
    ) -> ChildWorkflowHandle[Any, Any]: ...


class ExecuteChildCall(Protocol):
    """The type of `workflow.execute_child_workflow`, with its overloads."""

    @overload
    async def __call__(self, workflow: Callable[[], Awaitable[R]], **options: Unpack[ChildWorkflowConfig]) -> R: ...
    @overload
    async def __call__(self, workflow: Callable[[Any], Awaitable[R]], **options: Unpack[ChildWorkflowConfig]) -> R: ...
    @overload
    async def __call__(
        self, workflow: Callable[[Any, A], Awaitable[R]], arg: A, **options: Unpack[ChildWorkflowConfig]
    ) -> R: ...
    @overload
    async def __call__(
        self, workflow: Callable[[A], Awaitable[R]], arg: A, **options: Unpack[ChildWorkflowConfig]
    ) -> R: ...
    @overload
    async def __call__(
        self, workflow: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[ChildWorkflowConfig]
    ) -> R: ...
    @overload
    async def __call__(
        self,
        workflow: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type[R],
        **options: Unpack[PlainChildOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        workflow: str | type,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        **options: Unpack[ChildWorkflowConfig],
    ) -> Any: ...
