"""`activity.logger`: a logger that says which attempt is speaking."""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from understudy.actors.activities.current import current_attempt
from understudy.actors.activities.thread_cancel import Shield
from understudy.events.public import public

__all__ = ["LoggerAdapter", "logger"]


@public("understudy.activity")
class LoggerAdapter(logging.LoggerAdapter[logging.Logger]):
    """A logger that adds facts about the attempt that logs; outside of activities it adds nothing.

    A cancellation of code in a thread waits until a record is written, so that it never leaves a handler locked.

    Attributes:
        activity_info_on_message: add the attempt's ids to the message.
        activity_info_on_extra: add them to the record, as its attributes `activity` and `temporal_activity`.
        full_activity_info_on_extra: add all of `activity.info()` to the record, as its attribute `activity_info`.
    """

    def __init__(self, logger: logging.Logger, extra: Mapping[str, Any] | None) -> None:
        """Log through `logger`, with `extra` in each record."""
        super().__init__(logger, extra or {})
        self.activity_info_on_message = True
        self.activity_info_on_extra = True
        self.full_activity_info_on_extra = False

    @property
    def base_logger(self) -> logging.Logger:
        """The logger below, to add handlers and filters to."""
        return self.logger

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log, unless the level is off."""
        attempt = current_attempt.get(None)
        kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1  # the record names the caller of this method
        with Shield(attempt.thread_cancel if attempt is not None else None):
            super().log(level, msg, *args, **kwargs)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the facts to the message and to the record."""
        attempt = current_attempt.get(None)
        extra: dict[str, Any] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        if attempt is not None:
            from understudy._activity.info import info_of, log_details

            if self.activity_info_on_message:
                msg = f"{msg} ({log_details(attempt)})"
            if self.activity_info_on_extra:
                extra["activity"] = extra["temporal_activity"] = log_details(attempt)
            if self.full_activity_info_on_extra:
                extra["activity_info"] = info_of(attempt)
        if extra:
            kwargs["extra"] = extra
        return msg, kwargs


logger: Final = LoggerAdapter(logging.getLogger("understudy.activity"), None)
