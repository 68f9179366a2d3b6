"""What a run knows of itself: `workflow.info()`, what the run before it left, its size, its failures and its dice."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tests.api.harness import AT_ONCE, Harness, eventually, topics
from tests.behaviors.plays import charge
from tests.behaviors.rehearsal import FINAL, Rehearsal, lead, payload
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.common import Priority, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from understudy.events.activity import ActivityCompleted
from understudy.events.event import encode_event
from understudy.events.options.search_attributes import to_stored
from understudy.events.state.evolve import fold
from understudy.exceptions import ApplicationError, ArgumentTypeError, NotInWorkflowError

CITY = SearchAttributeKey.for_keyword("City")
TAGS = SearchAttributeKey.for_keyword_list("Tags")
COUNT = SearchAttributeKey.for_int("Count")


# -- the tree --------------------------------------------------------------------------------------------------------


@workflow.defn
async def tree(levels: int) -> list[list[str]]:
    """The ids of parent and root, of each level down."""
    info = workflow.info()
    own = [
        info.workflow_id,
        info.parent.workflow_id if info.parent is not None else "",
        info.root.workflow_id if info.root is not None else "",
    ]
    if not levels:
        return [own]
    below: list[list[str]] = await workflow.execute_child_workflow(tree, levels - 1, id=f"child-{levels}")
    return [own, *below]


async def test_each_run_knows_its_parent_and_the_run_at_the_top(engine: Harness) -> None:
    await engine.work(tree)
    assert await engine.execute(tree, 2, id="top") == [
        ["top", "", ""],
        ["child-2", "top", "top"],
        ["child-1", "child-2", "top"],
    ]


async def test_parent_and_root_have_run_ids_and_a_namespace(engine: Harness) -> None:
    @workflow.defn
    async def family() -> list[str]:
        info = workflow.info()
        if info.parent is None:
            found: list[str] = await workflow.execute_child_workflow(family)
            return [*found, info.run_id]
        assert info.root is not None
        return [info.parent.run_id, info.parent.namespace, info.root.run_id]

    await engine.work(family)
    parent, namespace, root, own = await engine.execute(family)
    assert (parent, root, namespace) == (own, own, "default")


# -- what it was started with ----------------------------------------------------------------------------------------


def told(code: Any, **started: Any) -> Any:
    """What a workflow that needs nothing returns, at first and at every replay."""
    run = Rehearsal(code, **started)
    same_again(run)
    return run.result


@workflow.defn
async def facts() -> dict[str, Any]:
    """Facts about the run."""
    info = workflow.info()
    return {
        "priority": [info.priority.priority_key, info.priority.fairness_key, info.priority.fairness_weight],
        "headers": {
            name: workflow.payload_converter().from_payload(value, str) for name, value in info.headers.items()
        },
        "cron": info.cron_schedule,
        "original": info.original_execution_run_id,
        "first": info.first_execution_run_id,
        "build": info.get_current_build_id(),
        "attributes": info.search_attributes,
    }


def test_a_run_that_was_started_plainly_knows_of_no_more() -> None:
    assert told(facts, run_id="run-1") == {
        "priority": [None, None, None],
        "headers": {},
        "cron": None,
        "original": "run-1",
        "first": "run-1",
        "build": "",
        "attributes": {},
    }


def test_a_run_knows_what_it_was_started_with() -> None:
    known = told(
        facts,
        priority=2,
        fairness_key="tenant-1",
        fairness_weight=1.5,
        headers={"trace": payload("t-17")},
        cron_schedule="0 9 * * *",
        first_run_id="run-0",
        seed="run-9",
    )
    assert known["priority"] == [2, "tenant-1", 1.5]
    assert known["headers"] == {"trace": "t-17"}
    assert (known["cron"], known["first"], known["original"]) == ("0 9 * * *", "run-0", "run-9")


def test_search_attributes_are_lists_of_values() -> None:
    attributes = TypedSearchAttributes(
        [SearchAttributePair(CITY, "Ulm"), SearchAttributePair(TAGS, ["a", "b"]), SearchAttributePair(COUNT, 3)]
    )
    known = told(facts, search_attributes=to_stored(attributes))
    assert known["attributes"] == {"City": ["Ulm"], "Tags": ["a", "b"], "Count": [3]}


async def test_a_priority_that_a_run_was_started_with_is_the_one_it_has(engine: Harness) -> None:
    await engine.work(facts)
    wanted = Priority(priority_key=3, fairness_key="tenant-2", fairness_weight=0.5)
    found = await engine.execute(facts, priority=wanted)
    assert found["priority"] == [3, "tenant-2", 0.5]


async def test_a_run_that_was_reset_knows_the_run_that_it_was_at_first(engine: Harness) -> None:
    await engine.work(facts)
    handle = await engine.start(facts)
    await handle.result()
    new_id = await handle.reset(len(await topics(handle)))
    found = await engine.client.get_workflow_handle(handle.id, run_id=new_id).result()
    assert found["original"] == found["first"] == handle.result_run_id != new_id


# -- size ------------------------------------------------------------------------------------------------------------


@workflow.defn
async def measures(turns: int) -> list[int]:
    """The size of the history at each turn."""
    sizes = [workflow.info().get_current_history_size()]
    for _ in range(turns):
        await workflow.execute_activity(charge, 1)
        sizes.append(workflow.info().get_current_history_size())
    return sizes


def test_the_size_of_the_history_is_that_of_its_events_and_the_same_to_a_replay() -> None:
    run = Rehearsal(measures, 3)
    for seq in range(1, 4):
        run.complete(seq, 1)
    sizes = [len(encode_event(event)) for event in run.events]
    assert run.result == [sizes[0], sum(sizes[:3]), sum(sizes[:5]), sum(sizes[:7])]
    same_again(run)


def test_a_long_history_is_measured_as_a_short_one_is() -> None:
    run = Rehearsal(measures, 300)
    for seq in range(1, 301):
        run.complete(seq, 1)
    sizes = [len(encode_event(event)) for event in run.events]
    assert run.result[-1] == sum(sizes[:-1])
    assert run.execution.size == sum(sizes) == fold("run-1", run.events).size
    assert lead(measures, run.events).phase is Phase.CLOSED


def test_a_run_that_had_to_wait_has_the_same_size_to_a_replay() -> None:
    run = Rehearsal(measures, 1)
    run.defer(ActivityCompleted(at=run.now, seq=1, result=payload(1), attempt=1))
    run.rebuild()
    run.resume()
    same_again(run)


# -- the run before --------------------------------------------------------------------------------------------------


@workflow.defn
async def heir() -> list[Any]:
    """What the run before left."""
    failure = workflow.get_last_failure()
    return [
        workflow.has_last_completion_result(),
        workflow.get_last_completion_result(),
        workflow.get_last_completion_result(float),
        None if failure is None else [type(failure).__name__, str(failure)],
    ]


def test_a_run_with_nothing_before_it_has_neither_a_result_nor_a_failure() -> None:
    assert told(heir) == [False, None, None, None]


def test_a_run_of_a_schedule_has_the_last_result_and_what_failed_since() -> None:
    assert told(heir, last_result=payload(7), last_failure=FINAL) == [
        True,
        7,
        7.0,
        ["ApplicationError", "NoStock: no stock"],
    ]


async def test_a_run_that_was_retried_knows_what_the_last_one_failed_with(engine: Harness) -> None:
    @workflow.defn
    async def again() -> list[str]:
        before = workflow.get_last_failure()
        if before is None:
            raise ApplicationError("no stock", type="NoStock")
        return [str(before), str(workflow.info().attempt)]

    await engine.work(again)
    assert await engine.execute(again, retry_policy=AT_ONCE) == ["NoStock: no stock", "2"]


# -- failures --------------------------------------------------------------------------------------------------------


@workflow.defn(failure_exception_types=[KeyError])
async def judges() -> list[bool]:
    """Which exceptions would end this run."""
    errors = [ApplicationError("a"), KeyError("b"), TimeoutError(), ValueError("c")]
    return [workflow.is_failure_exception(error) for error in errors]


def test_a_run_knows_which_exceptions_would_end_it() -> None:
    assert told(judges) == [True, True, True, False]


# -- dice ------------------------------------------------------------------------------------------------------------


@workflow.defn
async def dice() -> list[Any]:
    """Numbers of several generators."""
    first = workflow.new_random("first").random()
    own = workflow.random().random()
    await workflow.sleep(1)
    return [
        own,
        workflow.new_random().random(),
        first,
        workflow.new_random("first").random(),
        workflow.new_random("second").random(),
        str(workflow.random_seed()),
    ]


def test_generators_of_a_run_give_the_same_numbers_at_every_replay_and_others_in_other_runs() -> None:
    results: list[Any] = []
    for run_id in ("run-1", "run-1", "run-2"):
        run = Rehearsal(dice, run_id=run_id)
        run.fire()
        same_again(run)
        results.append(run.result)
    assert results[0] == results[1]
    assert set(results[0]) & set(results[2]) == set()


def test_generators_of_one_name_are_alike_and_of_none_like_the_dice_of_the_run() -> None:
    run = Rehearsal(dice, run_id="run-1")
    run.fire()
    own, fresh, first, again, second, _ = run.result
    assert own == fresh == Random("run-1").random()  # noqa: S311 - repeatable, not secret
    assert first == again
    assert len({own, first, second}) == 3


async def test_the_seed_of_a_run_never_changes_so_nobody_is_told(engine: Harness) -> None:
    told_of: list[int] = []

    @workflow.defn(failure_exception_types=[ArgumentTypeError])
    async def listens(right: bool) -> bool:  # noqa: FBT001 - an argument of a workflow
        callback: Any = told_of.append if right else "no function"
        seed = workflow.random_seed()
        workflow.register_random_seed_callback(callback)
        await workflow.sleep(timedelta(milliseconds=1))
        return workflow.random_seed() == seed

    await engine.work(listens)
    assert await engine.execute(listens, True)  # noqa: FBT003 - an argument of a workflow
    handle = await engine.start(listens, False)  # noqa: FBT003 - the same
    await eventually(lambda: failed(handle))
    assert told_of == []


async def failed(handle: Any) -> bool:
    """Whether a run has failed."""
    return (await topics(handle))[-1] == "workflow.failed"


@pytest.mark.parametrize("call", [workflow.random_seed, workflow.has_last_completion_result, workflow.info])
def test_none_of_it_is_known_outside_of_a_workflow(call: Any) -> None:
    with pytest.raises(NotInWorkflowError):
        call()
