"""The errors that say "you did wrong": the call, the definition or the value has to change before it can work.

Each names the thing by the words its user wrote and ends with what to do. Where Python has a built-in error of the
same meaning, ours is one of those, too, so that code which catches `ValueError` or `KeyError` goes on working.
"""

from __future__ import annotations

from typing import ClassVar

from understudy.events.errors.root import UsageError, nearest_name
from understudy.events.errors.rpc import ExhaustedError, NotFoundError, WorkflowQueryFailedError

__all__ = [
    "ArgumentTypeError",
    "ClosedClientError",
    "DefinitionError",
    "DuplicateDefinitionError",
    "InvalidArgumentError",
    "MailboxFullError",
    "NotInActivityError",
    "NotInWorkflowError",
    "PayloadDecodeError",
    "PayloadEncodeError",
    "PayloadError",
    "QueryRefusedError",
    "ReadOnlyContextError",
    "ResetRefusedError",
    "UnknownActivityTypeError",
    "UnknownNameError",
    "UnknownQueryError",
    "UnknownSignalError",
    "UnknownUpdateError",
    "UnknownWorkflowTypeError",
    "UpdateNotFoundError",
    "WorkflowClosedError",
    "WorkflowNotFoundError",
]

_SHOWN = 10
"""As many known names as a message lists; a worker may have hundreds."""


# ------------------------------------------------------------------------------------------- arguments and values


class InvalidArgumentError(UsageError, ValueError):
    """An argument of a call has a value that is not allowed; `got` is the value's `repr`."""

    what: str
    got: str
    expected: str
    fix: str = ""

    statement: ClassVar[str] = "{what} is {got}, where {expected} is expected"
    advice: ClassVar[str] = "{next_step}"

    @property
    def next_step(self) -> str:
        """The advice: `fix`, or else the obvious."""
        return self.fix or f"Pass {self.expected}"


class ArgumentTypeError(InvalidArgumentError, TypeError):
    """An argument of a call is of the wrong type, or there are too few or too many."""


class PayloadError(UsageError, abstract=True):
    """A value does not go into the store, or not out of it, by the hint that it has."""

    where: str
    hint: str = ""
    reason: str = ""

    @property
    def as_hint(self) -> str:
        """The hint as a part of the sentence."""
        return f" as {self.hint}" if self.hint else ""

    @property
    def because(self) -> str:
        """The reason as a part of the sentence."""
        return f": {self.reason}" if self.reason else ""


class PayloadEncodeError(PayloadError, TypeError):
    """A value cannot be stored, or does not fit the hint of what will read it."""

    value_type: str

    statement: ClassVar[str] = "{where}: a value of type {value_type} cannot be stored{as_hint}{because}"
    advice: ClassVar[str] = (
        "Pass what the hint says, made of JSON types, dataclasses, msgspec, attrs or pydantic classes, enums, dates, "
        "UUIDs, Decimals or bytes; for anything else set a payload converter (understudy.converter)"
    )


class PayloadDecodeError(PayloadError, ValueError):
    """A stored value does not fit the hint by which it is read."""

    got_type: str

    statement: ClassVar[str] = "{where}: what is stored is of type {got_type} and cannot be read{as_hint}{because}"
    advice: ClassVar[str] = "Make the hint agree with what was stored; a field that came later needs a default"


# ------------------------------------------------------------------------------------------- definitions and names


class DefinitionError(UsageError, ValueError):
    """A workflow, an activity or a handler is declared in a way that cannot work."""

    subject: str
    problem: str
    fix: str

    statement: ClassVar[str] = "{subject}: {problem}"
    advice: ClassVar[str] = "To mend it, {fix}"


class DuplicateDefinitionError(UsageError, ValueError):
    """Two definitions of one kind have the same name; `first` and `second` say where they are."""

    kind: str
    name: str
    first: str
    second: str

    statement: ClassVar[str] = "two definitions of {kind} {name!r}: {first} and {second}"
    advice: ClassVar[str] = "Register only one of them, or give one another name in its decorator (name=...)"


class UnknownNameError(UsageError, KeyError, abstract=True):
    """Nothing of that name; `nearest` is the known name that it was perhaps meant to be."""

    name: str
    known: tuple[str, ...] = ()
    nearest: str = ""

    @property
    def choice(self) -> str:
        """The known names, and the nearest of them, as sentences."""
        if not self.known:
            return "none is known"
        shown = ", ".join(repr(name) for name in sorted(self.known)[:_SHOWN])
        more = f" and {len(self.known) - _SHOWN} more" if len(self.known) > _SHOWN else ""
        nearest = self.nearest or nearest_name(self.name, self.known)
        meant = f"; perhaps {nearest!r} was meant" if nearest else ""
        return f"known: {shown}{more}{meant}"


class UnknownWorkflowTypeError(UnknownNameError):
    """No worker of the task queue has a workflow of that name."""

    task_queue: str = ""

    statement: ClassVar[str] = "task queue {task_queue!r} has no worker with a workflow {name!r}; {choice}"
    advice: ClassVar[str] = "Add it to the worker: Worker(..., workflows=[...])"


