"""The driver of the tables: a dict and two questions."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import pytest

from understudy.events.errors import IllegalTransitionError
from understudy.events.event import Event
from understudy.events.timer import TimerCanceled, TimerFired, TimerStarted
from understudy.events.transition import advance, allows, name_of


class Lamp(IntEnum):
    """A machine of two states."""

    OFF = 1
    ON = 2


TABLE: Final[dict[tuple[Lamp | None, type[Event]], Lamp]] = {
    (None, TimerStarted): Lamp.OFF,
    (Lamp.OFF, TimerFired): Lamp.ON,
}
STARTED: Final = TimerStarted(at=1, seq=1, fire_at=2)
FIRED: Final = TimerFired(at=2, seq=1)


def test_an_arrow_leads_to_the_next_state() -> None:
    assert advance(TABLE, None, STARTED) is Lamp.OFF
    assert advance(TABLE, Lamp.OFF, FIRED) is Lamp.ON


@pytest.mark.parametrize(
    ("state", "event", "name"), [(Lamp.ON, FIRED, "ON"), (Lamp.OFF, STARTED, "OFF"), (None, FIRED, "None")]
)
def test_a_missing_arrow_names_the_state_and_the_event(state: Lamp | None, event: Event, name: str) -> None:
    with pytest.raises(IllegalTransitionError, match=f"event '{event.topic}' may not follow in state {name}") as caught:
        advance(TABLE, state, event)
    assert caught.value.fields() == {"state": name, "event": event.topic}
    assert caught.value.__cause__ is None


def test_what_is_allowed_can_be_asked_before() -> None:
    assert allows(TABLE, None, TimerStarted)
    assert not allows(TABLE, None, TimerFired)
    assert not allows(TABLE, Lamp.ON, TimerCanceled)


def test_a_state_is_named_by_its_name_and_not_by_its_number() -> None:
    assert (name_of(Lamp.ON), name_of(None), name_of("activity #1")) == ("ON", "None", "activity #1")
