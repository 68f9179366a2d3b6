"""A supervisor: an actor that has children, hears at once when one fails, and acts by its strategy.

The strategy is data: which directive a failure means, and after how long a child is restarted. What a restart is, only
the supervisor of that kind of child knows. Failures do not go through the mailbox: `failed` is called at once, so that
nothing that happens later is handled before.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Generic, TypeVar

import msgspec

from understudy.actors.dispatch import Dispatcher, LoopActor
from understudy.actors.supervision.backoff import Backoff

__all__ = ["Directive", "Strategy", "Supervisor"]

C = TypeVar("C")
"""The type of a child."""
F = TypeVar("F")
"""The type of a child's failure: an exception, or what is stored of one."""


class Directive(Enum):
    """Says what a supervisor does with a child that failed."""

    RESTART = "restart"
    """The child begins anew, after a back-off."""
    STOP = "stop"
    """The supervisor lets the child go."""
    ESCALATE = "escalate"
    """The supervisor tells somebody else, who decides."""


class Strategy(msgspec.Struct, frozen=True):
    """Says what a supervisor does about failures of its children."""

    directive: Callable[[Any], Directive]
    """Maps a failure to a directive; it has no effects."""
    backoff: Backoff = Backoff(first=0.0, last=0.0)
    """The wait of a child for its restart, by its failures in a row; at once if nothing is said."""


class Supervisor(LoopActor, Generic[C, F]):
    """An actor with children; used on the engine's loop.

    Args:
        dispatcher: whose loop it lives on.
        name: in the tree of supervisors.
        strategy: says what it does about failures.
    """

    def __init__(self, dispatcher: Dispatcher, name: str, strategy: Strategy) -> None:
        super().__init__(dispatcher, name)
        self.strategy = strategy

    @property
    @abstractmethod
    def children(self) -> Mapping[str, C]:
        """The children that are alive, by id."""

    @abstractmethod
    def failed(self, child: C, failure: F) -> None:
        """Act by the strategy on a child that has failed."""
