"""`workflow.logger`: it adds the run's ids to what it logs, and is silent in replays."""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from contextlib import nullcontext
from typing import Any, Final

from understudy._workflow.surroundings import in_workflow, unsafe
from understudy.actors.behaviors.code.context import current
from understudy.actors.behaviors.code.inbox import current_update
from understudy.actors.runs.log_fields import run_details

__all__ = ["LoggerAdapter", "logger"]


class LoggerAdapter(logging.LoggerAdapter[logging.Logger]):
    """A logger that adds the run's ids and is silent in replays, so that each line is logged once."""

    def __init__(self, logger: logging.Logger, extra: Mapping[str, Any] | None = None) -> None:
        """Write the messages to `logger`."""
        super().__init__(logger, extra or {})
        self.log_during_replay = False
        self.workflow_info_on_message = True
        """True if messages end with the run's ids."""
        self.workflow_info_on_extra = True
        """True if records have the run's ids, as a dict `workflow`."""
        self.full_workflow_info_on_extra = False
        """True if records have all of `workflow.info()`, as `workflow_info`."""
        self.disable_sandbox = False
        """True if handlers and formatters may do what workflow code may not; see `unsafe_disable_sandbox`."""

    @property
    def base_logger(self) -> logging.Logger:
        """The logger behind it, to give handlers and levels to."""
        return self.logger

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the run's ids to the message and to the record; in the handler of an update, its id and name, too."""
        if not in_workflow():
            return msg, kwargs
        details, extra = _log_details(), dict[str, Any]()
        if self.workflow_info_on_extra:
            extra["workflow"] = extra["temporal_workflow"] = details
        if self.full_workflow_info_on_extra:
            from understudy._workflow.info import info

            extra["workflow_info"] = info()
        if extra:
            kwargs["extra"] = {**(self.extra or {}), **extra, **(kwargs.get("extra") or {})}
        if self.workflow_info_on_message:
            msg = f"{msg} ({details})"
        return msg, kwargs

    def log(self, level: int, msg: object, *args: Any, stacklevel: int = 1, **kwargs: Any) -> None:
        """Log a message; `stacklevel` 1: the record names the line that called."""
        with unsafe.sandbox_unrestricted() if self.disable_sandbox else nullcontext():
            super().log(level, msg, *args, stacklevel=stacklevel + 1, **kwargs)

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's own name
        """Return True if a message of `level` would be logged here and now."""
        if not self.log_during_replay and in_workflow() and current().recorder.is_replaying:
            return False
        return super().isEnabledFor(level)

    def unsafe_disable_sandbox(self, value: bool = True) -> None:  # noqa: FBT001, FBT002 - Temporal's signature
        """Switch the determinism guards off while handlers and formatters run, or on again."""
        self.disable_sandbox = value


def _log_details() -> dict[str, Any]:
    context = current()
    details, update = run_details(context.execution), current_update.get()
    if update is not None:
        details["update_id"], details["update_name"] = update
    return details


logger: Final = LoggerAdapter(logging.getLogger("understudy.workflow"))
