"""A crash at every commit: before it reached the disk, and after it did but before anybody was told.

The same workflow runs once without a crash, and then once for each commit and side of it. What it returns and what is
recorded of it must be the same, whatever the crash took away; and nothing is done that is not recorded (EFFECT-AFTER).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest

from tests.api.harness import eventually
from tests.recovery.everything import Everything
from tests.recovery.lives import ON_A_THREAD, ON_THE_LOOP, QUEUE, MortalStore, Script, When
from tests.recovery.stories import HOUR_NS, Canceled, Crowd, Family, Kin, Story, chain, sequel
from tests.recovery.tales import (
    FEWEST,
    LIVES,
    Tale,
    crashes,
    each_in_any_order,
    faults,
    insist,
    kinds_in_any_order,
    tell,
    tell_with_faults,
)
from understudy import Client, WorkflowFailureError
from understudy.client import WorkflowUpdateFailedError
from understudy.common import RetryPolicy, WorkflowIDReusePolicy
from understudy.events.store.port import EventStore
from understudy.events.timer import TimerStarted
from understudy.exceptions import UpdateNotFoundError, WorkflowAlreadyStartedError, WorkflowClosedError

pytestmark = pytest.mark.slow

FOREVER: Final = 2**62


def waits_long(store: EventStore, workflow_id: str) -> Callable[[], bool]:
    """Whether a run has come to its long wait."""

    def look() -> bool:
        row = store.latest(workflow_id)
        events = store.load(row.run_id) if row is not None else []
        return any(isinstance(event, TimerStarted) and event.fire_at - event.at >= HOUR_NS for event in events)

    return look


async def tell_story(client: Client, store: MortalStore) -> Any:
    start = partial(client.start_workflow, Story.run, "Once", id="tale", task_queue=QUEUE, request_id="begin")
    handle = await insist(start)
    await store.until(waits_long(store, "tale"))
    for word in ("upon", "a time"):
        await insist(partial(handle.signal, "tell", word, request_id=f"tell {word}"))
    return await handle.result()


async def tell_sequel(client: Client, _store: MortalStore) -> Any:
    with suppress(WorkflowAlreadyStartedError):  # an earlier life has started it, and was not told
        start = partial(client.start_workflow, sequel, "Again", id="tale", task_queue=QUEUE, request_id="begin")
        once = WorkflowIDReusePolicy.REJECT_DUPLICATE
        soon = RetryPolicy(initial_interval=timedelta(milliseconds=1))
        await insist(partial(start, id_reuse_policy=once, retry_policy=soon))
    return await client.get_workflow_handle("tale").result()


async def tell_chain(client: Client, _store: MortalStore) -> Any:
    with suppress(WorkflowAlreadyStartedError):  # an earlier life has started it, and was not told
        start = partial(client.start_workflow, chain, "On", id="tale", task_queue=QUEUE, request_id="begin")
        await insist(partial(start, id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE))
    return await client.get_workflow_handle("tale").result()


async def tell_cancellation(client: Client, store: MortalStore) -> Any:
    start = partial(client.start_workflow, Canceled.run, id="tale", task_queue=QUEUE, request_id="begin")
    handle = await insist(start)
    await store.until(waits_long(store, "tale"))
    with suppress(WorkflowClosedError):  # the cancellation of an earlier life got through, and all that follows
        await insist(partial(handle.cancel, reason="enough"))
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    return repr(caught.value.cause)


async def tell_crowd(client: Client, _store: MortalStore) -> Any:
    start = partial(client.start_workflow, Crowd.run, "All", id="tale", task_queue=QUEUE, request_id="begin")
    handle = await insist(start)
    for word in ("at", "once"):
        await insist(partial(handle.signal, "tell", word, request_id=f"tell {word}"))
    return await handle.result()


async def tell_family(client: Client, store: MortalStore) -> Any:
    start = partial(client.start_workflow, task_queue=QUEUE)
    await insist(partial(start, Kin.run, 9, id="friend", request_id="friend"))
    handle = await insist(partial(start, Family.run, id="tale", request_id="begin"))
    result = await handle.result()
    await store.until(lambda: not store.executions(status="Running") and not store.due(FOREVER, 1))
    return result


async def tell_everything(client: Client, store: MortalStore) -> Any:
    begin = partial(client.start_workflow, Everything.run, 1, id="tale", task_queue=QUEUE, request_id="begin")
    with suppress(WorkflowAlreadyStartedError, WorkflowClosedError):
        once = WorkflowIDReusePolicy.REJECT_DUPLICATE
        await insist(partial(begin, start_signal="say", start_signal_args=["early"], id_reuse_policy=once))
    first = store.executions(workflow_id="tale")[-1].run_id
    handle = client.get_workflow_handle("tale", run_id=first)

    def has(topic: str) -> bool:
        return any(event.topic == topic for event in store.load(first))

    with suppress(WorkflowClosedError, UpdateNotFoundError):  # what an earlier life has seen to the end
        assert await insist(partial(handle.execute_update, Everything.ask, "why", id="why")) == "why!"
        with pytest.raises(WorkflowUpdateFailedError):
            await insist(partial(handle.execute_update, Everything.ask, "", id="empty"))
        await insist(partial(handle.signal, "late", "set at run time", request_id="late"))
        await store.until(lambda: sum(event.topic in ENDS for event in store.load(first)) == len(ENDS))
        if not has("workflow.paused"):
            await insist(handle.pause)
        await insist(partial(handle.signal, "topic", "while it was paused", request_id="topic"))
        await insist(handle.unpause)
        token = await insist(lambda: eventually(lambda: handle.query(Everything.key)))
        await insist(partial(client.resolve_promise, token, "promised"))
    result = await client.get_workflow_handle("tale").result()
    await store.until(lambda: not store.executions(status="Running"))
    return result


ENDS: Final = ("child.completed", "child.failed")


IN_ORDER: Final = pytest.mark.parametrize("script", [tell_story, tell_sequel, tell_chain, tell_cancellation])


Look = Callable[[Tale], list[list[str]]]
AT_ONCE: Final = pytest.mark.parametrize(
    ("script", "look"), [(tell_family, each_in_any_order), (tell_everything, kinds_in_any_order)]
)
SIDES: Final = pytest.mark.parametrize("when", ["before", "after"])


PLACES: Final = pytest.mark.parametrize("place", [ON_A_THREAD, ON_THE_LOOP], ids=["on a thread", "on the loop"])


@PLACES
@SIDES
@IN_ORDER
def test_a_crash_at_any_commit_changes_neither_the_result_nor_the_history(
    script: Script, when: When, place: float
) -> None:
    whole = tell(script, {})
    for where, told in crashes(script, when, place):
        assert told.result == whole.result, where
        assert told.histories == whole.histories, where


@pytest.mark.parametrize(("when", "commit"), [("after", 1), ("before", 2), ("after", 2), ("before", 3)])
@IN_ORDER
def test_a_process_that_always_dies_after_a_commit_or_two_comes_to_the_same_end(
    script: Script, when: When, commit: int
) -> None:
    whole = tell(script, {})
    told = tell(script, dict.fromkeys(range(LIVES), commit), when)
    assert told.lives > FEWEST // 2
    assert (told.result, told.histories) == (whole.result, whole.histories)


@SIDES
@IN_ORDER
def test_a_fault_of_any_commit_that_kills_nobody_changes_neither_the_result_nor_the_history(
    script: Script, when: When
) -> None:
    whole = tell(script, {})
    for where, told in faults(script, when):
        assert told.result == whole.result, where
        assert told.histories == whole.histories, where


@SIDES
@IN_ORDER
def test_a_store_of_which_every_third_commit_goes_wrong_leads_to_the_same_end(script: Script, when: When) -> None:
    whole = tell(script, {})
    told, _ = tell_with_faults(script, range(1, LIVES, 3), when)
    assert (told.result, told.histories) == (whole.result, whole.histories)


@SIDES
@pytest.mark.parametrize("trouble", [crashes, faults])
def test_trouble_at_any_commit_of_many_things_at_once_changes_no_result_and_no_outcome(
    trouble: Callable[[Script, When], Iterator[tuple[str, Tale]]], when: When
) -> None:
    whole = tell(tell_crowd, {})
    for where, told in trouble(tell_crowd, when):
        assert told.result == whole.result, where
        ((before,), (after,)) = whole.histories, told.histories
        assert Counter(before) == Counter(after), where


@SIDES
@AT_ONCE
@pytest.mark.parametrize("trouble", [crashes, faults])
def test_trouble_at_any_commit_of_a_family_changes_no_result_and_no_outcome(
    script: Script, look: Look, trouble: Callable[[Script, When], Iterator[tuple[str, Tale]]], when: When
) -> None:
    whole = tell(script, {})
    for where, told in trouble(script, when):
        assert told.result == whole.result, where
        assert look(told) == look(whole), where


@AT_ONCE
@pytest.mark.parametrize(("when", "commit"), [("after", 1), ("before", 2)])
def test_a_family_whose_process_always_dies_after_a_commit_or_two_comes_to_the_same_end(
    script: Script, look: Look, when: When, commit: int
) -> None:
    whole = tell(script, {})
    told = tell(script, dict.fromkeys(range(LIVES), commit), when)
    assert told.result == whole.result
    assert look(told) == look(whole)
