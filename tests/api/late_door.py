"""A door whose only name is behind a module that has its importer cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy._doors import later

if TYPE_CHECKING:
    from tests.api.late_part import PART
else:
    __getattr__, __dir__ = later(__name__, "tests.api.late_part")

__all__ = ["PART"]
