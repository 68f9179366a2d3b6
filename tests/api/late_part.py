"""What an activity in a thread imports; half-way the activity is cancelled."""

from __future__ import annotations

from typing import Final

from understudy.actors.activities.current import current_attempt

__all__ = ["PART"]

cancel = current_attempt.get().thread_cancel
if cancel is not None:
    cancel.cancel()

PART: Final = "a part"
