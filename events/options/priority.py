"""Priorities: they decide which of the activities that wait for a worker goes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.options.durations import is_a
from understudy.events.options.retry_policy import check_number
from understudy.events.public import public

__all__ = ["Priority"]


@public("understudy.common")
@dataclass(frozen=True)
class Priority:
    """The place of a task among those that wait in its queue; a field that is None is inherited from the workflow.

    Args:
        priority_key: 1 or more; lower goes first; 3 is what a task has that says nothing.
        fairness_key: tasks of different keys share the queue by their weights, whatever their numbers.
        fairness_weight: the share of this task's key; 1.0 is what a key has that says nothing.

    Raises:
        ArgumentTypeError: `priority_key` is not an int, `fairness_key` no string, or `fairness_weight` no number.
        InvalidArgumentError: `priority_key` is less than 1, or `fairness_weight` is negative.
    """

    priority_key: int | None = None
    fairness_key: str | None = None
    fairness_weight: float | None = None

    default: ClassVar[Priority]
    """Says nothing."""

    def __post_init__(self) -> None:
        """Check the values of all fields."""
        key, name, weight = self.priority_key, self.fairness_key, self.fairness_weight
        if key is not None and not is_a(key, int):
            raise ArgumentTypeError(what="priority_key", got=repr(key), expected="an int")
        if key is not None and key < 1:
            raise InvalidArgumentError(what="priority_key", got=repr(key), expected="1 or more")
        if name is not None and not is_a(name, str):
            raise ArgumentTypeError(what="fairness_key", got=repr(name), expected="a string")
        if weight is not None:
            check_number(weight, "fairness_weight", least=0.0)


Priority.default = Priority()