class UnknownActivityTypeError(UnknownNameError):
    """No worker of the task queue has an activity of that name."""

    task_queue: str = ""

    statement: ClassVar[str] = "task queue {task_queue!r} has no worker with an activity {name!r}; {choice}"
    advice: ClassVar[str] = "Add it to the worker: Worker(..., activities=[...])"


class UnknownQueryError(UnknownNameError, WorkflowQueryFailedError):
    """The workflow answers no query of that name."""

    workflow_type: str = ""

    statement: ClassVar[str] = "workflow {workflow_type!r} has no query {name!r}; {choice}"
    advice: ClassVar[str] = "Decorate a method with @workflow.query, or ask for one that is there"


class UnknownSignalError(UnknownNameError):
    """The workflow takes no signal of that name."""

    workflow_type: str = ""

    statement: ClassVar[str] = "workflow {workflow_type!r} has no signal {name!r}; {choice}"
    advice: ClassVar[str] = "Decorate a method with @workflow.signal, or send one that is there"


class UnknownUpdateError(UnknownNameError):
    """The workflow takes no update of that name."""

    workflow_type: str = ""

    statement: ClassVar[str] = "workflow {workflow_type!r} has no update {name!r}; {choice}"
    advice: ClassVar[str] = "Decorate a method with @workflow.update, or send one that is there"


# ------------------------------------------------------------------------------------------- calls


class ClosedClientError(UsageError, RuntimeError):
    """The client was closed, or its engine stopped, before the call."""

    url: str

    statement: ClassVar[str] = "the client of {url!r} is closed"
    advice: ClassVar[str] = "Connect again with Client.connect, and keep the client open while its handles are used"


class WorkflowNotFoundError(UsageError, NotFoundError, LookupError):
    """No workflow, or no run of it, has that id."""

    workflow_id: str
    run_id: str = ""

    statement: ClassVar[str] = "there is no workflow {workflow_id!r}{of_run}"
    advice: ClassVar[str] = "Check the id and the store that the client is connected to, or start the workflow first"

    @property
    def of_run(self) -> str:
        """The run, if one was named, as a part of the sentence."""
        return f" with run id {self.run_id!r}" if self.run_id else ""


class UpdateNotFoundError(UsageError, NotFoundError, LookupError):
    """The run has accepted no update with that id."""

    update_id: str
    run_id: str

    statement: ClassVar[str] = "run {run_id!r} has accepted no update {update_id!r}"
    advice: ClassVar[str] = "Check the id; an update that its validator rejected leaves no trace"


class ResetRefusedError(UsageError):
    """A closed run cannot be reset while another run of its workflow is open; nothing was changed."""

    workflow_id: str
    run_id: str
    open_run_id: str

    statement: ClassVar[str] = (
        "run {run_id!r} of workflow {workflow_id!r} is closed, and run {open_run_id!r} is open in its place"
    )
    advice: ClassVar[str] = "Reset the open run instead, or terminate it first"


class WorkflowClosedError(UsageError, NotFoundError):
    """The run is closed and takes no more messages; `outcome` is how it ended."""

    workflow_id: str
    run_id: str
    outcome: str

    statement: ClassVar[str] = "workflow {workflow_id!r} (run {run_id!r}) is closed: {outcome}"
    advice: ClassVar[str] = "Start a new run of it, or read the outcome with the handle's result()"


class QueryRefusedError(UsageError, WorkflowQueryFailedError):
    """A query did more than read: it asked the engine for something, or changed the workflow."""

    query: str
    workflow_id: str
    reason: str

    statement: ClassVar[str] = "query {query!r} of workflow {workflow_id!r} was refused: {reason}"
    advice: ClassVar[str] = "Let its handler only read and return; what changes something belongs into a signal"


class MailboxFullError(UsageError, ExhaustedError):
    """The workflow's mailbox is full; nothing was recorded."""

    workflow_id: str
    limit: int

    statement: ClassVar[str] = "the mailbox of workflow {workflow_id!r} is full with {limit} messages; nothing was sent"
    advice: ClassVar[str] = "Send it again when the workflow has taken some of them: no call waits for room"


class NotInWorkflowError(UsageError, RuntimeError):
    """A call that has a meaning only inside a workflow was made outside of one."""

    call: str

    statement: ClassVar[str] = "{call} was called outside of a workflow"
    advice: ClassVar[str] = "Call it from a workflow's own code, in the thread and the loop that runs it"


class NotInActivityError(UsageError, RuntimeError):
    """A call that has a meaning only inside an activity was made outside of one, or where it has no answer."""

    call: str
    where: str = "outside of an activity"
    fix: str = "Call it from an activity's own code, while a worker runs it"

    statement: ClassVar[str] = "{call} was called {where}"
    advice: ClassVar[str] = "{fix}"


class ReadOnlyContextError(UsageError, RuntimeError):
    """A query, a validator, a condition or a side effect tried to do more than read."""

    call: str
    handler: str

    statement: ClassVar[str] = "{call} was called in {handler}, which may only read"
    advice: ClassVar[str] = "Do it in a signal handler or in the workflow's run method"
