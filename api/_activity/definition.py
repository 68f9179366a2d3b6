"""`@activity.defn`: a function that is an activity where a workflow calls it, and itself everywhere else.

What the decorator returns is a real function around the user's, so that it has a signature, pickles by its name and
binds as a method. It asks one thing at each call, whether the running loop is that of a workflow. If so, the call is
an activity with the options of the decorator. `options` is the same call with other options:

    receipt = await charge(order)
    receipt = await charge.options(start_to_close_timeout=timedelta(minutes=5))(order)

Type checkers see two protocols, a function and a method that is taken from its class.
"""

from __future__ import annotations

import inspect
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, Final, NoReturn, ParamSpec, Protocol, TypeVar, Unpack, overload

from understudy._calls.activity_options import ActivityConfig, shows, stored_options
from understudy._workflow.activity_calls import schedule
from understudy.actors.behaviors.code.context import current
from understudy.actors.behaviors.definitions.definition import ACTIVITY_MARK, ActivityDefinition, call_of, is_async
from understudy.actors.behaviors.definitions.parameters import DYNAMIC_CODE, check_name, check_parameters
from understudy.actors.behaviors.loop.loop import DeterministicLoop
from understudy.events.converters.signature import hints_of
from understudy.events.errors import ArgumentTypeError, DefinitionError, InvalidArgumentError

__all__ = ["ActivityDecorator", "ActivityFunction", "ActivityMethod", "defn"]

C = TypeVar("C")
P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)
T = TypeVar("T")


