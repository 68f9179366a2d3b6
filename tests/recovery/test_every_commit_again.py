"""A crash or a fault at every commit of what is done again: cron runs, resets, attempts of local activities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

import pytest

from tests.recovery.lives import QUEUE, MortalStore, Script, When
from tests.recovery.once_more import Mended, hourly, stubborn
from tests.recovery.stories import Kin
from tests.recovery.tales import LIVES, Tale, crashes, each_in_any_order, faults, insist, kinds_in_any_order, tell
from understudy import Client
from understudy.common import WorkflowIDReusePolicy
from understudy.events.activity import ActivityCompleted
from understudy.events.store.port import ExecutionRow
from understudy.events.workflow import WorkflowStarted
from understudy.exceptions import ResetRefusedError, WorkflowAlreadyStartedError, WorkflowClosedError

pytestmark = pytest.mark.slow

FOREVER: Final = 2**62
HOURS: Final = 4
"""Cron runs that are awaited; the one behind them is terminated before its time."""


async def begin(client: Client, what: Any, **options: Any) -> None:
    """Start a workflow, unless an earlier life has."""
    with suppress(WorkflowAlreadyStartedError):
        once = WorkflowIDReusePolicy.REJECT_DUPLICATE
        start = partial(client.start_workflow, id="tale", task_queue=QUEUE, request_id="begin", id_reuse_policy=once)
        await insist(partial(start, what, **options))


def runs(store: MortalStore) -> Sequence[ExecutionRow]:
    """The runs of the tale, oldest first."""
    return store.executions(workflow_id="tale")[::-1]


async def tell_hours(client: Client, store: MortalStore) -> Any:
    await begin(client, hourly, cron_schedule="@hourly")
    while len(runs(store)) <= HOURS:
        last = runs(store)[-1].run_id
        (started, *_) = store.load(last)
        assert isinstance(started, WorkflowStarted)
        client.engine.clock.skip_to(started.first_turn_at)  # type: ignore[attr-defined]  # tales are told by such a clock
        client.engine.time_jumped()
        await store.until(partial(has_closed, store, last))
    with suppress(WorkflowClosedError):
        await insist(partial(client.get_workflow_handle("tale").terminate, reason="enough"))
    events = [store.load(row.run_id) for row in runs(store)]
    return [getattr(history[-1], "result", None) or history[-1].topic for history in events]


def has_closed(store: MortalStore, run_id: str) -> bool:
    """Whether a run is over."""
    row = store.execution(run_id)
    return row is not None and row.status != "Running"


def completed(store: MortalStore, run_id: str) -> list[int]:
    """The numbers of the events by which activities of a run completed."""
    return [number for number, event in enumerate(store.load(run_id), 1) if isinstance(event, ActivityCompleted)]


async def tell_mended(client: Client, store: MortalStore) -> Any:
    await begin(client, Mended.run)
    handle, child = client.get_workflow_handle("tale"), client.get_workflow_handle("adopted")
    if len(runs(store)) == 1:  # it is reset while it is open
        await insist(partial(handle.signal, "tell", "first", request_id="first"))
        first = runs(store)[0].run_id
        await store.until(lambda: len(completed(store, first)) == 2)
        with suppress(ResetRefusedError):  # by an earlier life
            await insist(partial(reset, client, store, 0))
    await store.until(lambda: store.latest("adopted"))
    with suppress(WorkflowClosedError):
        await insist(partial(child.signal, Kin.tell, "a word", request_id="a word"))
    with suppress(WorkflowClosedError):
        await insist(partial(handle.signal, "tell", "second", request_id="second"))
    second = runs(store)[1].run_id
    await store.until(partial(has_closed, store, second))
    if len(runs(store)) == 2:  # and once more when it is over
        await insist(partial(reset, client, store, 1))
    result = await client.get_workflow_handle("tale").result()
    await store.until(lambda: not store.executions(status="Running") and not store.due(FOREVER, 1))
    return result


async def reset(client: Client, store: MortalStore, number: int) -> None:
    """Reset a run of the tale to the outcome of its first activity, unless that has been done."""
    if len(runs(store)) == number + 1:
        run_id = runs(store)[number].run_id
        await client.get_workflow_handle("tale", run_id=run_id).reset(completed(store, run_id)[0])


async def tell_stubborn(client: Client, _store: MortalStore) -> Any:
    await begin(client, stubborn)
    return await client.get_workflow_handle("tale").result()


Look = Callable[[Tale], list[list[str]]]
SCRIPTS: Final = pytest.mark.parametrize(
    ("script", "look"),
    [(tell_hours, each_in_any_order), (tell_mended, kinds_in_any_order), (tell_stubborn, each_in_any_order)],
)
SIDES: Final = pytest.mark.parametrize("when", ["before", "after"])


def test_each_story_does_what_it_is_told_for() -> None:
    hours = tell(tell_hours, {})
    assert [len(hours.histories), hours.result[-1]] == [HOURS + 1, "workflow.terminated"]
    assert sum(story[-1].startswith("['workflow.failed'") for story in hours.histories) == 1
    mended = tell(tell_mended, {})
    assert len(mended.histories) == 4  # two resets, and one child, which both adopt
    assert mended.result == ["begun", 1, 2, "first", "second", ["a word"]]
    assert tell(tell_stubborn, {}).result == [1, 1, ["step 0", "step 1", "step 2"], None, "NotYet: not yet"]


@SIDES
@SCRIPTS
@pytest.mark.parametrize("trouble", [crashes, faults])
def test_trouble_at_any_commit_of_what_is_done_again_changes_no_result_and_no_outcome(
    script: Script, look: Look, trouble: Callable[[Script, When], Iterator[tuple[str, Tale]]], when: When
) -> None:
    whole = tell(script, {})
    for where, told in trouble(script, when):
        assert told.result == whole.result, where
        assert look(told) == look(whole), where


@SCRIPTS
@pytest.mark.parametrize(("when", "commit"), [("after", 1), ("before", 2)])
def test_what_is_done_again_by_a_process_that_always_dies_after_a_commit_or_two_comes_to_the_same_end(
    script: Script, look: Look, when: When, commit: int
) -> None:
    whole = tell(script, {})
    told = tell(script, dict.fromkeys(range(LIVES), commit), when)
    assert told.result == whole.result
    assert look(told) == look(whole)
