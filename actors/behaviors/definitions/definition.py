"""Definitions: a user's class or function as the engine sees it.

`@workflow.defn`, `@workflow.signal`, `@activity.defn` and kin leave a mark on what they decorate; the marks are read
here, once, into frozen definitions that the rest of the engine works from. All that can be wrong with a definition is
refused here, when the module is imported or the worker is made, and not when the first run fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from understudy.actors.behaviors.definitions.dynamic import failure_types
from understudy.events.converters.signature import Signature
from understudy.events.errors import DefinitionError

if TYPE_CHECKING:
    from understudy.actors.behaviors.definitions.interception import Interception
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter

__all__ = [
    "ACTIVITY_MARK",
    "HANDLER_MARK",
    "INIT_MARK",
    "RUN_MARK",
    "WORKFLOW_MARK",
    "ActivityDefinition",
    "HandlerDefinition",
    "HandlerKind",
    "HandlerUnfinishedPolicy",
    "WorkflowDefinition",
    "activity_of",
    "call_of",
    "is_async",
    "label_of",
    "workflow_of",
]

WORKFLOW_MARK: Final = "__understudy_workflow__"
ACTIVITY_MARK: Final = "__understudy_activity__"
HANDLER_MARK: Final = "__understudy_handler__"
RUN_MARK: Final = "__understudy_run__"
INIT_MARK: Final = "__understudy_init__"

_CO_COROUTINE: Final = 0x80
"""`inspect.CO_COROUTINE`; the inspect module is not worth its import time here."""


class HandlerKind(IntEnum):
    """The kinds of messages to a workflow."""

    SIGNAL = 1
    QUERY = 2
    UPDATE = 3


class HandlerUnfinishedPolicy(IntEnum):
    """Says what to do about a handler that is still running when its workflow ends."""

    WARN_AND_ABANDON = 1
    ABANDON = 2


class HandlerDefinition(msgspec.Struct, frozen=True):
    """One handler of messages; `name` None: it takes whatever no other handler takes."""

    kind: HandlerKind
    name: str | None
    fn: Callable[..., Any]
    signature: Signature
    description: str = ""
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON
    validator: Callable[..., Any] | None = None
    is_bound: bool = False
    """True if the code set it while the run went on; then it takes no instance in front."""

    @property
    def is_async(self) -> bool:
        """True if the handler is a coroutine function."""
        return is_async(self.fn)

    def call(self, instance: Any, args: Sequence[Any]) -> Any:
        """Call the handler, and return its value: a coroutine for an async one."""
        return self.fn(*args) if self.is_bound else self.fn(instance, *args)

    def call_validator(self, instance: Any, args: Sequence[Any]) -> None:
        """Call the validator; if it raises, the update is refused for that reason."""
        if self.validator is not None:
            self.validator(*args) if self.is_bound else self.validator(instance, *args)


class ActivityDefinition(msgspec.Struct, frozen=True, eq=False):
    """One activity; `name` None: it takes whatever no other activity takes."""

    name: str | None
    fn: Callable[..., Any]
    signature: Signature
    is_async: bool
    no_thread_cancel_exception: bool = False
    options: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """Options of its calls by the decorator, as fields of an `ActivityScheduled`, and perhaps `result_type`."""

    @property
    def label(self) -> str:
        """The name that messages show."""
        return self.name or "(dynamic)"

    @property
    def place(self) -> str:
        """The place of the definition that messages show."""
        return _place(self.fn, self.fn)


class WorkflowDefinition(msgspec.Struct, frozen=True, eq=False):
    """One workflow type; `name` None: it takes whatever no other workflow takes."""

    name: str | None
    target: type | Callable[..., Any]
    run: Callable[..., Any]
    signature: Signature
    signals: Mapping[str | None, HandlerDefinition]
    queries: Mapping[str | None, HandlerDefinition]
    updates: Mapping[str | None, HandlerDefinition]
    failure_exception_types: tuple[type[BaseException], ...] = ()
    sandboxed: bool = True
    deadlock_timeout: float | None = None
    """Seconds that one turn may take; None: the worker's limit."""
    pause_after_failures: int = 0
    """The number of failed turns in a row that pause a run, as the worker says; 0: none do."""
    dynamic_config: Callable[[Any], Any] | None = None
    """The method by which a dynamic workflow decides for each run; see `definitions.dynamic`."""
    activates_patch: Callable[[str], bool] | None = None
    """Returns True if a run that comes to a patch first goes the new way, as the worker says; None: all do."""
    interception: Interception | None = None
    """The interceptors that the worker puts around it; None: there are none."""
    converters: tuple[PayloadConverter, FailureConverter, bool] | None = None
    """The converters of its values and failures, and True if they are told whose they are; None: the engine's."""

    @property
    def label(self) -> str:
        """The name that messages show."""
        return self.name or "(dynamic)"

    @property
    def place(self) -> str:
        """The place of the definition that messages show."""
        return _place(self.target, self.run)

    def handlers(self, kind: HandlerKind) -> Mapping[str | None, HandlerDefinition]:
        """Return the handlers of a kind by name."""
        return (self.signals, self.queries, self.updates)[kind - 1]

    def instantiate(self, args: Sequence[Any]) -> tuple[Any, Callable[..., Any]]:
        """Return a new instance (None for a function) and the bound run function.

        Args:
            args: those of the run; an `__init__` marked with `@workflow.init` gets them, too.

        Raises:
            Exception: whatever the user's `__init__` raises.
        """
        if isinstance(self.target, type):
            takes_args = hasattr(self.target.__init__, INIT_MARK)  # type: ignore[misc]  # the same
            instance = self.target(*args) if takes_args else self.target()
            return instance, self.run.__get__(instance)
        return None, self.run

    def configured(self, instance: Any) -> WorkflowDefinition:
        """Return the definition as a dynamic workflow wants it for one run.

        Raises:
            DefinitionError: its method returned something else than a config.
            Exception: whatever the method raises.
        """
        if self.dynamic_config is None:
            return self
        declared = workflow_of(self.target).failure_exception_types
        config, place = self.dynamic_config(instance), _place(self.dynamic_config, self.dynamic_config)
        types = failure_types(config, declared, self.failure_exception_types, place)
        return replace(self, failure_exception_types=types)


