"""Two more ways for the store to fail; see `events.engine_errors` for the rest."""

from __future__ import annotations

from typing import ClassVar

from understudy.events.errors.engine import StoreError
from understudy.events.errors.root import EngineError

__all__ = ["StoreUnavailableError", "UnstorableError"]


class StoreUnavailableError(StoreError):
    """The store cannot be reached or worked with: no folder, no right to write, a failing disk, or it is closed."""

    reason: str

    statement: ClassVar[str] = "store {path!r} cannot be used: {reason}"
    advice: ClassVar[str] = "Check that the folder exists, is writable and on a healthy local disk, and open it again"


class UnstorableError(EngineError):
    """What a turn wants recorded cannot be written down; nothing of the turn is recorded."""

    run_id: str
    version: int
    reason: str

    statement: ClassVar[str] = "event {version} of run {run_id!r} cannot be recorded: {reason}"
    advice: ClassVar[str] = "Pass values that JSON and UTF-8 can say; the run is as it was before"
