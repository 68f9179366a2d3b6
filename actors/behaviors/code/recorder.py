"""Record or compare: every request of a run's code goes through here, live and in a replay.

What code asks for is a request, an event that is only proposed. In a live activation requests are collected, to be
recorded behind the fact that led to them. In a replay each is held against the event at its place, and a difference is
an error at the very line that asked (SAME-AGAIN). A recorded request whose call may be taken out of the code is passed
over (`Request.may_be_missing`).

Chance and time are part of the rule: the time is that of the activation, the dice are seeded by the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from understudy.actors.behaviors.code.source_line import source_line
from understudy.actors.behaviors.decisions.activation import Deferred
from understudy.events.errors import NondeterminismError, ReadOnlyContextError
from understudy.events.event import Event, Fact, Request, encode_event

if TYPE_CHECKING:
    from understudy.actors.behaviors.loop.loop import DeterministicLoop
    from understudy.events.state.execution import WorkflowExecution

__all__ = ["Recorder"]


class Recorder:
    """Takes in the requests of one run's code, and holds them against the record in a replay; owned by its `Context`.

    Args:
        execution: the run's aggregate.
        loop: the run's loop, whose turn is aborted by a difference.

    Attributes:
        now: time of the activation, ns since the epoch: the same at every replay.
        requests: those of the code in a live activation, in order.
        history: the whole stream that a replay is held against; empty otherwise.
        cursor: the index of the event behind the last one that a request was held against; -1 outside of a replay.
        deferred: facts that are recorded and wait for activation.
        read_only: names the running code that may ask for nothing, such as a query; empty: the code may ask.
        closed: True if the run has asked for its end or leaves memory; what it asks for then is lost (CLOSED).
        dropped: True if its code leaves memory, and its `finally` blocks run although nothing has ended.
        mismatch: the first difference from the record, in case the code swallows its error.
        dice: the generator of `random`, once the code has asked for it.
    """

    __slots__ = (
        "_hidden",
        "closed",
        "cursor",
        "deferred",
        "dice",
        "dropped",
        "execution",
        "history",
        "loop",
        "mismatch",
        "now",
        "read_only",
        "requests",
    )

    def __init__(self, execution: WorkflowExecution, loop: DeterministicLoop) -> None:
        """Collect requests, before the first activation."""
        self.execution = execution
        self.loop = loop
        self.now = 0
        self.requests: list[Request] = []
        self.history: Sequence[Event] = ()
        self.cursor = -1
        self._hidden = 0
        self.deferred = Deferred()
        self.read_only = ""
        self.closed = False
        self.dropped = False
        self.mismatch: NondeterminismError | None = None
        self.dice: Random | None = None

    # -- record or compare -------------------------------------------------------------------------------------------

    def expect(self, history: Sequence[Event], cursor: int, *, hidden: int = 0) -> None:
        """Hold requests against `history` from index `cursor` on; -1: collect them instead.

        Args:
            history: the run's stream from its first event on.
            cursor: the index of the first event to compare with.
            hidden: the number of events in front of it that were not yet there when the code ran.
        """
        self.history = history
        self.cursor = cursor
        self._hidden = hidden

    def ask(self, request: Request) -> Request:
        """Take in one request of the code and return the event that holds: in a replay, the recorded one.

        Raises:
            ReadOnlyContextError: a query, a condition or a side effect asked for something.
            NondeterminismError: the replay does something else than the record says.
        """
        if self.read_only:
            raise ReadOnlyContextError(call=request.topic, handler=self.read_only)
        if self.closed:
            return request
        cursor = self.cursor
        if cursor < 0:
            self.requests.append(request)
            return request
        history = self.history
        recorded = history[cursor] if cursor < len(history) else None
        while recorded is None or not request.same_request(recorded):
            if not (isinstance(recorded, Request) and recorded.may_be_missing):
                self.refuse(cursor, recorded, request)
            cursor += 1
            recorded = history[cursor] if cursor < len(history) else None
        self.cursor = cursor + 1
        return recorded  # type: ignore[return-value]  # same_request saw that the classes are the same

    def refuse(self, index: int, recorded: Event | None, produced: Request | None) -> None:
        """Raise the NondeterminismError for event number `index + 1` and remember it, in case the code swallows it."""
        if self.mismatch is None:  # what comes behind the first difference follows from it
            self.mismatch = NondeterminismError(
                run_id=self.execution.run_id,
                position=index + 1,
                recorded=_describe(recorded),
                produced=_describe(produced),
                recorded_source=getattr(recorded, "source", ""),
                produced_source=(getattr(produced, "source", "") or source_line()) if produced is not None else "",
            )
        self.loop.abort(self.mismatch)
        raise self.mismatch

    def take(self) -> list[Request]:
        """Return the requests of the code since the last call, and collect anew."""
        requests, self.requests = self.requests, []
        return requests

    def ends_behind(self, seq: int, ends: tuple[type[Fact], ...]) -> bool:
        """True if the end of what is to be cancelled is recorded already, and waits behind a deferred turn."""
        return any(isinstance(fact, ends) and getattr(fact, "seq", 0) == seq for _, fact in self.deferred)

    # -- how far the record goes -------------------------------------------------------------------------------------

    @property
    def is_replaying(self) -> bool:
        """True while replaying and while the run is evicted: code runs, requests have no effect."""
        return self.cursor >= 0 or self.dropped

    @property
    def history_length(self) -> int:
        """The number of events that the run has, those of this activation included."""
        return self.cursor - self._hidden if self.cursor >= 0 else self.execution.version + len(self.requests)

    @property
    def history_size(self) -> int:
        """The number of bytes of the run's events, those of this activation included, as they are encoded."""
        if self.cursor >= 0:
            return sum(len(encode_event(event)) for event in self.history[: self.cursor - self._hidden])
        return self.execution.size + sum(len(encode_event(event)) for event in self.requests)

    # -- chance ------------------------------------------------------------------------------------------------------

    @property
    def seed(self) -> str:
        """The text that the dice of this run are seeded with."""
        execution = self.execution
        return (execution.start.seed if execution.version else "") or execution.run_id

    def random(self) -> Random:
        """Return the run's generator, seeded by its run id; made when first asked for (it weighs 2.5 KB).

        Raises:
            ReadOnlyContextError: whoever asks may only read.
        """
        if self.read_only:
            raise ReadOnlyContextError(call="workflow.random()", handler=self.read_only)
        if self.dice is None:
            self.dice = Random(self.seed)  # noqa: S311 - repeatable, not secret
        return self.dice


def _describe(event: Event | None) -> str:
    if event is None:
        return "nothing"
    parts = [event.topic]
    for name in ("seq", "activity_type", "activity_id", "name", "patch_id", "change_id"):
        value = getattr(event, name, "")
        if value != "":
            parts.append(f"{name}={value!r}")
    return " ".join(parts)
