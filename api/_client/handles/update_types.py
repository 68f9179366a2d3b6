"""How type checkers see the messages to workflows: what handlers take and return flows through (see `tests/typing`).

The forms are overloads, and these would be most of the class that they belong to. So they stand here, as protocols of
what a method of it is, and `understudy.typed` says which method is which.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar, Unpack, overload

from understudy.events.options.policies import QueryRejectCondition

if TYPE_CHECKING:
    from understudy._client.handles.updates import WorkflowUpdateHandle, WorkflowUpdateStage
    from understudy._workflow.definition import UpdateMethodMultiParam

__all__ = [
    "ExecuteUpdateMethod",
    "QueryMethod",
    "RelatedSignalMethod",
    "SignalMethod",
    "StartUpdateMethod",
]

A = TypeVar("A")
R = TypeVar("R")


class _SignalOptions(TypedDict, total=False):
    rpc_metadata: Mapping[str, str | bytes]
    rpc_timeout: timedelta | None
    request_id: str | None


class _QueryOptions(TypedDict, total=False):
    reject_condition: QueryRejectCondition | None
    rpc_metadata: Mapping[str, str | bytes]
    rpc_timeout: timedelta | None


class _UpdateOptions(TypedDict, total=False):
    id: str | None
    rpc_metadata: Mapping[str, str | bytes]
    rpc_timeout: timedelta | None


class _RelatedSignalOptions(TypedDict, total=False):
    event_groups: Sequence[object] | None


class SignalCall(Protocol):
    """`handle.signal`."""

    @overload
    async def __call__(
        self, signal: Callable[[Any], Awaitable[None] | None], **options: Unpack[_SignalOptions]
    ) -> None: ...
    @overload
    async def __call__(
        self, signal: Callable[[Any, A], Awaitable[None] | None], arg: A, **options: Unpack[_SignalOptions]
    ) -> None: ...
    @overload
    async def __call__(
        self,
        signal: Callable[..., Awaitable[None] | None],
        *,
        args: Sequence[Any],
        **options: Unpack[_SignalOptions],
    ) -> None: ...
    @overload
    async def __call__(
        self, signal: str, arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[_SignalOptions]
    ) -> None: ...


class RelatedSignalCall(Protocol):
    """`signal` of a child's or another workflow's handle, inside a workflow."""

    @overload
    async def __call__(
        self, signal: Callable[[Any], Awaitable[None] | None], **options: Unpack[_RelatedSignalOptions]
    ) -> None: ...
    @overload
    async def __call__(
        self, signal: Callable[[Any, A], Awaitable[None] | None], arg: A, **options: Unpack[_RelatedSignalOptions]
    ) -> None: ...
    @overload
    async def __call__(
        self,
        signal: Callable[..., Awaitable[None] | None],
        *,
        args: Sequence[Any],
        **options: Unpack[_RelatedSignalOptions],
    ) -> None: ...
    @overload
    async def __call__(
        self, signal: str, arg: Any = ..., *, args: Sequence[Any] = ..., **options: Unpack[_RelatedSignalOptions]
    ) -> None: ...


class QueryCall(Protocol):
    """`handle.query`."""

    @overload
    async def __call__(self, query: Callable[[Any], Awaitable[R]], **options: Unpack[_QueryOptions]) -> R: ...
    @overload
    async def __call__(
        self, query: Callable[[Any, A], Awaitable[R]], arg: A, **options: Unpack[_QueryOptions]
    ) -> R: ...
    @overload
    async def __call__(
        self, query: Callable[..., Awaitable[R]], *, args: Sequence[Any], **options: Unpack[_QueryOptions]
    ) -> R: ...
    @overload
    async def __call__(self, query: Callable[[Any], R], **options: Unpack[_QueryOptions]) -> R: ...
    @overload
    async def __call__(self, query: Callable[[Any, A], R], arg: A, **options: Unpack[_QueryOptions]) -> R: ...
    @overload
    async def __call__(
        self, query: Callable[..., R], *, args: Sequence[Any], **options: Unpack[_QueryOptions]
    ) -> R: ...
    @overload
    async def __call__(
        self,
        query: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type[R],
        **options: Unpack[_QueryOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        query: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: None = ...,
        **options: Unpack[_QueryOptions],
    ) -> Any: ...


class StartUpdateCall(Protocol):
    """`handle.start_update`."""

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
    """`handle.execute_update`."""

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


class SignalMethod(Protocol):
    """`signal` of the class of handles."""

    def __get__(self, instance: Any, owner: Any) -> SignalCall:
        """Return it for one handle."""
        ...


class QueryMethod(Protocol):
    """`query` of the class of handles."""

    def __get__(self, instance: Any, owner: Any) -> QueryCall:
        """Return it for one handle."""
        ...


class RelatedSignalMethod(Protocol):
    """`signal` of the classes of handles inside workflows."""

    def __get__(self, instance: Any, owner: Any) -> RelatedSignalCall:
        """Return it for one handle."""
        ...


class StartUpdateMethod(Protocol):
    """`start_update` of the class of handles."""

    def __get__(self, instance: Any, owner: Any) -> StartUpdateCall:
        """Return it for one handle."""
        ...


class ExecuteUpdateMethod(Protocol):
    """`execute_update` of the class of handles."""

    def __get__(self, instance: Any, owner: Any) -> ExecuteUpdateCall:
        """Return it for one handle."""
        ...
