"""Attempts in flight: each activity at most once, served in order as slots get free, told to its run as one command."""

from __future__ import annotations

import pytest

from tests.actors.office import Office, assigned, attempts, beat, fail, greet, linger, only, scheduled, settle
from understudy.actors.activities.attempt import SHUTDOWN
from understudy.actors.activities.cancellation import (
    CANCEL_REQUESTED,
    NOT_FOUND,
    WORKER_SHUTDOWN,
    ActivityCancellationDetails,
)
from understudy.actors.behaviors.decisions.commands import CompleteActivity, FailActivity, RecordHeartbeat
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.options.policies import TimeoutType
from understudy.events.state.pending import PendingActivity

# -- outcomes --------------------------------------------------------------------------------------------------------


async def test_an_attempt_that_returns_is_told_to_its_run(office: Office) -> None:
    office.work()
    office.dispatch(1, greet, "kim", attempt=3)
    assert office.activities.is_in_flight("run-1", 1)
    assert await office.next() == CompleteActivity(
        seq=1, attempt=3, result=PayloadConverter.default.encode("hello kim"), identity="42@host"
    )
    assert len(office.activities) == 0


async def test_an_attempt_that_fails_is_told_with_dice_for_the_jitter_and_its_details(office: Office) -> None:
    office.work()
    office.dispatch(1, fail, "for now")
    command = await office.next()
    assert isinstance(command, FailActivity)
    assert (command.seq, command.attempt, command.failure.type) == (1, 1, "NoStock")
    assert 0 <= command.dice < 1
    assert command.heartbeat_details is None
    assert not office.activities.is_in_flight("run-1", 1)


async def test_a_heartbeat_is_told_and_the_next_attempt_finds_it(office: Office) -> None:
    office.work()
    office.dispatch(1, beat)
    details = PayloadConverter.default.encode_args([50])
    assert await office.next() == RecordHeartbeat(seq=1, attempt=1, details=details)
    assert isinstance(await office.next(), CompleteActivity)
    pending = PendingActivity(scheduled(2, beat))
    pending.heartbeat_details = details
    office.activities.dispatch(assigned(pending))
    assert (await office.next()).result == PayloadConverter.default.encode([50])


async def test_an_activity_that_no_worker_of_the_queue_has_fails_and_says_so(office: Office) -> None:
    office.work(greet)
    office.dispatch(1, "gret")
    command = await office.next()
    assert (command.failure.type, command.failure.non_retryable) == ("NotFoundError", False)
    assert "perhaps 'greet' was meant" in command.failure.message


# -- slots -----------------------------------------------------------------------------------------------------------


async def test_attempts_wait_for_a_worker_and_are_served_in_the_order_in_which_they_came(office: Office) -> None:
    for seq in (1, 2, 3):
        office.dispatch(seq, greet, "kim")
    await settle()
    assert office.nothing_told()
    assert len(office.activities) == 3
    office.work(slots=1)
    assert [(await office.next()).seq for _ in range(3)] == [1, 2, 3]


async def test_a_worker_has_no_more_attempts_at_a_time_than_slots(office: Office) -> None:
    worker = office.work(slots=2)
    for seq in (1, 2, 3):
        office.dispatch(seq, linger)
    await settle()
    assert {attempt.assignment.key for attempt in attempts(worker)} == {1, 2}
    office.activities.cancel("run-1", 1, 1, "no longer wanted")
    assert (await office.next()).seq == 1
    await settle()
    assert {attempt.assignment.key for attempt in attempts(worker)} == {2, 3}
    office.activities.drop_all("run-1", "the workflow closed")
    await settle()


async def test_an_attempt_goes_to_a_worker_that_has_its_activity(office: Office) -> None:
    other, knowing = office.work(fail), office.work(linger)
    office.dispatch(1, linger)
    await settle()
    assert (len(other.running), len(knowing.running)) == (0, 1)
    office.activities.drop_all("run-1", "the workflow closed")
    await settle()


async def test_a_worker_that_was_removed_is_given_no_more_attempts(office: Office) -> None:
    worker = office.work()
    office.activities.remove_worker(worker)
    office.activities.remove_worker(worker)
    office.dispatch(1, greet, "kim")
    await settle()
    assert office.nothing_told()
    office.work()
    assert (await office.next()).seq == 1


