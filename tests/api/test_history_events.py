"""The events of a run, read page by page, and followed while the run goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.harness import Harness, eventually, ms, topics
from understudy import workflow
from understudy.client import (
    RPCTimeoutOrCancelledError,
    WorkflowHandle,
    WorkflowHistoryEventAsyncIterator,
    WorkflowHistoryEventFilterType,
)
from understudy.exceptions import ArgumentTypeError, EngineStoppedError, InvalidArgumentError, WorkflowNotFoundError

CLOSE = WorkflowHistoryEventFilterType.CLOSE_EVENT


@workflow.defn
class Counts:
    """Counts its signals up to three."""

    def __init__(self) -> None:
        self.count = 0

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.count == 3)
        return self.count

    @workflow.signal
    def more(self) -> None:
        self.count += 1


WHOLE = ["workflow.started", *["signal.received"] * 3, "workflow.completed"]


async def all_of(events: WorkflowHistoryEventAsyncIterator) -> list[str]:
    """The kinds of the events that an iterator gives."""
    return [event.topic async for event in events]


async def closed(engine: Harness) -> WorkflowHandle[Any, Any]:
    """A run that is done."""
    await engine.work(Counts)
    handle = await engine.start(Counts.run)
    for _ in range(3):
        await handle.signal(Counts.more)
    await handle.result()
    return handle


# -- what is there ---------------------------------------------------------------------------------------------------


async def test_an_iterator_gives_what_the_history_has(engine: Harness) -> None:
    handle = await closed(engine)
    assert await all_of(handle.fetch_history_events()) == await topics(handle) == WHOLE


async def test_a_run_that_is_open_is_read_as_far_as_it_is(engine: Harness) -> None:
    await engine.work(Counts)
    handle = await engine.start(Counts.run)
    assert await all_of(handle.fetch_history_events()) == WHOLE[:1]
    assert (await handle.fetch_history(event_filter_type=CLOSE)).events == ()
    assert await all_of(handle.fetch_history_events(event_filter_type=CLOSE)) == []


async def test_the_closing_event_alone_may_be_asked_for(engine: Harness) -> None:
    handle = await closed(engine)
    assert await all_of(handle.fetch_history_events(event_filter_type=CLOSE)) == ["workflow.completed"]
    history = await handle.fetch_history(event_filter_type=CLOSE, skip_archival=True)
    assert [event.topic for event in history.events] == ["workflow.completed"]
    assert history.workflow_id == handle.id


async def test_pages_have_the_size_that_is_asked_for(engine: Harness) -> None:
    handle = await closed(engine)
    events = handle.fetch_history_events(page_size=2)
    assert events.current_page is None
    assert events.next_page_token is None
    assert await all_of(events) == WHOLE
    assert events.current_page is not None
    assert [event.topic for event in events.current_page] == WHOLE[4:]
    assert events.current_page_index == 1
    assert events.next_page_token is None
    assert "behind number 5" in repr(events)


async def test_another_iterator_goes_on_where_one_stopped(engine: Harness) -> None:
    handle = await closed(engine)
    first = handle.fetch_history_events()
    await first.fetch_next_page(page_size=3)
    assert first.next_page_token is not None
    rest = handle.fetch_history_events(next_page_token=first.next_page_token)
    assert await all_of(rest) == WHOLE[3:]


async def test_nothing_is_read_before_the_first_event_is_asked_for(engine: Harness) -> None:
    events = engine.client.get_workflow_handle("nobody").fetch_history_events()
    with pytest.raises(WorkflowNotFoundError):
        await anext(events)


# -- what comes ------------------------------------------------------------------------------------------------------


async def test_a_live_run_is_followed_until_it_is_closed(engine: Harness) -> None:
    await engine.work(Counts)
    handle = await engine.start(Counts.run)
    seen: list[str] = []

    async def follow() -> None:
        async for event in handle.fetch_history_events(wait_new_event=True):
            seen.append(event.topic)  # noqa: PERF401 - the test looks at it meanwhile

    following = asyncio.create_task(follow())
    for number in range(1, 3):
        await handle.signal(Counts.more)
        await eventually(lambda: seen == WHOLE[: number + 1])  # noqa: B023 - it is awaited right here
    assert not following.done()
    await handle.signal(Counts.more)
    await following
    assert seen == WHOLE


async def test_a_run_that_is_closed_is_followed_to_its_end(engine: Harness) -> None:
    handle = await closed(engine)
    assert await all_of(handle.fetch_history_events(wait_new_event=True, page_size=2)) == WHOLE


async def test_the_closing_event_can_be_waited_for(engine: Harness) -> None:
    await engine.work(Counts)
    handle = await engine.start(Counts.run)
    waiting = asyncio.create_task(all_of(handle.fetch_history_events(wait_new_event=True, event_filter_type=CLOSE)))
    await handle.terminate()
    assert await waiting == ["workflow.terminated"]


async def test_who_is_tired_of_waiting_may_go_on_later(engine: Harness) -> None:
    await engine.work(Counts)
    handle = await engine.start(Counts.run)
    events = handle.fetch_history_events(wait_new_event=True, rpc_timeout=ms(1))
    assert (await anext(events)).topic == "workflow.started"
    with pytest.raises(RPCTimeoutOrCancelledError):
        await anext(events)
    assert engine.client.engine.waiters.tails == {}
    await handle.signal(Counts.more)
    assert (await anext(events)).topic == "signal.received"


async def test_who_follows_is_told_that_the_engine_stops(url: str) -> None:
    harness = Harness(url)
    await harness.open()
    await harness.work(Counts)
    handle = await harness.start(Counts.run)
    events = handle.fetch_history_events(wait_new_event=True)
    await anext(events)
    outcomes = harness.client.engine.waiters
    waiting = asyncio.ensure_future(anext(events))
    await eventually(lambda: outcomes.tails)
    await harness.close()
    with pytest.raises(EngineStoppedError):
        await waiting


# -- what cannot be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"page_size": 0}, InvalidArgumentError),
        ({"page_size": "2"}, ArgumentTypeError),
        ({"next_page_token": b"nowhere"}, InvalidArgumentError),
        ({"next_page_token": "run/1"}, InvalidArgumentError),
        ({"event_filter_type": 2}, ArgumentTypeError),
    ],
)
async def test_what_cannot_be_is_refused_at_once(
    engine: Harness, options: dict[str, Any], error: type[Exception]
) -> None:
    handle = engine.client.get_workflow_handle("anybody")
    with pytest.raises(error):
        handle.fetch_history_events(**options)
