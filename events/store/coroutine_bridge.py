"""The bridge from plain code on any thread to coroutines, which it runs to their end: a store needs that of a codec.

Most codecs never wait: their coroutine is stepped once, and is done. While that happens there is no running event loop,
whichever thread it is, so that a codec cannot tie itself to the engine's. A codec that does wait (for a key from
elsewhere) is begun again on an event loop of its own, on a thread of its own, and from then on always runs there; the
caller waits for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

__all__ = ["LIMIT_SECONDS", "Stepper"]

T = TypeVar("T")

LIMIT_SECONDS: Final = 30.0
"""How long a coroutine may wait; the engine stands still meanwhile."""

# Named in asyncio for those who step coroutines by themselves.
_running_loop = asyncio._get_running_loop  # noqa: SLF001 - it is for those who step coroutines
_set_running_loop = asyncio._set_running_loop  # noqa: SLF001 - the same


class Stepper:
    """Runs coroutines to their end; any thread.

    Args:
        limit: seconds that one may wait.
    """

    def __init__(self, limit: float = LIMIT_SECONDS) -> None:
        self._limit = limit
        self._waits = False
        self._closed = False
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def has_loop(self) -> bool:
        """True if a coroutine had to wait, or failed, so that there is an event loop for them."""
        return self._loop is not None

    def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what a coroutine returns; `make` makes it, and is called again if it has to be begun again.

        Raises:
            TimeoutError: it waits for too long.
            RuntimeError: the stepper is closed, and it has to wait.
            Exception: what it raises.
        """
        if not self._waits:
            is_done, value = _at_once(make())
            if is_done:
                return value  # type: ignore[no-any-return]  # what a finished coroutine returned
        value = self._on_loop(make())
        self._waits = True
        return value

    def close(self) -> None:
        """End the event loop, if there is one; a second call does nothing."""
        with self._starting:
            self._closed = True
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def _on_loop(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._started())
        except RuntimeError:
            coroutine.close()
            raise
        try:
            return future.result(self._limit)
        except TimeoutError:
            if future.cancel():
                raise TimeoutError(f"it waited for more than {self._limit:g} s") from None
            raise

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._closed:
                raise RuntimeError("the store is closed")
            if self._loop is None:
                self._loop = loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_serve, args=(loop,), name="understudy-codec", daemon=True)
                self._thread.start()
            return self._loop


def _at_once(coroutine: Coroutine[Any, Any, Any]) -> tuple[bool, Any]:
    """Step a coroutine once; whatever keeps it from its end is met again, and told, on the loop."""
    outer = _running_loop()
    _set_running_loop(None)
    try:
        coroutine.send(None)
    except StopIteration as end:
        return True, end.value
    except (Exception, asyncio.CancelledError):  # noqa: BLE001 - it may only miss the loop
        return False, None
    else:
        with suppress(Exception):
            coroutine.close()
        return False, None
    finally:
        _set_running_loop(outer)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left))
    loop.close()
