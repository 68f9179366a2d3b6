"""The messages to workflows as type checkers see them: the types of a handler flow through (see `tests/typing`).

The forms are overloads, and these would be most of the class that they belong to. So they stand here, as protocols of
what a method of it is, and the modules called `typed` say which method is which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar, Unpack, overload

if TYPE_CHECKING:
    from understudy._client.handles.update_handle import WorkflowUpdateHandle
    from understudy._client.handles.update_stage import WorkflowUpdateStage
    from understudy._workflow.definition import UpdateMethodMultiParam

__all__ = ["ExecuteUpdateMethod", "StartUpdateMethod"]

A = TypeVar("A")
R = TypeVar("R")


class _UpdateOptions(TypedDict, total=False):
    id: str | None
    rpc_metadata: Mapping[str, str | bytes]
    rpc_timeout: timedelta | None


class StartUpdateCall(Protocol):
    """The forms of `handle.start_update`."""

    @overload
    async def __call__(
        self,
        update: UpdateMethodMultiParam[[Any], R],
        *,
        wait_for_stage: WorkflowUpdateStage,
        **options: Unpack[_UpdateOptions],
    ) -> WorkflowUpdateHandle[R]: ...
    @overload
    async def __call__(
        self,
        update: UpdateMethodMultiParam[[Any, A], R],
        arg: A,
        *,
        wait_for_stage: WorkflowUpdateStage,
        **options: Unpack[_UpdateOptions],
    ) -> WorkflowUpdateHandle[R]: ...
    @overload
    async def __call__(
        self,
        update: UpdateMethodMultiParam[..., R],
        *,
        wait_for_stage: WorkflowUpdateStage,
        args: Sequence[Any],
        **options: Unpack[_UpdateOptions],
    ) -> WorkflowUpdateHandle[R]: ...
    @overload
    async def __call__(
        self,
        update: str,
        arg: Any = ...,
        *,
        wait_for_stage: WorkflowUpdateStage,
        args: Sequence[Any] = ...,
        result_type: type[R],
        **options: Unpack[_UpdateOptions],
    ) -> WorkflowUpdateHandle[R]: ...
    @overload
    async def __call__(
        self,
        update: str,
        arg: Any = ...,
        *,
        wait_for_stage: WorkflowUpdateStage,
        args: Sequence[Any] = ...,
        result_type: None = ...,
        **options: Unpack[_UpdateOptions],
    ) -> WorkflowUpdateHandle[Any]: ...


class ExecuteUpdateCall(Protocol):
    """The forms of `handle.execute_update`."""

    @overload
    async def __call__(
        self,
        update: UpdateMethodMultiParam[[Any], R],
        **options: Unpack[_UpdateOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        update: UpdateMethodMultiParam[[Any, A], R],
        arg: A,
        **options: Unpack[_UpdateOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        update: UpdateMethodMultiParam[..., R],
        *,
        args: Sequence[Any],
        **options: Unpack[_UpdateOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        update: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type[R],
        **options: Unpack[_UpdateOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        update: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: None = ...,
        **options: Unpack[_UpdateOptions],
    ) -> Any: ...


class StartUpdateMethod(Protocol):
    """`start_update` of the class of handles."""

    def __get__(self, instance: Any, owner: Any) -> StartUpdateCall:
        """Return the method for one handle."""
        ...


class ExecuteUpdateMethod(Protocol):
    """`execute_update` of the class of handles."""

    def __get__(self, instance: Any, owner: Any) -> ExecuteUpdateCall:
        """Return the method for one handle."""
        ...
