"""Facts that waited for code, and are taken up later: a replay does it as it was done, together or one by one."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from tests.behaviors.plays import Cart, Patient, step
from tests.behaviors.rehearsal import START, Rehearsal, lead, payload, payloads, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.activity import ActivityCompleted
from understudy.events.errors import PayloadDecodeError
from understudy.events.signal import SignalReceived
from understudy.events.state.execution import WorkflowExecution
from understudy.events.timer import TimerFired
from understudy.events.workflow import TurnDeferred
from understudy.exceptions import ApplicationError


def put(item: Any, at: int = START) -> SignalReceived:
    """A signal to a cart."""
    return SignalReceived(at=at, name="put", input=payloads([item]))


CLOSE = SignalReceived(at=START, name="close")


def deferred_cart() -> Rehearsal:
    """A cart whose worker is away while three signals come."""
    run = Rehearsal(Cart)
    run.signal("put", "a")
    run.now += 5
    run.defer(put("b"), SignalReceived(at=START, name="fetch", input=payloads(["c"])), put("d"))
    return run


def test_facts_that_were_deferred_wait_behind_a_replay_with_their_versions() -> None:
    run = deferred_cart()
    rebuilt = run.rebuild()
    assert [version for version, _ in rebuilt.deferred] == [3, 5, 6]
    assert run.query("count") == 1
    same_again(run)


def test_deferred_facts_are_taken_up_at_the_time_of_their_resumption() -> None:
    run = deferred_cart()
    run.rebuild()
    run.now += 7
    assert topics(run.resume(3, one_by_one=True)) == [
        "turn.resumed",
        "turn.resumed",
        "activity.scheduled",
        "turn.resumed",
    ]
    assert run.execution.deferred is None
    assert run.pending(1).scheduled.at == run.now
    same_again(run)
    run.complete(1, "C")
    run.signal("close")
    assert run.result == ["a", "b", "d", "C"]
    same_again(run)


def test_messages_that_waited_are_taken_up_together() -> None:
    run = deferred_cart()
    run.rebuild()
    run.now += 7
    assert topics(run.resume()) == ["turn.resumed", "activity.scheduled"]
    assert run.execution.deferred is None
    same_again(run)
    run.complete(1, "C")
    run.signal("close")
    assert run.result == ["a", "b", "d", "C"]
    same_again(run)


def test_no_message_that_waited_is_lost_behind_the_end_that_another_brings() -> None:
    run = Rehearsal(Cart)
    run.defer(put("a"), CLOSE, put("b"))
    run.rebuild()
    run.resume()
    assert run.result == ["a", "b"]
    same_again(run)


def test_messages_that_waited_go_before_the_outcomes_that_waited_in_front_of_them() -> None:
    @workflow.defn
    class Waits:
        def __init__(self) -> None:
            self.words: list[str] = []

        @workflow.run
        async def run(self) -> list[str]:
            await workflow.sleep(1)
            return self.words

        @workflow.signal
        def put(self, word: str) -> None:
            self.words.append(word)

    run = Rehearsal(Waits)
    run.defer(TimerFired(at=run.now, seq=1), put("late"), put("later"))
    run.rebuild()
    assert topics(run.resume(2)) == ["turn.resumed", "turn.resumed", "workflow.completed"]
    assert run.result == ["late", "later"]
    same_again(run)


def test_messages_that_waited_behind_one_whose_handler_has_ended_the_run_are_too_late() -> None:
    @workflow.defn
    class Ends:
        seen: ClassVar[list[str]] = []

        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

        @workflow.signal
        def put(self, word: str) -> None:
            self.seen.append(word)
            raise ApplicationError(word)

    run = Rehearsal(Ends)
    run.defer(put("first"), put("second"))
    run.rebuild()
    assert topics(run.resume()) == ["turn.resumed", "workflow.failed"]
    assert Ends.seen == ["first"]
    same_again(run)


def test_a_resumption_in_part_leaves_the_rest_deferred() -> None:
    run = deferred_cart()
    run.rebuild()
    run.resume(2, one_by_one=True)
    assert topics(run.events)[-3:] == ["turn.resumed", "turn.resumed", "activity.scheduled"]
    again = lead(Cart, run.events)
    assert [version for version, _ in again.deferred] == [6]
    same_again(run)


def test_a_failure_in_the_middle_of_a_resumption_defers_the_rest_anew() -> None:
    run = Rehearsal(Patient, None)
    facts = [SignalReceived(at=START, name=name, input=payloads([0])) for name in ("give", "give", "give")]
    run.defer(*facts)
    run.rebuild()
    run.resume(1, one_by_one=True)
    run.record(TurnDeferred(at=run.now, since=4, reason="KeyError in the workflow's code"))
    assert [version for version, _ in run.rebuild().deferred] == [4, 5]
    run.resume(2, one_by_one=True)
    assert run.execution.deferred is None
    assert [version for version, _ in run.rebuild().deferred] == []
    run.signal("give", 4)
    assert run.result == 4
    same_again(run)


def test_what_comes_while_facts_are_deferred_waits_behind_them() -> None:
    run = deferred_cart()
    run.defer(put("e"))
    assert [version for version, _ in run.rebuild().deferred] == [3, 5, 6, 7]
    run.resume(4, one_by_one=True)
    assert run.query("count") == 4
    same_again(run)


def test_what_comes_behind_a_replay_that_failed_waits_although_no_fact_stood_in_front() -> None:
    run = Rehearsal(Cart)
    run.signal("put", "a")
    run.record(TurnDeferred(at=run.now, since=run.execution.version + 1, reason="NondeterminismError"))
    run.defer(put("b"), put("c"))
    assert [version for version, _ in run.rebuild().deferred] == [4, 5]
    same_again(run)
    run.resume(2, one_by_one=True)
    run.signal("close")
    assert run.result == ["a", "b", "c"]
    same_again(run)


def test_a_run_whose_first_turn_was_deferred_begins_when_it_is_resumed() -> None:
    run = Rehearsal(Cart)
    start = run.execution.start
    run.events, run.execution = [], WorkflowExecution("run-1")
    run.defer(start, put("a"), CLOSE)
    rebuilt = run.rebuild()
    assert [version for version, _ in rebuilt.deferred] == [1, 3, 4]
    assert rebuilt.stacks() == []
    run.now += 9
    assert topics(run.resume()) == ["turn.resumed", "workflow.completed"]
    assert run.result == ["a"]
    same_again(run)


def test_facts_that_were_deferred_behind_the_end_are_too_late() -> None:
    run = Rehearsal(Cart)
    run.defer(CLOSE, put("a"))
    run.rebuild()
    run.resume(1, one_by_one=True)
    assert run.result == []
    again = lead(Cart, run.events)
    assert again.phase is Phase.CLOSED
    assert [version for version, _ in again.deferred] == [4]


def test_the_length_of_the_history_is_the_same_to_a_replay_of_a_resumption() -> None:
    @workflow.defn
    class Measures:
        def __init__(self) -> None:
            self.lengths: list[int] = []

        @workflow.run
        async def run(self) -> list[int]:
            await workflow.wait_condition(lambda: len(self.lengths) >= 3)
            return self.lengths

        @workflow.signal
        def put(self, item: str) -> None:
            self.lengths.append(workflow.info().get_current_history_length())

    run = Rehearsal(Measures)
    run.defer(put("a"), put("b"))
    run.rebuild()
    run.resume(2, one_by_one=True)
    run.signal("put", "c")
    assert run.result == [4, 5, 7]
    same_again(run)


def test_a_payload_that_does_not_decode_in_a_resumption_breaks_the_turn_and_leaves_the_fact_deferred() -> None:
    run = Rehearsal(step, 3)
    run.defer(ActivityCompleted(at=START, seq=1, result=payload("seven")))
    run.rebuild()
    with pytest.raises(PayloadDecodeError):
        run.resume()
    assert run.run.phase is Phase.BROKEN
    assert [version for version, _ in run.rebuild().deferred] == [3]
