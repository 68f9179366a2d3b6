"""Workflows that use everything, in order, so that their history is always the same; one does it all at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from tests.recovery.everything import EVERYTHING
from tests.recovery.once_more import AGAIN
from understudy import activity, workflow
from understudy.common import RetryPolicy
from understudy.events.activity import ActivityScheduled
from understudy.events.store.port import EventStore
from understudy.exceptions import ActivityError, ApplicationError, ChildWorkflowError, WorkflowAlreadyStartedError

__all__ = ["HOUR_NS", "STORIES", "Canceled", "Crowd", "Family", "Kin", "Play", "Story", "chain", "sequel"]

SOON: Final = RetryPolicy(initial_interval=timedelta(milliseconds=1))
HOUR: Final = 3_600.0
HOUR_NS: Final = 3_600 * 1_000_000_000
LENGTH: Final = 3


class Play:
    """Activities whose effects are kept in memory, beside the store; each looks whether it is recorded as scheduled.

    Args:
        store: The store that outlives the engine.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.attempts: Counter[str] = Counter()
        self.too_early: list[str] = []

    def all(self) -> Sequence[Callable[..., Any]]:
        """Return the activities, for a worker."""
        return [self.say, self.shout, self.flaky, self.refuse, self.beat, self.linger, self.whisper, self.mumble]

    def note(self) -> None:
        """Have an effect."""
        info = activity.info()
        self.attempts[info.idempotency_key] += 1
        events = self._store.load(str(info.workflow_run_id))
        scheduled = {str(event.seq) for event in events if isinstance(event, ActivityScheduled)}
        if not info.is_local and info.activity_id not in scheduled:
            self.too_early.append(info.idempotency_key)

    @activity.defn
    async def say(self, word: str) -> str:
        self.note()
        return word

    @activity.defn
    def shout(self, word: str) -> str:
        """In a thread."""
        self.note()
        return word.upper()

    @activity.defn
    async def flaky(self, failures: int) -> int:
        self.note()
        if activity.info().attempt <= failures:
            raise ApplicationError("not yet", type="NotYet")
        return activity.info().attempt

    @activity.defn
    async def refuse(self) -> None:
        self.note()
        raise ApplicationError("never", 7, type="Never", non_retryable=True)

    @activity.defn
    async def beat(self) -> list[str]:
        """Give one sign of life, fail, and find the sign again."""
        self.note()
        info = activity.info()
        activity.heartbeat("half")
        if info.attempt == 1:
            raise ApplicationError("half way", type="HalfWay")
        return list(info.heartbeat_details)

    @activity.defn
    async def linger(self) -> None:
        self.note()
        await asyncio.Event().wait()

    @activity.defn
    async def whisper(self, word: str) -> str:
        """A local one."""
        self.note()
        return word.lower()

    @activity.defn
    async def mumble(self, failures: int) -> int:
        """A local one that is tried again."""
        self.note()
        if activity.info().attempt <= failures:
            raise ApplicationError("not yet", type="NotYet")
        return 1


