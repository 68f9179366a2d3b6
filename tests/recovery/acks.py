"""What the child was told, written down the moment it was told, outside of the store.

A line is one `write` to a file opened for appending: when the child is killed, what it has written is with the kernel,
and what it has not, nobody was told. The last line of a life may be torn; it then counts as not written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["Ack", "AckFile", "read_acks"]


class Ack(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that was said.

    Args:
        what: `intend` (about to start, not acknowledged yet), `start`, `signal`, `cancel`, `seen` (a query's answer) or
            `result`.
        number: Of the plan.
        run_id: Of the run that a start gave, empty where it is not known.
        index: Of the signal.
        value: What the query or the result was.
    """

    what: str
    number: int
    run_id: str = ""
    index: int = 0
    value: Any = None


class AckFile:
    """Appends to the file; one process at a time."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(self._fd, b"\n")  # sets a torn line of the life before apart

    def say(self, ack: Ack) -> None:
        """Write one line."""
        os.write(self._fd, msgspec.json.encode(ack) + b"\n")

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)


def read_acks(path: Path) -> list[Ack]:
    """Return what was said so far, in order."""
    return list(_lines(path)) if path.exists() else []


def _lines(path: Path) -> Iterator[Ack]:
    for line in path.read_bytes().splitlines():
        try:
            yield msgspec.json.decode(line, type=Ack)
        except msgspec.DecodeError:
            continue
