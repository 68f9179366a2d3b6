"""Run ids: UUIDs of version 7 (RFC 9562), which grow with time, so that the store's index grows at its end.

Random keys touch random pages: in groups of 100 the store takes sorted keys about twice as fast.
"""

from __future__ import annotations

from collections.abc import Callable
from os import urandom
from typing import Final

from understudy.actors.clock import Clock

__all__ = ["NewId", "run_ids"]

NewId = Callable[[], str]

COUNTER_MAX: Final = 0xFFF
ID_BYTES: Final = 10
VERSION_7: Final = 0x7000
VARIANT: Final = 1 << 63
CHANCE: Final = (1 << 62) - 1
POOL_BYTES: Final = 400 * ID_BYTES
"""Random bytes are fetched for 400 ids at a time: the system call costs ten times what the rest of an id does."""


def run_ids(clock: Clock) -> NewId:
    """Return a source of run ids: 48 bits of milliseconds, 12 of a counter seeded by chance, 62 of chance."""
    last_ms, counter = 0, 0
    pool, used = b"", 0

    def new_id() -> str:
        nonlocal last_ms, counter, pool, used
        ms = clock() // 1_000_000
        if used == len(pool):
            pool, used = urandom(POOL_BYTES), 0
        chance, used = int.from_bytes(pool[used : used + ID_BYTES], "big"), used + ID_BYTES
        if ms > last_ms:
            last_ms, counter = ms, chance >> 69  # 11 of its 80 bits, and others below
        elif counter < COUNTER_MAX:
            counter += 1
        else:
            last_ms, counter = last_ms + 1, 0
        text = f"{last_ms << 16 | VERSION_7 | counter:016x}{VARIANT | chance & CHANCE:016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    return new_id