@workflow.defn
class Story:
    """Everything, in order."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)

    @workflow.run
    async def run(self, name: str) -> list[Any]:
        told: list[Any] = [await workflow.execute_activity_method(Play.say, name)]
        told.append(await workflow.execute_activity_method(Play.shout, name))
        told.append(await workflow.execute_activity_method(Play.flaky, 2, retry_policy=SOON))
        told.append(await workflow.execute_local_activity_method(Play.whisper, "LOW"))
        told.append(await workflow.execute_local_activity_method(Play.mumble, 1, retry_policy=SOON))
        told.append(await workflow.execute_activity_method(Play.beat, retry_policy=SOON))
        told.append(workflow.side_effect(lambda: 42))
        drawn = str(workflow.uuid4())
        told.append(drawn == await workflow.execute_activity_method(Play.say, drawn))
        try:
            await workflow.execute_activity_method(Play.refuse)
        except ActivityError as error:
            told.append(str(error.cause))
        await workflow.sleep(0.002)
        await workflow.wait_condition(lambda: len(self.words) == 2, timeout=HOUR)
        told.extend(self.words)
        try:
            await workflow.wait_condition(lambda: False, timeout=0.002)
        except TimeoutError:
            told.append("timed out")
        told.append(await self._drop())
        return told

    async def _drop(self) -> str:
        waits = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        handle = workflow.start_activity_method(Play.linger, cancellation_type=waits)
        await workflow.sleep(0.002)
        handle.cancel()
        try:
            await handle
        except ActivityError as error:
            return f"dropped: {error.cause}"
        return "ended by itself"


@workflow.defn
async def sequel(word: str) -> str:
    """Fail as a whole until the third run."""
    said = await workflow.execute_activity_method(Play.say, word)
    part = workflow.info().attempt
    if part < LENGTH:
        raise ApplicationError(f"part {part} failed", type="Again")
    return f"{said}, part {part}"


@workflow.defn
async def chain(word: str, part: int = 1) -> str:
    """Continue as new until the third run, each after a step of the new way of a change."""
    said = await workflow.execute_activity_method(Play.say, word) if workflow.patched("say") else "nothing"
    workflow.upsert_memo({"part": part})
    if part < LENGTH:
        workflow.continue_as_new(args=[word, part + 1])
    return f"{said}, part {part} of {workflow.get_version('parts', 1, LENGTH)}"


@workflow.defn
class Canceled:
    """Sleeps until it is cancelled, and cleans up."""

    @workflow.run
    async def run(self) -> None:
        try:
            await workflow.sleep(HOUR)
        finally:
            await workflow.execute_activity_method(Play.say, "cleaned up")


@workflow.defn
class Crowd:
    """Everything at once."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.signal
    async def tell(self, word: str) -> None:
        self.words.append(await workflow.execute_activity_method(Play.say, word))

    @workflow.run
    async def run(self, name: str) -> list[Any]:
        told = await asyncio.gather(
            workflow.execute_activity_method(Play.say, name),
            workflow.execute_activity_method(Play.shout, name),
            workflow.execute_activity_method(Play.flaky, 2, retry_policy=SOON),
            workflow.execute_local_activity_method(Play.whisper, "LOW"),
            workflow.execute_local_activity_method(Play.mumble, 1, retry_policy=SOON),
            workflow.execute_activity_method(Play.beat, retry_policy=SOON),
            self._wait(),
            self._drop(),
            workflow.sleep(0.003),
        )
        await workflow.wait_condition(lambda: len(self.words) == 2)
        return [*told, sorted(self.words)]

    async def _wait(self) -> str:
        try:
            await workflow.wait_condition(lambda: False, timeout=0.004)
        except TimeoutError:
            return "timed out"
        return "never"

    async def _drop(self) -> str:
        waits = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        try:
            async with asyncio.timeout(0.003):
                await workflow.execute_activity_method(Play.linger, cancellation_type=waits)
        except TimeoutError:
            return "dropped"
        return "ended by itself"


@workflow.defn
class Kin:
    """Keeps what it is told until that is enough, and cleans up when it is cancelled."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)

    @workflow.run
    async def run(self, enough: int) -> list[str]:
        try:
            await workflow.wait_condition(lambda: len(self.words) >= enough)
        except asyncio.CancelledError:
            await workflow.execute_activity_method(Play.say, "tidied")
            raise
        return self.words


@workflow.defn
async def cousin(word: str) -> str:
    """Say something, and fail if that is nothing."""
    said = await workflow.execute_activity_method(Play.say, word)
    if not said:
        raise ApplicationError("nothing said", type="Silence")
    return said


@workflow.defn
class Family:
    """Children of all kinds, and messages to others."""

    @workflow.run
    async def run(self) -> list[Any]:
        told: list[Any] = [await workflow.execute_child_workflow(cousin, "first", id="first")]
        told.append(await workflow.execute_child_workflow(chain, "second", id="second"))
        told += [await self._fail(), await self._clash(), await self._talk(), await self._drop()]
        friend = workflow.get_external_workflow_handle_for(Kin.run, "friend")
        await friend.signal(Kin.tell, "hello")
        await friend.cancel(reason="enough")
        try:
            await workflow.get_external_workflow_handle("nobody").cancel()
        except ApplicationError as error:
            told.append(error.type)
        asks = workflow.ParentClosePolicy.REQUEST_CANCEL
        await workflow.start_child_workflow(Kin.run, 1, id="asked", parent_close_policy=asks)
        await workflow.start_child_workflow(Kin.run, 1, id="ended")
        return told

    async def _fail(self) -> str:
        try:
            return await workflow.execute_child_workflow(cousin, "", id="third")
        except ChildWorkflowError as error:
            return str(error.cause)

    async def _clash(self) -> str:
        try:
            return (await workflow.start_child_workflow(cousin, "fourth", id=workflow.info().workflow_id)).id
        except WorkflowAlreadyStartedError:
            return "taken"

    async def _talk(self) -> list[str]:
        kin = await workflow.start_child_workflow(Kin.run, 2, id="kin")
        await kin.signal(Kin.tell, "upon")
        await workflow.get_external_workflow_handle("kin").signal(Kin.tell, "a time")
        return await kin

    async def _drop(self) -> str:
        handle = await workflow.start_child_workflow(Kin.run, 1, id="dropped")
        handle.cancel()
        try:
            return f"ended by itself: {await handle}"
        except ChildWorkflowError as error:
            return f"dropped: {error.cause}"


STORIES: Final[Sequence[Any]] = [Story, sequel, chain, Canceled, Crowd, Kin, cousin, Family, *EVERYTHING, *AGAIN]