async def test_an_activity_with_a_queue_of_its_own_waits_for_a_worker_there(office: Office) -> None:
    office.work()
    office.dispatch(1, greet, "kim", task_queue="payments")
    await settle()
    assert office.nothing_told()
    office.work(queue="payments")
    assert (await office.next()).seq == 1


async def test_each_activity_is_in_flight_at_most_once(office: Office) -> None:
    worker = office.work()
    for _ in range(3):
        office.dispatch(1, linger)
    office.dispatch(1, linger, run_id="run-2")
    office.dispatch_local(1, linger)
    office.dispatch_local(1, linger)
    await settle()
    assert len(worker.running) == len(office.activities) == 3
    for run_id in ("run-1", "run-2"):
        office.activities.drop_all(run_id, "the workflow closed")
    await settle()


async def test_an_attempt_whose_worker_stops_is_made_by_the_next_and_no_outcome_is_told(office: Office) -> None:
    first = office.work()
    office.dispatch(1, linger, attempt=2)
    await settle()
    attempt = only(first)
    first.begin_shutdown()
    office.activities.remove_worker(first)
    attempt.cancel(SHUTDOWN, WORKER_SHUTDOWN)
    await settle()
    assert office.nothing_told()
    assert office.activities.is_in_flight("run-1", 1)
    second = office.work()
    await settle()
    assert [(again.assignment.key, again.assignment.number) for again in attempts(second)] == [(1, 2)]
    office.activities.drop_all("run-1", "the workflow closed")
    await settle()


# -- time ------------------------------------------------------------------------------------------------------------


async def test_an_attempt_that_waits_too_long_for_a_worker_times_out(office: Office) -> None:
    office.dispatch(1, greet, "kim", schedule_to_start=1)
    command = await office.next()
    assert command.failure.timeout_type is TimeoutType.SCHEDULE_TO_START
    assert len(office.activities) == 0
    office.work()
    await settle()
    assert office.nothing_told()


async def test_an_attempt_that_found_a_worker_in_time_does_not_time_out(office: Office) -> None:
    office.dispatch(1, greet, "kim", schedule_to_start=3_600 * 10**9)
    office.work()
    assert isinstance(await office.next(), CompleteActivity)


async def test_an_attempt_that_was_given_up_while_it_waited_does_not_time_out(office: Office) -> None:
    office.dispatch(1, greet, "kim", schedule_to_start=1_000_000)
    office.activities.drop("run-1", 1, "ScheduleToClose timeout")
    office.dispatch(2, greet, "kim", schedule_to_start=2_000_000)
    assert (await office.next()).seq == 2
    assert office.nothing_told()


async def test_who_waits_or_backs_off_has_an_alarm_and_nobody_else(office: Office) -> None:
    office.dispatch(1, greet, "kim", schedule_to_start=3_600 * 10**9)
    office.dispatch(2, greet, "kim", schedule_to_start=7_200 * 10**9)
    assert office.activities.alarms.next_at == pytest.approx(3_600 * 10**9, rel=0.01)
    assert not office.activities.is_running
    office.activities.drop("run-1", 1, "ScheduleToClose timeout")
    assert office.activities.alarms.next_at == pytest.approx(7_200 * 10**9, rel=0.01)
    office.work()
    assert office.activities.is_running
    assert office.activities.alarms.next_at is None
    await office.next()
    assert not office.activities.is_running


# -- heartbeats ------------------------------------------------------------------------------------------------------


async def test_what_is_unwritten_is_told_when_the_worker_stops_and_the_next_attempt_has_it(office: Office) -> None:
    first = office.work()
    office.dispatch(1, linger)
    attempt = only(first)
    for page in (1, 2):
        attempt.beat([page])
    assert await office.next() == RecordHeartbeat(seq=1, attempt=1, details=PayloadConverter.default.encode_args([1]))
    assert attempt.unwritten == PayloadConverter.default.encode_args([2])
    office.activities.remove_worker(first)
    attempt.cancel(SHUTDOWN, WORKER_SHUTDOWN)
    assert await office.next() == RecordHeartbeat(seq=1, attempt=1, details=PayloadConverter.default.encode_args([2]))
    attempt.beat([3])
    await settle()
    assert (await office.next()).details == PayloadConverter.default.encode_args([3])
    second = office.work()
    again = only(second)
    assert again.heartbeat_details() == [3]
    office.activities.drop_all("run-1", "the workflow closed")
    await settle()


