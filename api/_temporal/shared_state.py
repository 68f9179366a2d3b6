"""The state that Temporal's workers share with a pool of processes, for programs that name it.

Here the engine itself sets up what an activity in another process needs, so a worker takes the manager and does not
use it.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

from understudy.events.public import public

__all__ = ["SharedStateManager"]


@public("understudy.worker")
class SharedStateManager:
    """Accepted and ignored: a worker's pool of processes needs none."""

    @staticmethod
    def create_from_multiprocessing(mgr: Any, queue_poller_executor: Executor | None = None) -> SharedStateManager:
        """Return a manager that does nothing.

        Args:
            mgr: of `multiprocessing`; not used.
            queue_poller_executor: not used.
        """
        del mgr, queue_poller_executor
        return SharedStateManager()
