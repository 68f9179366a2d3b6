"""Texts of users' exceptions pass the failure converter wherever they are stored: none stands in clear in the file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.api.harness import ONCE, Harness, eventually
from tests.api.test_codecs import Converted, masking, states
from tests.store.codecs import Masking
from understudy import activity, workflow
from understudy.exceptions import ActivityError, ApplicationError, CancelledError

SECRET: Final = "tell-nobody"  # noqa: S105 - what the tests look for


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Converted]:
    """An engine with a codec, and with failures that hide their texts."""
    harness = Converted(f"sqlite:///{tmp_path}/engine.db", masking(Masking("k1")))
    await harness.open()
    yield harness
    await harness.close()


async def recorded(harness: Harness, workflow_id: str, topic: str) -> list[Any]:
    """The events of a kind that a run has on disk."""
    events = (await harness.client.get_workflow_handle(workflow_id).fetch_history()).events
    return [event for event in events if event.topic == topic]


@workflow.defn
async def calls(what: str, whom: str) -> str:
    """Send a message to somebody who is not there, and say what came of it."""
    handle = workflow.get_external_workflow_handle(whom)
    try:
        await (handle.cancel() if what == "cancel" else handle.signal(what))
    except ApplicationError as error:
        return f"{error.type}: {error.message}"
    return "sent"


@pytest.mark.parametrize("what", ["hello", "cancel"])
async def test_why_a_message_was_not_delivered_is_hidden_from_the_file_and_not_from_the_code(
    kept: Converted, what: str
) -> None:
    await kept.work(calls)
    handle = await kept.start(calls, what, "nobody")
    said = await handle.result()
    assert said.startswith("ExternalWorkflowExecutionNotFound: ")
    assert "'nobody'" in said
    (failed,) = await recorded(kept, handle.id, "message.failed")
    assert failed.failure.message == "Encoded failure"
    assert failed.failure.non_retryable


@workflow.defn(name="Listens")
class Listens:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    def hear(self, what: str) -> None:
        raise KeyError(what)


@workflow.defn(name="Listens")
class Forgets(Listens):
    @workflow.run
    async def run(self) -> None:
        raise KeyError(SECRET)


async def test_the_note_of_a_run_paused_after_failed_turns_is_as_open_as_its_failures(
    kept: Converted, tmp_path: Path
) -> None:
    await kept.work(Listens, pause_after_failed_turns=1)
    handle = await kept.start(Listens.run)
    await handle.signal(Listens.hear, SECRET)
    (paused,) = await eventually(lambda: recorded(kept, handle.id, "workflow.paused"))
    assert paused.note == "paused after 1 failed turns in a row: KeyError: Encoded failure"
    assert SECRET.encode() not in states(tmp_path / "engine.db")


async def test_why_code_that_cannot_be_rebuilt_takes_no_signal_is_hidden(kept: Converted, tmp_path: Path) -> None:
    await kept.work(Listens)
    handle = await kept.start(Listens.run)
    await kept.restart()
    await kept.work(Forgets)
    again = kept.client.get_workflow_handle(handle.id)
    await again.signal("hear", "news")
    (deferred,) = await eventually(lambda: recorded(kept, handle.id, "turn.deferred"))
    assert deferred.reason == "KeyError in the workflow's code"
    assert deferred.failure.type == "KeyError"
    assert SECRET.encode() not in states(tmp_path / "engine.db")
    assert SECRET in ((await again.describe()).waiting_for or "")


@activity.defn
async def cancels_itself(what: str) -> None:
    raise CancelledError(what)


@activity.defn
async def cancels_itself_plainly(what: str) -> None:
    raise asyncio.CancelledError(what)


@workflow.defn
async def asks(which: str) -> str:
    try:
        await workflow.execute_activity(which, SECRET, retry_policy=ONCE)
    except ActivityError as error:
        return str(error.cause)
    return "nothing"


@pytest.mark.parametrize("which", [cancels_itself, cancels_itself_plainly])
async def test_an_activity_that_cancels_itself_tells_the_workflow_why_and_not_the_file(
    kept: Converted, tmp_path: Path, which: Any
) -> None:
    await kept.work(asks, which)
    handle = await kept.start(asks, which.__name__)
    assert await handle.result() == SECRET
    assert SECRET.encode() not in states(tmp_path / "engine.db")


@activity.defn
async def stumbles() -> None:
    raise ApplicationError(SECRET)


@workflow.defn
async def keeps_trying() -> None:
    await workflow.execute_activity(stumbles)


async def test_why_an_attempt_failed_is_shown_to_who_has_the_converter(kept: Converted) -> None:
    await kept.work(keeps_trying, stumbles)
    handle = await kept.start(keeps_trying)

    async def last() -> str | None:
        pending = (await handle.describe()).pending_activities
        return pending[0].last_failure if pending else None

    assert await eventually(last) == SECRET
    await handle.terminate()
