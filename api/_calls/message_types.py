"""The forms of a call of a signal or a query, for type checkers alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol, TypedDict, TypeVar, Unpack, overload

from understudy.events.options.policies import QueryRejectCondition

__all__ = ["QueryMethod", "RelatedSignalMethod", "SignalMethod"]

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


class _RelatedSignalOptions(TypedDict, total=False):
    event_groups: Sequence[object] | None


class SignalCall(Protocol):
    """The forms of `handle.signal`."""

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
    """The forms of `handle.query`."""

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


class SignalMethod(Protocol):
    """`signal` of the class of handles."""

    def __get__(self, instance: Any, owner: Any) -> SignalCall:
        """Return the method for one handle."""
        ...


class QueryMethod(Protocol):
    """`query` of the class of handles."""

    def __get__(self, instance: Any, owner: Any) -> QueryCall:
        """Return the method for one handle."""
        ...


class RelatedSignalMethod(Protocol):
    """`signal` of the classes of handles inside workflows."""

    def __get__(self, instance: Any, owner: Any) -> RelatedSignalCall:
        """Return the method for one handle."""
        ...
