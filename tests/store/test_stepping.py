"""A stepper runs coroutines to their end from plain code; those that wait get an event loop that is nobody else's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from understudy.events.store.coroutine_bridge import Stepper


@pytest.fixture
def stepper() -> Iterator[Stepper]:
    made = Stepper()
    yield made
    made.close()


async def at_once() -> str:
    return threading.current_thread().name


async def waits() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


async def fails() -> None:
    raise LookupError("no such key")


async def has_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def test_what_does_not_wait_is_done_where_it_is_called(stepper: Stepper) -> None:
    assert stepper.run(at_once) == threading.current_thread().name
    assert not stepper.has_loop


def test_what_waits_is_run_on_a_loop_of_its_own_and_stays_there(stepper: Stepper) -> None:
    assert stepper.run(waits) == "understudy-codec"
    assert stepper.run(at_once) == "understudy-codec"
    assert stepper.run(has_a_loop)


async def test_what_does_not_wait_does_not_see_the_loop_of_its_caller(stepper: Stepper) -> None:
    assert not stepper.run(has_a_loop)
    assert asyncio.get_running_loop().is_running()
    assert stepper.run(waits) == "understudy-codec"


def test_what_fails_says_so_and_the_next_is_still_done_at_once(stepper: Stepper) -> None:
    with pytest.raises(LookupError, match="no such key"):
        stepper.run(fails)
    assert stepper.run(at_once) == threading.current_thread().name


def test_what_cancels_itself_is_an_error_like_any_other(stepper: Stepper) -> None:
    async def gives_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(CancelledError):
        stepper.run(gives_up)


def test_what_refuses_to_be_stopped_is_left() -> None:
    stepper = Stepper()

    async def stubborn() -> str:
        try:
            await asyncio.sleep(0)
        except GeneratorExit:
            await asyncio.sleep(0)
        return "done"

    assert stepper.run(stubborn) == "done"
    stepper.close()


def test_what_waits_too_long_is_given_up() -> None:
    stepper = Stepper(limit=0.01)
    with pytest.raises(TimeoutError, match=r"more than 0\.01 s"):
        stepper.run(lambda: asyncio.Event().wait())
    stepper.close()


def test_an_ordinary_timeout_is_passed_on(stepper: Stepper) -> None:
    async def times_out() -> None:
        await asyncio.sleep(0)
        raise TimeoutError("the key server did not answer")

    with pytest.raises(TimeoutError, match="key server"):
        stepper.run(times_out)


def test_a_closed_stepper_does_what_does_not_wait() -> None:
    stepper = Stepper()
    stepper.close()
    stepper.close()
    assert stepper.run(at_once)
    with pytest.raises(RuntimeError, match="closed"):
        stepper.run(waits)


def test_closing_ends_what_still_waits() -> None:
    stepper = Stepper(limit=0.01)
    ended = threading.Event()

    async def for_ever() -> None:
        try:
            await asyncio.shield(asyncio.get_running_loop().create_task(inner()))
        finally:
            pass

    async def inner() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        stepper.run(for_ever)
    assert not ended.is_set()
    stepper.close()
    assert ended.is_set()


def test_many_threads_share_one_loop(stepper: Stepper) -> None:
    names: list[str] = []
    threads = [threading.Thread(target=lambda: names.append(stepper.run(waits))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == ["understudy-codec"] * 8