class ActivityFunction(Protocol[P, R_co]):
    """A function with `@activity.defn`, as type checkers see it."""

    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function; in a workflow, run it as an activity, which is to be awaited even if it is a plain one."""
        ...

    @overload
    def options(
        self: ActivityFunction[P, Coroutine[Any, Any, T]], **options: Unpack[ActivityConfig]
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def options(
        self: ActivityFunction[P, T], **options: Unpack[ActivityConfig]
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(
        self: ActivityFunction[Concatenate[S, Q], T], instance: None, owner: type[S]
    ) -> ActivityMethod[S, Q, T]: ...
    @overload
    def __get__(
        self: ActivityFunction[Concatenate[S, Q], T], instance: S, owner: type[S]
    ) -> ActivityFunction[Q, T]: ...
    @overload
    def __get__(self, instance: Any, owner: Any) -> ActivityFunction[P, R_co]: ...


class ActivityMethod(Protocol[S_contra, P, R_co]):
    """A method with `@activity.defn`, taken from its class; workflows call its `options()`, without object."""

    def __call__(self, instance: S_contra, /, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the method of an object; not in a workflow."""
        ...

    @overload
    def options(
        self: ActivityMethod[Any, P, Coroutine[Any, Any, T]], **options: Unpack[ActivityConfig]
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def options(
        self: ActivityMethod[Any, P, T], **options: Unpack[ActivityConfig]
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...


class ActivityDecorator(Protocol):
    """The result of `@activity.defn(...)` with options, as type checkers see it."""

    @overload
    def __call__(self, fn: type[C], /) -> type[C]: ...  # type: ignore[overload-overlap]  # a class is callable, too
    @overload
    def __call__(self, fn: Callable[P, R], /) -> ActivityFunction[P, R]: ...


@overload
def defn(fn: type[C]) -> type[C]: ...  # type: ignore[overload-overlap]  # a class is callable, too
@overload
def defn(fn: Callable[P, R]) -> ActivityFunction[P, R]: ...
@overload
def defn(
    *,
    name: str | None = ...,
    no_thread_cancel_exception: bool = ...,
    dynamic: bool = ...,
    **options: Unpack[ActivityConfig],
) -> ActivityDecorator: ...
@shows(ActivityConfig)
def defn(
    fn: Any = None,
    *,
    name: str | None = None,
    no_thread_cancel_exception: bool = False,
    dynamic: bool = False,
    **options: Unpack[ActivityConfig],
) -> Any:
    """Declare a function, a method, or a class whose objects can be called an activity.

    In a workflow, `await fn(...)` runs it as an activity; elsewhere it is the plain call. A class stays what it is.

    Args:
        fn: async functions run on the worker's event loop, plain ones in its executor.
        name: the activity type; None: the name of the function or class.
        no_thread_cancel_exception: do not raise `CancelledError` in the thread of a plain function that is asked to
            stop; it asks `is_cancelled()`.
        dynamic: take every type that no other activity of the worker takes; called with a sequence of `RawValue`.
        **options: what its calls are done with, if they do not say otherwise; those of `workflow.start_activity`.

    Raises:
        DefinitionError: what is wrong with the definition.
        InvalidArgumentError: an option cannot be.
    """
    fields = stored_options(options)

    def decorate(fn: Any) -> Any:
        if isinstance(fn, staticmethod):
            return staticmethod(decorate(fn.__func__))
        call = call_of(fn) if isinstance(fn, type) else fn
        if not callable(call):
            raise DefinitionError(
                subject=getattr(fn, "__qualname__", repr(fn)),
                problem="an activity is a function, a method, or a class whose objects can be called",
                fix="give the class a __call__ method",
            )
        check_name(fn, name, dynamic=dynamic)
        own, form = (None, DYNAMIC_CODE) if dynamic else (name or _name_of(fn), ())
        if isinstance(fn, type):
            signature = hints_of(call, skip_first=True)
            check_parameters(fn, signature, form)
            mark = ActivityDefinition(own, fn, signature, is_async(call), no_thread_cancel_exception, fields)
            setattr(fn, ACTIVITY_MARK, mark)
            return fn
        caller = _Caller(fn, is_method="self" in getattr(fn, "__code__", _NO_CODE).co_varnames[:1])
        made: Any = caller.function()
        signature = hints_of(fn, skip_first=caller.is_method)
        check_parameters(fn, signature, form)
        caller.definition = ActivityDefinition(own, made, signature, is_async(fn), no_thread_cancel_exception, fields)
        setattr(made, ACTIVITY_MARK, caller.definition)
        made.options = caller.options
        return made

    return decorate if fn is None else decorate(fn)


_NO_CODE: Final = (lambda: None).__code__


def _name_of(fn: Any) -> str:
    """Return the name of a function; a partial is called like the function in it."""
    name = getattr(getattr(fn, "func", fn), "__name__", "")
    if not name:
        raise DefinitionError(subject=repr(fn), problem="it has no name", fix="give it one: @activity.defn(name=...)")
    return str(name)


def _in_workflow() -> bool:
    """Return True if workflow code is running here; also while a run leaves memory, when nothing must be done."""
    return type(running_loop()) is DeterministicLoop


class _Caller:
    """The function that stands for an activity: in a workflow it runs the activity, elsewhere it is the plain call.

    Args:
        fn: the user's function.
        is_method: True if it takes an object first.
    """

    __slots__ = ("definition", "fn", "is_method")
    definition: ActivityDefinition

    def __init__(self, fn: Any, *, is_method: bool) -> None:
        self.fn = fn
        self.is_method = is_method

    def function(self) -> Callable[..., Any]:
        """Return the function that stands in the user's module for the one that was decorated."""
        fn = self.fn
        run: Any = self._refuse_object if self.is_method else self._run
        made: Any
        if is_async(fn):

            async def asynchronous(*args: Any, **kwargs: Any) -> Any:
                return await (run(args, kwargs) if _in_workflow() else fn(*args, **kwargs))

            async def asynchronous_method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
                return await (run(args, kwargs) if _in_workflow() else fn(self, *args, **kwargs))

            made = asynchronous_method if self.is_method else asynchronous
        else:

            def plain(*args: Any, **kwargs: Any) -> Any:
                return run(args, kwargs) if _in_workflow() else fn(*args, **kwargs)

            def plain_method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
                return run(args, kwargs) if _in_workflow() else fn(self, *args, **kwargs)

            made = plain_method if self.is_method else plain
        made.__name__ = made.__qualname__ = _label_of(fn)
        return wraps(fn)(made)

    def options(self, **options: Unpack[ActivityConfig]) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Return the call with other options; a method is called without its object.

        Raises:
            InvalidArgumentError: an option cannot be.
        """
        fn, fields = self.fn, stored_options(options)

        @wraps(fn)
        async def call(*args: Any, **kwargs: Any) -> Any:
            if self.is_method or _in_workflow():
                return await self._run(args, kwargs, fields)
            outcome = fn(*args, **kwargs)
            return await outcome if self.definition.is_async else outcome

        return call

    async def _run(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], fields: Mapping[str, Any] | None = None
    ) -> Any:
        context = current()
        return await schedule(context, self.definition, self._in_order(args, kwargs) if kwargs else args, fields or {})

    def _in_order(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Sequence[Any]:
        """Return arguments by position, as they are stored; what is left out between them has its default."""
        name, signature = self.definition.label, inspect.signature(self.fn)
        try:
            bound = signature.bind(*([None, *args] if self.is_method else args), **kwargs)
        except TypeError as error:
            raise ArgumentTypeError(
                what=f"a call of activity {name!r}", got=f"one of which Python says: {error}", expected=f"{signature}"
            ) from None
        positional = self.definition.signature.names
        if others := [key for key in kwargs if key not in positional]:
            raise ArgumentTypeError(
                what=f"a call of activity {name!r}",
                got=f"one with keyword-only arguments ({', '.join(others)})",
                expected="one whose arguments have a position",
                fix="Move the parameters in front of the *",
            )
        if bound.kwargs:
            bound.apply_defaults()
        return bound.args[self.is_method :]

    def _refuse_object(self, _args: Sequence[Any], _kwargs: Mapping[str, Any]) -> NoReturn:
        name = getattr(self.fn, "__qualname__", self.definition.label)
        raise InvalidArgumentError(
            what=f"the call of activity {name} in a workflow",
            got="one with an object",
            expected="one without, since the worker has the object",
            fix=f"Write: await {name}.options()(...)",
        )


def _label_of(fn: object) -> str:
    return str(getattr(getattr(fn, "func", fn), "__name__", "activity"))