def _place(named: object, fn: object) -> str:
    """Return where something is defined, as `name (file:line)`."""
    fn = getattr(fn, "__func__", fn)
    if not hasattr(fn, "__code__"):
        fn = call_of(type(fn))
    code = getattr(
        getattr(fn, "__wrapped__", fn), "__code__", None
    )  # the user's function, not the one that @activity.defn made
    line = f" ({code.co_filename.rpartition('/')[2]}:{code.co_firstlineno})" if code is not None else ""
    return f"{label_of(named)}{line}"


def is_async(fn: object) -> bool:
    """True if `fn` (a function, method or callable instance) is a coroutine function."""
    fn = getattr(fn, "__func__", fn)
    fn = getattr(fn, "func", fn)  # functools.partial
    code = getattr(fn, "__code__", None)
    if code is None:
        code = getattr(call_of(type(fn)), "__code__", None)
    return code is not None and bool(code.co_flags & _CO_COROUTINE)


def call_of(cls: type) -> object:
    """Return the `__call__` that a class gives its instances; not `type.__call__`."""
    return next((vars(base)["__call__"] for base in cls.__mro__ if "__call__" in vars(base)), None)


def workflow_of(workflow: object) -> WorkflowDefinition:
    """Return the definition of a workflow class, its run method, or a workflow function.

    Raises:
        DefinitionError: `workflow` was not decorated with `@workflow.defn`.
    """
    if isinstance(workflow, type):
        definition = workflow.__dict__.get(WORKFLOW_MARK)
    else:
        definition = getattr(workflow, WORKFLOW_MARK, None) or getattr(workflow, RUN_MARK, None)
    is_instance = hasattr(type(workflow), WORKFLOW_MARK)
    if isinstance(definition, WorkflowDefinition) and not is_instance:
        return definition
    raise DefinitionError(
        subject=label_of(workflow),
        problem="it is an instance, where its class is meant" if is_instance else "it is not a workflow",
        fix="pass the class" if is_instance else "decorate the class (or the async function) with @workflow.defn",
    )


def activity_of(activity: object) -> ActivityDefinition:
    """Return the definition of an activity: a function, a bound or unbound method, or a callable instance.

    Raises:
        DefinitionError: `activity` was not decorated with `@activity.defn`.
    """
    mark = getattr(activity, ACTIVITY_MARK, None)
    if mark is None and isinstance(activity, type):
        mark = getattr(call_of(activity), ACTIVITY_MARK, None)
    if mark is None:
        mark = getattr(call_of(type(activity)), ACTIVITY_MARK, None)
    if not isinstance(mark, ActivityDefinition):
        raise DefinitionError(
            subject=label_of(activity), problem="it is not an activity", fix="decorate it with @activity.defn"
        )
    if mark.fn is activity or isinstance(activity, type) or not callable(activity):
        return mark
    return replace(mark, fn=activity)


def label_of(thing: object) -> str:
    """Return the name of a class or function as messages show it; of anything else its `repr`."""
    return str(getattr(thing, "__qualname__", None) or repr(thing))
