"""Cron expressions and the times at which they are due; a thin layer on cronsim.

Five fields, minute first; `@every 90s`-like intervals and the names `@hourly`, `@daily` and so on; a time zone in front
as `CRON_TZ=Europe/Berlin 0 9 * * *`, UTC without one. Times are integer nanoseconds since the epoch.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from understudy.events.errors import InvalidArgumentError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["checked_cron", "next_cron"]

_NAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS: Final = 5
_EVERY: Final = r"@every\s+((?:\d+[hms])+)"
_PART: Final = r"(\d+)([hms])"
_SECONDS: Final = {"h": 3600, "m": 60, "s": 1}
_ZONE: Final = r"(?:CRON_)?TZ=(\S+)\s+(.*)"
_SECOND_NS: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def checked_cron(expression: object) -> str:
    """Return a cron expression if it is a valid one.

    Raises:
        InvalidArgumentError: it cannot, and why.
    """
    if not isinstance(expression, str):
        raise InvalidArgumentError(what="cron_schedule", got=repr(expression), expected="a cron expression")
    from cronsim import CronSimError

    try:
        _check_form(_parsed(expression)[1])
        next_cron(expression, 0)
    except (CronSimError, KeyError, ValueError) as error:
        raise InvalidArgumentError(
            what="cron_schedule",
            got=repr(expression),
            expected="five fields such as '0 9 * * 1-5', '@daily', or '@every 90s'",
            fix=f"What is wrong with it: {error}",
        ) from error
    return expression


def _check_form(fields: str) -> None:
    if fields.startswith("@every"):
        if not re.fullmatch(_EVERY, fields):
            raise ValueError("'@every' has no interval in hours, minutes and seconds behind it, such as 1h30m or 90s")
        if not _every(fields):
            raise ValueError("an interval of 0 s never ends; it has to be 1 s or more")
    elif fields.startswith("@"):
        raise ValueError(f"there is no {fields!r}, only @every and {', '.join(_NAMES)}")
    elif (found := len(fields.split())) != _FIELDS:
        raise ValueError(f"it has {found} fields; there are minute, hour, day of month, month and day of week")


def next_cron(expression: str, after: int) -> int:
    """Return the first time of `expression` behind `after`, both ns since the epoch."""
    from cronsim import CronSim  # here, because few programs have use for it

    zone, fields = _parsed(expression)
    step = _every(fields)
    if step:
        return (after // (step * _SECOND_NS) + 1) * step * _SECOND_NS
    moment = datetime.fromtimestamp(after // _SECOND_NS, zone)
    found = next(CronSim(fields, moment))
    return int((found - _EPOCH) / timedelta(seconds=1)) * _SECOND_NS


@lru_cache(maxsize=256)
def _parsed(expression: str) -> tuple[ZoneInfo, str]:
    found = re.fullmatch(_ZONE, expression.strip())
    zone, fields = (found[1], found[2]) if found else ("UTC", expression.strip())
    from zoneinfo import ZoneInfo

    return ZoneInfo(zone), _NAMES.get(fields, fields)


def _every(fields: str) -> int:
    """Return the seconds of an `@every` expression; 0: it is no such expression."""
    found = re.fullmatch(_EVERY, fields)
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(_PART, found[1])) if found else 0
