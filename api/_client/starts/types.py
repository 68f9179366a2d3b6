"""The starts of workflows as type checkers see them: the types of a workflow flow through (see `tests/typing`).

The forms are those of `update_types`, and stand here as protocols for the same reason. A workflow is given as the run
method of a class, which takes `self` in front, or as a function, which does not; which of both it is, its type does
not say. So a start without an argument that is given a function with one passes the checkers, and is refused when it
is made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Unpack, overload

if TYPE_CHECKING:
    from understudy._client.handles.handle import WorkflowHandle
    from understudy._client.starts.start import PlainStartOptions, StartOptions

__all__ = ["ExecuteMethod", "StartMethod"]

A = TypeVar("A")
R = TypeVar("R")
S = TypeVar("S")


class StartCall(Protocol):
    """The forms of `client.start_workflow`."""

    @overload
    async def __call__(
        self, workflow: Callable[[], Awaitable[R]], *, id: str, task_queue: str, **options: Unpack[StartOptions]
    ) -> WorkflowHandle[Any, R]: ...
    @overload
    async def __call__(
        self, workflow: Callable[[S], Awaitable[R]], *, id: str, task_queue: str, **options: Unpack[StartOptions]
    ) -> WorkflowHandle[S, R]: ...
    @overload
    async def __call__(
        self,
        workflow: Callable[[S, A], Awaitable[R]],
        arg: A,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[S, R]: ...
    @overload
    async def __call__(
        self,
        workflow: Callable[[A], Awaitable[R]],
        arg: A,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[Any, R]: ...
    @overload
    async def __call__(
        self,
        workflow: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[Any, R]: ...
    @overload
    async def __call__(
        self,
        workflow: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        result_type: type[R],
        **options: Unpack[PlainStartOptions],
    ) -> WorkflowHandle[Any, R]: ...
    @overload
    async def __call__(
        self,
        workflow: str | type,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[Any, Any]: ...


class ExecuteCall(Protocol):
    """The forms of `client.execute_workflow`."""

    @overload
    async def __call__(
        self, workflow: Callable[[], Awaitable[R]], *, id: str, task_queue: str, **options: Unpack[StartOptions]
    ) -> R: ...
    @overload
    async def __call__(
        self, workflow: Callable[[Any], Awaitable[R]], *, id: str, task_queue: str, **options: Unpack[StartOptions]
    ) -> R: ...
    @overload
    async def __call__(
        self,
        workflow: Callable[[Any, A], Awaitable[R]],
        arg: A,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        workflow: Callable[[A], Awaitable[R]],
        arg: A,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        workflow: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        workflow: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        result_type: type[R],
        **options: Unpack[PlainStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        workflow: str | type,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> Any: ...


class StartMethod(Protocol):
    """`start_workflow` of the class of clients."""

    def __get__(self, instance: Any, owner: Any) -> StartCall:
        """Return the method for one client."""
        ...


class ExecuteMethod(Protocol):
    """`execute_workflow` of the class of clients."""

    def __get__(self, instance: Any, owner: Any) -> ExecuteCall:
        """Return the method for one client."""
        ...
