"""The future of an activity: who cancels it decides what the one who waits gets to see."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.behaviors.stage import Stage
from understudy.actors.behaviors.code.handles import ActivityHandle
from understudy.events.options.policies import ActivityCancellationType as Type

CANCELED = ValueError("the activity was cancelled")


class Scene:
    """A handle on a loop of its own, and how often its activity was asked to stop."""

    def __init__(self, kind: Type) -> None:
        self.stage = Stage()
        self.stops = 0
        self.handle: ActivityHandle[str] = ActivityHandle(loop=self.stage.loop)
        self.handle.prepare(str, kind, self.stop, lambda: CANCELED)

    def stop(self) -> None:
        self.stops += 1

    def outcome(self) -> Any:
        """What the one who waits sees: a value, an error, asyncio's cancellation, or nothing yet."""
        if not self.handle.done():
            return "waits"
        if self.handle.cancelled():
            return asyncio.CancelledError
        return self.handle.exception() or self.handle.result()


@pytest.fixture(name="scene", params=list(Type), ids=lambda kind: kind.name)
def a_scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    scene = Scene(request.param)
    yield scene
    scene.stage.loop.close_run()


@pytest.fixture(name="waiting")
def a_waiting_scene() -> Iterator[Scene]:
    scene = Scene(Type.WAIT_CANCELLATION_COMPLETED)
    yield scene
    scene.stage.loop.close_run()


async def wait_for(handle: ActivityHandle[str]) -> str:
    """Wait for an activity."""
    return await handle


def test_a_handle_is_awaited_like_any_future(scene: Scene) -> None:
    task = scene.stage.start(wait_for(scene.handle))
    scene.handle.set_result("done")
    scene.stage.turn()
    assert task.result() == "done"
    assert scene.stops == 0


def test_an_activity_that_has_its_outcome_cannot_be_cancelled(scene: Scene) -> None:
    scene.handle.set_result("done")
    assert scene.handle.cancel() is False
    assert (scene.outcome(), scene.stops) == ("done", 0)


@pytest.mark.parametrize(
    ("kind", "stops", "outcome"),
    [
        (Type.TRY_CANCEL, 1, CANCELED),
        (Type.WAIT_CANCELLATION_COMPLETED, 1, "waits"),
        (Type.ABANDON, 0, CANCELED),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_who_cancels_the_handle_gets_the_activitys_own_end(kind: Type, stops: int, outcome: Any) -> None:
    scene = Scene(kind)
    assert scene.handle.cancel() is True
    assert (scene.stops, scene.outcome()) == (stops, outcome)


@pytest.mark.parametrize(
    ("kind", "stops", "outcome"),
    [
        (Type.TRY_CANCEL, 1, asyncio.CancelledError),
        (Type.WAIT_CANCELLATION_COMPLETED, 1, "waits"),
        (Type.ABANDON, 0, asyncio.CancelledError),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_who_cancels_the_task_that_waits_gets_asyncios_cancellation(kind: Type, stops: int, outcome: Any) -> None:
    scene = Scene(kind)
    task = scene.stage.start(wait_for(scene.handle))
    task.cancel()
    scene.stage.turn()
    assert (scene.stops, scene.outcome()) == (stops, outcome)
    assert task.done() == (outcome != "waits")


def test_an_activity_is_asked_to_stop_once_however_often_it_is_cancelled(waiting: Scene) -> None:
    assert [waiting.handle.cancel() for _ in range(3)] == [True, True, True]
    assert waiting.stops == 1


def test_a_second_cancellation_finds_the_activity_at_its_end(scene: Scene) -> None:
    first, second = scene.handle.cancel(), scene.handle.cancel()
    assert first
    assert second == (scene.outcome() == "waits")


def test_the_end_of_an_activity_that_the_user_cancelled_is_the_error_that_it_brings(waiting: Scene) -> None:
    waiting.handle.cancel()
    error = KeyError("its own")
    waiting.handle.end_canceled(error)
    assert waiting.outcome() is error


def test_the_end_of_an_activity_whose_task_was_cancelled_is_asyncios_cancellation(waiting: Scene) -> None:
    task = waiting.stage.start(wait_for(waiting.handle))
    task.cancel()
    waiting.stage.turn()
    waiting.handle.end_canceled(KeyError("its own"))
    waiting.stage.turn()
    assert task.cancelled()


def test_an_activity_that_was_cancelled_may_still_return(waiting: Scene) -> None:
    waiting.handle.cancel()
    waiting.handle.set_result("too late to stop")
    assert waiting.outcome() == "too late to stop"


def test_the_first_who_cancels_decides_how_the_activity_ends(waiting: Scene) -> None:
    task = waiting.stage.start(wait_for(waiting.handle))
    waiting.handle.cancel()
    task.cancel()
    waiting.handle.end_canceled(None)
    assert waiting.outcome() is CANCELED
    waiting.stage.turn()
    assert task.exception() is CANCELED


def test_a_time_limit_of_asyncio_around_a_handle_is_a_time_out() -> None:
    async def limited(scene: Scene) -> str:
        try:
            return await asyncio.wait_for(scene.handle, 5)
        except TimeoutError:
            return "too late"

    scene = Scene(Type.TRY_CANCEL)
    assert scene.stage.play(limited(scene)) == "too late"
    assert scene.stops == 1


def test_a_shield_keeps_the_cancellation_from_the_activity(scene: Scene) -> None:
    async def shielded() -> str:
        return await asyncio.shield(scene.handle)

    task = scene.stage.start(shielded())
    task.cancel()
    scene.stage.turn()
    assert task.cancelled()
    assert (scene.stops, scene.outcome()) == (0, "waits")


def test_gathered_activities_are_cancelled_with_the_task_that_waits_for_them() -> None:
    scene = Scene(Type.TRY_CANCEL)
    stage = scene.stage
    other: ActivityHandle[str] = ActivityHandle(loop=stage.loop)
    other.prepare(str, Type.ABANDON, lambda: pytest.fail("it was abandoned"), lambda: CANCELED)

    async def both() -> tuple[str, str]:
        return await asyncio.gather(scene.handle, other)

    task = stage.start(both())
    task.cancel()
    stage.turn()
    assert task.cancelled()
    assert scene.stops == 1
    assert other.cancelled()


# -- as a task ---------------------------------------------------------------------------------------------------------


def test_a_handle_has_a_name_as_a_task_has(waiting: Scene) -> None:
    assert waiting.handle.get_name() == "ActivityHandle"
    waiting.handle.set_name(7)
    assert waiting.handle.get_name() == "7"


def test_a_handle_counts_its_cancellations_as_a_task_does(waiting: Scene) -> None:
    handle = waiting.handle
    assert (handle.cancelling(), handle.uncancel()) == (0, 0)
    assert handle.cancel("enough")
    assert handle.cancel()
    assert handle.cancelling() == 2
    assert (handle.uncancel(), handle.uncancel(), handle.uncancel()) == (1, 0, 0)
    handle.set_result("done")
    assert not handle.cancel()
    assert (handle.cancelling(), waiting.stops) == (0, 1)


def test_a_handle_has_no_coroutine_and_no_stack_and_is_no_task(
    waiting: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    handle: object = waiting.handle
    assert not isinstance(handle, asyncio.Task)
    assert waiting.handle.get_coro() is None
    assert waiting.handle.get_stack(limit=3) == []
    waiting.handle.print_stack()
    assert capsys.readouterr() == ("", "")
