"""A cancellation is asked for once: code that waits for it on the loop or in a thread wakes, before or behind it."""

from __future__ import annotations

import asyncio

import pytest

from understudy.actors.activities.cancellation import CANCEL_REQUESTED, Cancellation

PATIENCE = 30.0


async def test_code_that_waits_on_the_loop_wakes_when_it_is_asked_to_stop() -> None:
    cancellation = Cancellation()
    waiting = asyncio.ensure_future(cancellation.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    cancellation.ask("no longer wanted", CANCEL_REQUESTED)
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert (cancellation.details, cancellation.reason) == (CANCEL_REQUESTED, "no longer wanted")


async def test_code_in_a_thread_wakes_when_it_is_asked_to_stop() -> None:
    cancellation = Cancellation()
    waiting = asyncio.ensure_future(asyncio.to_thread(cancellation.wait_in_thread, PATIENCE))
    await asyncio.sleep(0)
    cancellation.ask("no longer wanted", CANCEL_REQUESTED)
    async with asyncio.timeout(PATIENCE):
        assert await waiting


async def test_code_that_begins_to_wait_afterwards_does_not_wait() -> None:
    cancellation = Cancellation()
    cancellation.ask("no longer wanted", CANCEL_REQUESTED)
    async with asyncio.timeout(PATIENCE):
        await cancellation.wait()
        await cancellation.wait()
    assert cancellation.wait_in_thread(None)


def test_code_in_a_thread_waits_no_longer_than_it_says() -> None:
    assert not Cancellation().wait_in_thread(0.0)


@pytest.mark.parametrize(
    ("reason", "shown"), [(None, "<cancellation>"), ("late", "<cancellation for 'late'>")], ids=["no", "yes"]
)
def test_a_cancellation_shows_whether_it_was_asked_for(reason: str | None, shown: str) -> None:
    cancellation = Cancellation()
    if reason is not None:
        cancellation.ask(reason, CANCEL_REQUESTED)
    assert repr(cancellation) == shown
