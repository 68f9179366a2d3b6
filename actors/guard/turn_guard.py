"""Runs turns of workflow code: watches for turns that do not yield, and refuses calls that would differ in a replay."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeVar, TypeVarTuple

from understudy.actors.guard import seams as guard
from understudy.actors.guard.watchdog import Watchdog
from understudy.events.errors import DeadlockError

if TYPE_CHECKING:
    from understudy.actors.behaviors.definitions.definition import WorkflowDefinition

__all__ = ["TurnGuard"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

logger: Final = logging.getLogger("understudy.watchdog")


class TurnGuard:
    """Puts the guard and the watchdog of one system around turns; used on the engine's loop."""

    def __init__(self) -> None:
        """Begin with the guard off, until a worker asks for it."""
        self._watchdog = Watchdog(report=_report)
        self._looks: dict[WorkflowDefinition, int] = {}
        """The number of activations of each definition that had a deep look; the first few get one."""

    def install(self, definitions: Iterable[WorkflowDefinition]) -> None:
        """Switch the guard on for these workflows, and for what their modules took by name from others."""
        guard.install()
        for definition in definitions:
            module = sys.modules.get(definition.run.__module__)
            if definition.sandboxed and module is not None:
                guard.cover(vars(module))

    def close(self) -> None:
        """Stop the watchdog's thread."""
        self._watchdog.close()

    def __call__(
        self,
        workflow_id: str,
        run_id: str,
        definition: WorkflowDefinition,
        activation: Callable[[*Ts], T],
        *args: *Ts,
        replay: bool = False,
    ) -> T:
        """Run one activation with its arguments, or a whole replay, which takes as long as its history is.

        Raises:
            DeterminismError: the code called what would differ in a replay, even if it caught the error.
            DeadlockError: it did not yield in time; the run must not be used again.
            BaseException: what the code raised.
        """
        looks = self._looks
        deep = False
        if not replay and looks.get(definition, 0) < guard.DEEP_ACTIVATIONS:
            looks[definition] = looks.get(definition, 0) + 1
            deep = True
        token = guard.enter(deep=deep) if definition.sandboxed else None
        watchdog, struck = self._watchdog, None
        violation = None
        try:
            try:
                watchdog.enter(workflow_id, run_id, limit=math.inf if replay else definition.deadlock_timeout)
                result = activation(*args)
            finally:
                struck = watchdog.leave()
                violation = guard.leave(token) if token is not None else None
        except DeadlockError:
            watchdog.leave()  # it may have come at the very entry of the first leave
            if token is not None:
                guard.leave(token)
            raise
        if struck is not None:
            raise struck
        if violation is not None:
            raise violation
        return result


def _report(error: DeadlockError) -> None:
    logger.error("%s", error)