async def test_an_attempt_that_never_beats_hands_nothing_on_and_one_that_does_its_last(office: Office) -> None:
    office.work()
    pending = PendingActivity(scheduled(1, fail, "for now"))
    pending.heartbeat_details = PayloadConverter.default.encode_args([1])
    office.activities.dispatch(assigned(pending))
    assert (await office.next()).heartbeat_details is None
    worker = office.work(linger, queue="beats")
    office.dispatch(2, linger, task_queue="beats")
    attempt = only(worker)
    attempt.beat([1])
    attempt.beat([])
    await office.next()
    attempt.time_out(TimeoutType.START_TO_CLOSE)
    assert (await office.next()).heartbeat_details == ()
    await settle()


async def test_a_heartbeat_behind_the_outcome_asks_the_code_to_stop(office: Office) -> None:
    worker = office.work()
    office.dispatch(1, linger)
    attempt = only(worker)
    await settle()
    office.activities.told_outside("run-1", 1, 1)
    assert (len(office.activities), len(worker.running)) == (0, 1)
    attempt.beat(["still here"])
    await settle()
    assert attempt.cancellation.details == NOT_FOUND
    assert worker.running == set()
    assert office.nothing_told()


# -- cancellation ----------------------------------------------------------------------------------------------------


async def test_an_attempt_that_runs_is_asked_to_stop_and_tells_how_that_ended(office: Office) -> None:
    office.work()
    office.dispatch(1, linger)
    await settle()
    office.activities.cancel("run-1", 1, 1, "no longer wanted")
    assert office.activities.is_in_flight("run-1", 1)
    command = await office.next()
    assert (command.failure.kind, command.failure.message) == ("canceled", "no longer wanted")


@pytest.mark.parametrize("why", [CANCEL_REQUESTED, WORKER_SHUTDOWN], ids=["workflow", "shutdown"])
async def test_an_attempt_that_is_cancelled_as_soon_as_it_starts_keeps_no_slot(
    office: Office, why: ActivityCancellationDetails
) -> None:
    worker = office.work(slots=1)
    office.dispatch(1, linger)
    attempt = only(worker)
    office.activities.remove_worker(worker)
    attempt.cancel("it has to stop", why)
    await settle()
    assert worker.running == set()
    assert len(office.activities) == (1 if why.worker_shutdown else 0)


async def test_an_attempt_that_has_not_begun_ends_as_cancelled_at_once(office: Office) -> None:
    office.dispatch(1, greet, "kim")
    office.activities.cancel("run-1", 1, 1, "no longer wanted")
    assert (await office.next()).failure.kind == "canceled"
    assert len(office.activities) == 0
    office.work()
    await settle()
    assert office.nothing_told()


async def test_an_attempt_that_backs_off_ends_as_cancelled_at_once(office: Office) -> None:
    office.activities.cancel("run-1", 1, 4, "no longer wanted")
    command = await office.next()
    assert (command.seq, command.attempt, command.failure.kind) == (1, 4, "canceled")


async def test_what_a_closed_run_left_behind_is_stopped_whether_it_runs_or_waits(office: Office) -> None:
    worker = office.work(slots=1)
    office.dispatch(1, linger)
    office.dispatch(2, linger)
    office.dispatch_local(3, linger)
    office.dispatch(4, greet, "kim", run_id="run-2")
    await settle()
    office.activities.drop_all("run-1", "the workflow closed")
    office.activities.drop_all("unknown", "the workflow closed")
    told = [await office.next(), await office.next()]
    assert [(command.seq, type(command)) for command in told] == [(1, FailActivity), (4, CompleteActivity)]
    assert len(worker.running) == len(office.activities) == 0


async def test_to_drop_what_is_not_there_is_no_trouble(office: Office) -> None:
    office.activities.drop("run-1", 1, "ScheduleToClose timeout")
    office.activities.cancel_local("run-1", 1, "no longer wanted")
    assert office.nothing_told()
