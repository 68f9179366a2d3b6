"""The starts of stand-alone activities as type checkers see them: the types of an activity flow through.

The forms are those of starts of workflows, and stand here as protocols for the same reason: no argument, one argument
as it is, several as `args`, and by name; for functions that are awaited and for plain ones, and for methods, which
take `self` in front.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Unpack, overload

if TYPE_CHECKING:
    from understudy._client.jobs.handle import ActivityHandle
    from understudy._client.jobs.start import ActivityStartOptions, PlainActivityStartOptions

__all__ = [
    "ExecuteActivity",
    "ExecuteActivityMethod",
    "StartActivity",
    "StartActivityMethod",
]

A = TypeVar("A")
R = TypeVar("R")


class StartActivityCall(Protocol):
    """The forms of `client.start_activity`."""

    @overload
    async def __call__(
        self,
        activity: Callable[[], Awaitable[R]],
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def __call__(
        self,
        activity: Callable[[], R],
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def __call__(
        self,
        activity: Callable[[A], Awaitable[R]],
        arg: A,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def __call__(
        self,
        activity: Callable[[A], R],
        arg: A,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def __call__(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def __call__(
        self,
        activity: Callable[..., R],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def __call__(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        result_type: type[R],
        **options: Unpack[PlainActivityStartOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def __call__(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[Any]: ...


class StartActivity(Protocol):
    """`start_activity` of the class of clients."""

    def __get__(self, instance: Any, owner: Any) -> StartActivityCall:
        """Return the method for one client."""
        ...


class ExecuteActivityCall(Protocol):
    """The forms of `client.execute_activity`."""

    @overload
    async def __call__(
        self,
        activity: Callable[[], Awaitable[R]],
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        activity: Callable[[], R],
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        activity: Callable[[A], Awaitable[R]],
        arg: A,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        activity: Callable[[A], R],
        arg: A,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        activity: Callable[..., R],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        result_type: type[R],
        **options: Unpack[PlainActivityStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> Any: ...


class ExecuteActivity(Protocol):
    """`execute_activity` of the class of clients."""

    def __get__(self, instance: Any, owner: Any) -> ExecuteActivityCall:
        """Return the method for one client."""
        ...


class StartActivityMethodCall(Protocol):
    """The forms of `client.start_activity_method`."""

    @overload
    async def __call__(
        self,
        activity: Callable[[Any], Awaitable[R]],
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def __call__(
        self,
        activity: Callable[[Any], R],
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def __call__(
        self,
        activity: Callable[[Any, A], Awaitable[R]],
        arg: A,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def __call__(
        self,
        activity: Callable[[Any, A], R],
        arg: A,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def __call__(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def __call__(
        self,
        activity: Callable[..., R],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> ActivityHandle[R]: ...


class StartActivityMethod(Protocol):
    """`start_activity_method` of the class of clients."""

    def __get__(self, instance: Any, owner: Any) -> StartActivityMethodCall:
        """Return the method for one client."""
        ...


class ExecuteActivityMethodCall(Protocol):
    """The forms of `client.execute_activity_method`."""

    @overload
    async def __call__(
        self,
        activity: Callable[[Any], Awaitable[R]],
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        activity: Callable[[Any], R],
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        activity: Callable[[Any, A], Awaitable[R]],
        arg: A,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        activity: Callable[[Any, A], R],
        arg: A,
        *,
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> R: ...
    @overload
    async def __call__(
        self,
        activity: Callable[..., R],
        *,
        args: Sequence[Any],
        id: str,
        task_queue: str,
        **options: Unpack[ActivityStartOptions],
    ) -> R: ...


class ExecuteActivityMethod(Protocol):
    """`execute_activity_method` of the class of clients."""

    def __get__(self, instance: Any, owner: Any) -> ExecuteActivityMethodCall:
        """Return the method for one client."""
        ...
