"""Children, over a file: the process dies around their start or end, and the next one makes up for it.

A life ends behind one commit, which is on disk while nobody was told. The next life opens the file again; what it finds
to do, it finds by itself.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from tests.recovery.fatal import (
    FOREVER,
    Fatal,
    Parent,
    Script,
    Waiter,
    a_life,
    behind,
    count,
    crowd,
    drops,
    due,
    executes,
    hasty,
    looking,
    parents_result,
    start,
    status,
)
from tests.recovery.lives import MortalStore
from tests.turn import turn
from understudy import Client
from understudy.events.child import ChildCancelRequested, ChildInitiated
from understudy.events.store.port import EventStore, ExecutionRow
from understudy.events.workflow import CLOSING, WorkflowCancelRequested, WorkflowCompleted, WorkflowStarted
from understudy.workflow import ParentClosePolicy as Policy


async def to_death(client: Client, _store: MortalStore, what: Any, *args: Any) -> None:
    """Start a run, and wait for what comes."""
    await start(client, what, *args)
    await asyncio.Event().wait()


def row_of(store: EventStore, name: str) -> ExecutionRow:
    """The row of the latest run of a workflow id."""
    row = store.latest(name)
    assert row is not None, f"there is no {name!r}"
    return row


# -- the end of a parent ---------------------------------------------------------------------------------------------


WAYS: Final = ("complete", "fail", "cancel", "terminate", "time out", "continue")


async def end_parent(client: Client, store: MortalStore, how: str, policy: Policy) -> None:
    """Start a parent, wait for its child, and end it."""
    hour = timedelta(hours=1)
    options: Any = {"run_timeout": hour} if how == "time out" else {}
    handle = await start(client, Parent.run, policy, **options)
    await store.until(lambda: status(store) == "Running")
    if how in {"cancel", "terminate"}:
        await getattr(handle, how)()
    elif how == "time out":
        turn(client, hour)
    else:
        await handle.signal(Parent.end, how)
    await asyncio.Event().wait()


@pytest.mark.parametrize("policy", [Policy.TERMINATE, Policy.REQUEST_CANCEL, Policy.ABANDON])
@pytest.mark.parametrize("how", WAYS)
def test_a_parent_that_closed_just_before_the_crash_is_due_until_its_children_are_left_as_they_are_to_be(
    path: Path, how: str, policy: Policy
) -> None:
    a_life(path, partial(end_parent, how=how, policy=policy), behind(tuple(CLOSING), "parent"))
    assert looking(path, status) == "Running"
    assert "parent" in looking(path, due)

    async def made_up(_client: Client, store: MortalStore) -> None:
        await store.until(lambda: not [row for row in store.due(FOREVER, 100) if row.status != "Running"])
        if policy is not Policy.ABANDON:
            await store.until(lambda: status(store) != "Running")
        await store.until(lambda: status(store, "parent") != "Running")

    a_life(path, made_up)
    after = {Policy.TERMINATE: "Terminated", Policy.REQUEST_CANCEL: "Canceled", Policy.ABANDON: "Running"}[policy]
    assert looking(path, status) == after
    assert looking(path, due) == set()


@pytest.mark.parametrize("policy", [Policy.TERMINATE, Policy.REQUEST_CANCEL, Policy.ABANDON])
def test_a_child_that_the_crash_kept_from_starting_is_started_only_if_it_outlives_its_parent(
    path: Path, policy: Policy
) -> None:
    a_life(path, _dies(hasty, policy), behind(ChildInitiated, "parent"))
    assert looking(path, lambda store: status(store, "parent")) == "Completed"
    assert looking(path, status) == ""

    async def made_up(_client: Client, store: MortalStore) -> None:
        await store.until(lambda: "parent" not in due(store))

    a_life(path, made_up)
    assert looking(path, status) == ("Running" if policy is Policy.ABANDON else "")


def _dies(what: Any, *args: Any) -> Script:
    """Start a run, and wait for the death."""
    return lambda client, store: to_death(client, store, what, *args)


def test_who_looks_at_a_closed_parent_does_not_disturb_the_children_it_left(path: Path) -> None:
    async def leaves(client: Client, store: MortalStore) -> list[int]:
        handle = await start(client, Parent.run, Policy.ABANDON)
        await store.until(lambda: status(store) == "Running")
        await handle.signal(Parent.end, "complete")
        await handle.result()
        await store.until(lambda: "parent" not in due(store))
        before = store.commits
        with pytest.raises(Exception, match="no query"):
            await handle.query("nothing")
        return [before, store.commits]

    before, after = a_life(path, leaves)
    assert before == after


# -- the end of a child ----------------------------------------------------------------------------------------------


async def tell_child(client: Client, store: MortalStore) -> None:
    """Start a parent, and let its child end."""
    await start(client, executes)
    await store.until(lambda: count(store, "child", WorkflowStarted))
    await client.get_workflow_handle("child").signal(Waiter.tell, "go")
    await asyncio.Event().wait()


def test_a_parent_hears_after_the_crash_how_its_child_ended_just_before(path: Path) -> None:
    a_life(path, tell_child, behind(WorkflowCompleted, "child"))
    assert looking(path, lambda store: status(store, "parent")) == "Running"
    assert a_life(path, parents_result) == ["go"]


@pytest.mark.parametrize("fatal", [behind(ChildInitiated, "parent"), behind(WorkflowStarted, "child")])
def test_a_crash_around_the_start_of_a_child_leads_to_one_child(path: Path, fatal: Fatal) -> None:
    a_life(path, _dies(executes), fatal)

    async def goes_on(client: Client, store: MortalStore) -> Any:
        await store.until(lambda: status(store) == "Running")
        await client.get_workflow_handle("child").signal(Waiter.tell, "go")
        return await parents_result(client, store)

    assert a_life(path, goes_on) == ["go"]
    assert looking(path, lambda store: len(store.executions(workflow_id="child"))) == 1


def test_a_child_that_was_to_cancel_when_the_process_died_is_asked_to(path: Path) -> None:
    a_life(path, _dies(drops), behind(ChildCancelRequested, "parent"))
    assert looking(path, lambda store: count(store, "child", WorkflowCancelRequested)) == 0
    assert a_life(path, parents_result) == "CancelledError"
    assert looking(path, status) == "Canceled"


# -- many ------------------------------------------------------------------------------------------------------------


SIZE: Final = 5_000


@pytest.mark.slow
def test_five_thousand_children_are_ended_after_the_crash_of_their_parents_process(path: Path) -> None:
    async def begin(client: Client, store: MortalStore) -> None:
        handle = await start(client, crowd, SIZE)
        await store.until(lambda: status(store, f"child-{SIZE - 1}"))
        await handle.terminate()
        await asyncio.Event().wait()

    a_life(path, begin, behind(tuple(CLOSING), "parent"))

    async def made_up(_client: Client, store: MortalStore) -> None:
        await store.until(lambda: store.execution(parent) is not None and "parent" not in due(store))

    parent = looking(path, lambda store: row_of(store, "parent").run_id)
    a_life(path, made_up)
    ended = looking(path, lambda store: store.executions(status="Terminated", limit=2 * SIZE))
    assert len(ended) == SIZE + 1
