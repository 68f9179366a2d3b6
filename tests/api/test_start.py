"""Starting workflows: ids and what happens when they are taken, request ids, time-outs, what is kept with a run."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.harness import QUEUE, Harness, Skipping, eventually, failure_of, ms
from understudy import workflow
from understudy.client import WorkflowExecutionStatus
from understudy.common import (
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from understudy.exceptions import ApplicationError, InvalidArgumentError, TerminatedError, WorkflowAlreadyStartedError
from understudy.exceptions import TimeoutError as WorkflowTimeout


@workflow.defn
class Job:
    """Ends as it is told."""

    def __init__(self) -> None:
        self.done = False

    @workflow.run
    async def run(self, how: str = "wait") -> str:
        if how == "fail":
            raise ApplicationError("failed")
        await workflow.wait_condition(lambda: self.done or how == "return")
        return workflow.info().run_id

    @workflow.signal
    def finish(self) -> None:
        self.done = True


# -- ids that are taken by an open run -------------------------------------------------------------------------------


async def test_an_open_run_keeps_its_id_to_itself(engine: Harness) -> None:
    handle = await engine.start(Job.run, id="job")
    with pytest.raises(WorkflowAlreadyStartedError) as caught:
        await engine.start(Job.run, id="job")
    assert (caught.value.workflow_id, caught.value.workflow_type) == ("job", "Job")
    assert caught.value.run_id == handle.result_run_id


async def test_use_existing_gives_a_handle_to_the_open_run(engine: Harness) -> None:
    handle = await engine.start(Job.run, id="job")
    same = await engine.start(Job.run, id="job", id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING)
    assert same.result_run_id == handle.result_run_id


async def test_a_passivated_run_keeps_its_id_and_its_messages_whatever_is_started_meanwhile(engine: Harness) -> None:
    await engine.work(Job)
    handle = await engine.start(Job.run, id="job")
    assert engine.client.engine.runs.passivate(0) == 1
    again, told = await asyncio.gather(
        engine.start(Job.run, id="job"), handle.signal(Job.finish), return_exceptions=True
    )
    assert isinstance(again, WorkflowAlreadyStartedError)
    assert again.run_id == handle.result_run_id
    assert told is None
    assert await handle.result() == handle.result_run_id


async def test_use_existing_finds_a_passivated_run_too(engine: Harness) -> None:
    await engine.work(Job)
    handle = await engine.start(Job.run, id="job")
    assert engine.client.engine.runs.passivate(0) == 1
    same = await engine.start(Job.run, id="job", id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING)
    assert same.result_run_id == handle.result_run_id


@pytest.mark.parametrize(
    "policy",
    [
        {"id_conflict_policy": WorkflowIDConflictPolicy.TERMINATE_EXISTING},
        {"id_reuse_policy": WorkflowIDReusePolicy.TERMINATE_IF_RUNNING},
    ],
    ids=["conflict", "reuse"],
)
async def test_terminate_existing_makes_room_for_a_new_run(engine: Harness, policy: dict[str, Any]) -> None:
    await engine.work(Job)
    old = await engine.start(Job.run, id="job")
    new = await engine.start(Job.run, "return", id="job", **policy)
    error = await failure_of(old.result())
    assert isinstance(error, TerminatedError)
    assert "replaced" in error.message
    assert await new.result() == new.result_run_id != old.result_run_id


@pytest.mark.parametrize("conflict", [each for each in WorkflowIDConflictPolicy if each.name != "UNSPECIFIED"])
async def test_two_words_on_what_becomes_of_an_open_run_are_refused(
    engine: Harness, conflict: WorkflowIDConflictPolicy
) -> None:
    reuse = WorkflowIDReusePolicy.TERMINATE_IF_RUNNING
    with pytest.raises(InvalidArgumentError, match=f"{conflict.name} beside an id_reuse_policy of TERMINATE_IF"):
        await engine.start(Job.run, id="job", id_reuse_policy=reuse, id_conflict_policy=conflict)


async def test_only_one_of_many_starts_at_once_wins(engine: Harness) -> None:
    started = await asyncio.gather(*(engine.start(Job.run, id="job") for _ in range(5)), return_exceptions=True)
    lost = [outcome for outcome in started if isinstance(outcome, BaseException)]
    assert len(lost) == 4
    assert all(isinstance(error, WorkflowAlreadyStartedError) for error in lost)


async def test_of_many_starts_that_replace_each_other_one_is_left(engine: Harness) -> None:
    policy = {"id_conflict_policy": WorkflowIDConflictPolicy.TERMINATE_EXISTING}
    handles = await asyncio.gather(*(engine.start(Job.run, id="job", **policy) for _ in range(5)))
    runs = [engine.client.get_workflow_handle("job", run_id=handle.result_run_id) for handle in handles]
    statuses = [(await run.describe()).status for run in runs]
    assert sorted(status.name for status in statuses if status) == ["RUNNING", *["TERMINATED"] * 4]


# -- ids that closed runs had ----------------------------------------------------------------------------------------


async def test_an_id_may_be_used_again_after_its_run_closed(engine: Harness) -> None:
    await engine.work(Job)
    first = await engine.start(Job.run, "return", id="job")
    await first.result()
    second = await engine.start(Job.run, "return", id="job")
    assert await second.result() != first.result_run_id
    assert await first.result() == first.result_run_id
    latest = engine.client.get_workflow_handle("job")
    assert await latest.result() == second.result_run_id


async def test_reject_duplicate_allows_an_id_once(engine: Harness) -> None:
    await engine.work(Job)
    await engine.execute(Job.run, "return", id="job")
    with pytest.raises(WorkflowAlreadyStartedError):
        await engine.start(Job.run, id="job", id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE)


async def test_allow_duplicate_failed_only_asks_how_the_last_run_ended(engine: Harness) -> None:
    await engine.work(Job)
    policy = {"id_reuse_policy": WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY}
    await failure_of(engine.execute(Job.run, "fail", id="job", **policy))
    terminated = await engine.start(Job.run, id="job", **policy)
    await terminated.terminate()
    await engine.execute(Job.run, "return", id="job", **policy)
    with pytest.raises(WorkflowAlreadyStartedError):
        await engine.start(Job.run, id="job", **policy)


# -- request ids -----------------------------------------------------------------------------------------------------


async def test_a_start_that_is_sent_twice_starts_one_run(engine: Harness) -> None:
    await engine.work(Job)
    handles = await asyncio.gather(*(engine.start(Job.run, id="job", request_id="r") for _ in range(3)))
    assert len({handle.result_run_id for handle in handles}) == 1
    again = await engine.start(Job.run, id="job", request_id="r")
    await again.signal(Job.finish)
    assert await again.result() == handles[0].result_run_id
    late = await engine.start(Job.run, id="job", request_id="r")
    assert await late.result() == handles[0].result_run_id
    assert (await late.describe()).status is WorkflowExecutionStatus.COMPLETED


async def test_another_request_id_is_another_start(engine: Harness) -> None:
    await engine.work(Job)
    first = await engine.start(Job.run, "return", id="job", request_id="r-1")
    await first.result()
    second = await engine.start(Job.run, "return", id="job", request_id="r-2")
    assert await second.result() != first.result_run_id
    with pytest.raises(WorkflowAlreadyStartedError):
        await engine.start(Job.run, id="job", request_id="r-3", id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE)


async def test_a_request_id_holds_for_the_runs_that_retries_make(engine: Harness) -> None:
    await engine.work(Job)
    policy = RetryPolicy(initial_interval=timedelta(hours=1))
    first = await engine.start(Job.run, "fail", id="job", request_id="r", retry_policy=policy)

    async def second_run() -> bool:
        return (await first.describe()).attempt == 2

    await eventually(second_run)
    again = await engine.start(Job.run, "fail", id="job", request_id="r", retry_policy=policy)
    assert again.result_run_id == again.first_execution_run_id == first.result_run_id


# -- time-outs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["run_timeout", "execution_timeout"])
async def test_a_run_that_takes_too_long_times_out(engine: Harness, option: str) -> None:
    await engine.work(Job)
    timeout: Any = {option: ms(5)}
    handle = await engine.start(Job.run, **timeout)
    assert isinstance(await failure_of(handle.result()), WorkflowTimeout)
    assert (await handle.describe()).status is WorkflowExecutionStatus.TIMED_OUT


async def test_a_run_times_out_without_a_worker(engine: Harness) -> None:
    handle = await engine.start(Job.run, run_timeout=ms(5))
    assert isinstance(await failure_of(handle.result()), WorkflowTimeout)


async def test_a_run_that_timed_out_is_tried_again_by_its_policy(skipping: Skipping) -> None:
    @workflow.defn
    async def second_time_lucky() -> int:
        attempt = workflow.info().attempt
        if attempt == 1:
            await workflow.sleep(timedelta(hours=2))
        return attempt

    await skipping.work(second_time_lucky)
    policy = RetryPolicy(initial_interval=ms(1))
    assert await skipping.execute(second_time_lucky, run_timeout=timedelta(hours=1), retry_policy=policy) == 2


async def test_the_execution_time_out_ends_the_whole_chain_of_runs(skipping: Skipping) -> None:
    await skipping.work(Job)
    policy = RetryPolicy(initial_interval=timedelta(minutes=10), backoff_coefficient=1.0)
    handle = await skipping.start(Job.run, "fail", retry_policy=policy, execution_timeout=timedelta(hours=1))
    await failure_of(handle.result())
    description = await handle.describe()
    assert description.attempt > 1
    assert description.status in {WorkflowExecutionStatus.FAILED, WorkflowExecutionStatus.TIMED_OUT}


# -- what is kept with a run -----------------------------------------------------------------------------------------


async def test_memo_summary_and_details_are_kept_for_people(engine: Harness) -> None:
    handle = await engine.start(
        Job.run, memo={"owner": "kim", "order": {"id": 7}}, static_summary="one job", static_details="of many"
    )
    description = await handle.describe()
    assert await description.memo() == {"owner": "kim", "order": {"id": 7}}
    assert (await description.static_summary(), await description.static_details()) == ("one job", "of many")


async def test_search_attributes_are_kept_with_their_types(engine: Harness) -> None:
    customer = SearchAttributeKey.for_keyword("CustomerId")
    amount = SearchAttributeKey.for_float("Amount")
    due = SearchAttributeKey.for_datetime("Due")
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    attributes = TypedSearchAttributes(
        [SearchAttributePair(customer, "kim"), SearchAttributePair(amount, 9.5), SearchAttributePair(due, when)]
    )
    handle = await engine.start(Job.run, search_attributes=attributes)
    found = (await handle.describe()).typed_search_attributes
    assert (found[customer], found[amount], found[due]) == ("kim", 9.5, when)


async def test_search_attributes_are_seen_inside_the_workflow(engine: Harness) -> None:
    @workflow.defn
    async def looks() -> list[str]:
        return [workflow.info().typed_search_attributes[SearchAttributeKey.for_keyword("CustomerId")]]

    await engine.work(looks)
    pair = SearchAttributePair(SearchAttributeKey.for_keyword("CustomerId"), "kim")
    assert await engine.execute(looks, search_attributes=TypedSearchAttributes([pair])) == ["kim"]


async def test_a_type_that_no_worker_here_knows_waits_for_one_and_says_so(engine: Harness) -> None:
    handle = await engine.start("Job", "return", id="job")

    async def waiting() -> str | None:
        return (await handle.describe()).waiting_for

    assert "task queue 'tests' has no worker with a workflow 'Job'" in str(await eventually(waiting))

    @workflow.defn(name="Jog")
    async def jog() -> None:
        """Look like `Job`."""

    await engine.work(jog)

    async def nearest() -> bool:
        return "perhaps 'Jog' was meant" in str(await waiting())

    await eventually(nearest)
    await engine.work(Job)
    assert await handle.result() == handle.result_run_id
    assert (await handle.describe()).waiting_for is None


async def test_a_workflow_waits_for_a_worker_of_its_own_queue(engine: Harness) -> None:
    await engine.work(Job, task_queue="elsewhere")
    handle = await engine.start(Job.run, "return")
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    await engine.work(Job, task_queue=QUEUE)
    assert await handle.result()
