"""Attempts that somebody outside completes: they free their slot, stay in flight, and end in silence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.actors.office import Office, assigned, linger, only, scheduled, settle
from tests.turn import on_turned_loop, turn_loop
from understudy import activity
from understudy.actors.behaviors.decisions.commands import DeferActivity, RecordHeartbeat
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.options.policies import TimeoutType
from understudy.events.state.pending import PendingActivity


@activity.defn
async def leave() -> None:
    activity.raise_complete_async()


async def test_an_attempt_that_is_completed_from_outside_frees_its_slot_and_stays_in_flight(office: Office) -> None:
    worker = office.work(leave, slots=1)
    office.dispatch(1, leave, start_to_close=10**9)
    command = await office.next()
    assert isinstance(command, DeferActivity)
    assert (command.seq, command.attempt) == (1, 1)
    assert 10**9 < command.close_by <= office.clock() + 10**9
    assert worker.running == set()
    assert office.activities.is_in_flight("run-1", 1)
    assert office.activities.is_running
    office.dispatch(1, leave)
    assert office.nothing_told()
    office.activities.told_outside("run-1", 1, 2)
    assert office.activities.is_in_flight("run-1", 1)
    office.activities.told_outside("run-1", 1, 1)
    assert not office.activities.is_in_flight("run-1", 1)


async def test_a_cancellation_of_an_attempt_outside_is_left_to_its_next_heartbeat(office: Office) -> None:
    office.work(leave)
    office.dispatch(1, leave)
    await office.next()
    office.activities.cancel("run-1", 1, 1, "no longer wanted")
    assert office.nothing_told()
    assert office.activities.is_in_flight("run-1", 1)


def test_heartbeats_from_outside_keep_an_attempt_alive_until_they_stop() -> None:
    async def script() -> None:
        office = Office()
        office.work(leave)
        office.dispatch(1, leave, heartbeat=3_600 * 10**9)
        await office.next()
        details = PayloadConverter.default.encode_args(["half"])
        assert office.activities.beat_outside("run-1", 1, 1, details)
        assert await office.next() == RecordHeartbeat(seq=1, attempt=1, details=details)
        turn_loop(timedelta(hours=1))
        command = await office.next()
        assert (command.failure.timeout_type, command.heartbeat_details) == (TimeoutType.HEARTBEAT, details)
        assert not office.activities.beat_outside("run-1", 1, 1, details)

    on_turned_loop(script)


async def test_the_next_attempt_takes_over_from_one_that_was_told_to_be_over(office: Office) -> None:
    office.work(leave)
    office.dispatch(1, leave)
    await office.next()
    for page in (1, 2):
        office.activities.beat_outside("run-1", 1, 1, PayloadConverter.default.encode_args([page]))
    await office.next()
    assert office.activities.unwritten("run-1", 1) == PayloadConverter.default.encode_args([2])
    assert office.activities.unwritten("run-1", 2) is None
    worker = office.work(linger, queue="later")
    office.dispatch(1, linger, attempt=2, task_queue="later")
    attempt = only(worker)
    assert attempt.heartbeat_details() == [2]
    office.activities.drop_all("run-1", "the workflow closed")
    await settle()


async def test_a_run_that_comes_back_waits_for_an_attempt_outside_and_hears_its_silence(office: Office) -> None:
    pending = PendingActivity(scheduled(1, leave, heartbeat=1_000_000))
    pending.outside = True
    for _ in range(2):
        office.activities.wait_outside(assigned(pending))
    assert len(office.activities) == 1
    assert (await office.next()).failure.timeout_type is TimeoutType.HEARTBEAT
    assert office.nothing_told()


@pytest.mark.parametrize("known", [True, False], ids=["in flight", "behind a restart"])
async def test_an_attempt_outside_that_is_overdue_is_ended(office: Office, *, known: bool) -> None:
    pending = PendingActivity(scheduled(1, leave))
    pending.outside, pending.heartbeat_details = True, PayloadConverter.default.encode_args([7])
    if known:
        office.activities.wait_outside(assigned(pending))
    office.activities.time_out_outside("run-1", pending)
    command = await office.next()
    assert command.failure.timeout_type is TimeoutType.START_TO_CLOSE
    assert command.failure.message == "activity StartToClose timeout"
    assert command.failure.details == pending.heartbeat_details
    assert len(office.activities) == 0


async def test_a_local_activity_is_not_completed_from_outside_and_says_so(office: Office) -> None:
    office.work(leave)
    office.dispatch_local(1, leave)
    command = await office.next()
    assert "a local activity cannot be completed from outside" in command.failure.cause.message
