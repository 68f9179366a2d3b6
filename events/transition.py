"""The driver of all transition tables.

A machine is a dict from (state, event class) to the next state; `None` is the state before the first event. Whatever
is not in the table is not allowed. Deciders ask `allows` before they propose an event, so that late and duplicate
input ends as no event; `advance` is the last guard, where an arrow that is missing means that the stream is damaged
or the engine is wrong. A test walks every table and fails on an arrow that no test took.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from understudy.events.errors import IllegalTransitionError
from understudy.events.event import Event

__all__ = ["advance", "allows", "name_of"]

S = TypeVar("S")

Table = Mapping[tuple[S | None, type[Event]], S]


def advance(table: Table[S], state: S | None, event: Event) -> S:
    """Return the state that `event` leads to from `state`.

    Raises:
        IllegalTransitionError: the table has no such arrow.
    """
    try:
        return table[state, type(event)]
    except KeyError:
        raise IllegalTransitionError(state=name_of(state), event=event.topic) from None


def allows(table: Table[S], state: S | None, event: type[Event]) -> bool:
    """True if the table has an arrow for `event` from `state`."""
    return (state, event) in table


def name_of(state: object) -> str:
    """Return what to call a state in an error: its name, where `str` of an IntEnum would be a number."""
    return state.name if isinstance(state, Enum) else str(state)
