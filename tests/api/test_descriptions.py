"""What `describe` tells of a run, beside its status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.harness import Harness, eventually
from understudy import workflow
from understudy.client import WorkflowExecutionDescription, WorkflowHandle
from understudy.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from understudy.converter import DataConverter
from understudy.exceptions import PayloadDecodeError

CITY = SearchAttributeKey.for_keyword("City")


@workflow.defn
class Waits:
    """Waits for good, and says so."""

    @workflow.run
    async def run(self) -> None:
        workflow.set_current_details("waiting")
        await workflow.wait_condition(lambda: False)


@workflow.defn
class Family:
    """Has one child."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_child_workflow(Waits.run, id="child")


async def described(handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionDescription:
    """What is told of a run."""
    return await handle.describe()


async def test_what_a_run_was_started_with(engine: Harness) -> None:
    handle = await engine.start(
        "Nobody",
        memo={"for": "kim", "tags": [1, 2]},
        search_attributes=TypedSearchAttributes([SearchAttributePair(CITY, "Ulm")]),
        static_summary="one line",
        static_details="more",
        start_delay=timedelta(hours=1),
    )
    seen = await described(handle)
    assert await seen.static_summary() == "one line"
    assert await seen.static_details() == "more"
    assert await seen.memo() == {"for": "kim", "tags": [1, 2]}
    assert seen.search_attributes == {"City": ["Ulm"]}
    assert seen.typed_search_attributes.get(CITY) == "Ulm"
    assert seen.namespace == "default"
    assert seen.data_converter is DataConverter.default
    assert seen.execution_time - seen.start_time == timedelta(hours=1)
    assert seen.current_details == ""


async def test_what_a_run_was_not_started_with(engine: Harness) -> None:
    seen = await described(await engine.start("Nobody"))
    assert await seen.static_summary() is None
    assert await seen.static_details() is None
    assert await seen.memo() == {}
    assert seen.paused is None
    assert (seen.parent_id, seen.parent_run_id) == (None, None)
    assert (seen.root_id, seen.root_run_id) == (seen.id, seen.run_id)
    assert seen.execution_time == seen.start_time


async def test_one_value_of_a_memo(engine: Harness) -> None:
    seen = await described(await engine.start("Nobody", memo={"tags": [1, 2]}))
    assert await seen.memo_value("tags") == [1, 2]
    assert await seen.memo_value("tags", type_hint=set) == {1, 2}
    assert await seen.memo_value("colour", "red") == "red"
    assert await seen.memo_value("colour", None, type_hint=str) is None
    with pytest.raises(KeyError, match="colour"):
        await seen.memo_value("colour")
    with pytest.raises(PayloadDecodeError, match="memo 'tags'"):
        await seen.memo_value("tags", type_hint=str)


async def test_parents_and_children_name_each_other(engine: Harness) -> None:
    await engine.work(Family, Waits)
    handle = await engine.start(Family.run, id="parent")

    async def child_runs() -> bool:
        return any(child.run_id for child in (await described(handle)).pending_children)

    await eventually(child_runs)
    parent = await described(handle)
    child = await described(engine.client.get_workflow_handle("child"))
    assert (child.parent_id, child.parent_run_id) == ("parent", parent.run_id)
    assert (child.root_id, child.root_run_id) == ("parent", parent.run_id)
    [pending] = parent.pending_children
    assert (pending.workflow_id, pending.run_id) == ("child", child.run_id)
    assert (pending.workflow_type, pending.phase) == ("Waits", "started")
    await handle.terminate()
    assert (await described(handle)).pending_children == ()


async def test_what_a_run_says_about_itself(engine: Harness) -> None:
    await engine.work(Waits)
    handle = await engine.start(Waits.run)

    async def says() -> bool:
        return (await described(handle)).current_details == "waiting"

    await eventually(says)


async def test_a_run_that_is_paused_tells_why_and_since_when(engine: Harness) -> None:
    await engine.work(Waits)
    handle = await engine.start(Waits.run)
    before = datetime.now(UTC)
    await handle.pause(note="the bank is closed", freeze_timers=True)
    paused = (await described(handle)).paused
    assert paused is not None
    assert (paused.note, paused.freeze_timers) == ("the bank is closed", True)
    assert paused.identity == engine.client.identity
    assert before <= paused.since <= datetime.now(UTC)
    await handle.unpause()
    assert (await described(handle)).paused is None
