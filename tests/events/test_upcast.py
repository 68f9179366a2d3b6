"""Old shapes: brought up step by step, with users' payloads untouched to the letter."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from understudy.events.catalogue import decode_event
from understudy.events.payloads.payload import Payload
from understudy.events.signal import SignalReceived
from understudy.events.timer import TimerStarted
from understudy.events.upcast import UPCASTERS, Upcaster, topic_of, upcast


def seconds_to_ns(state: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Once upon a time a timer said how many seconds it waits."""
    seconds = msgspec.json.decode(state.pop("seconds"))
    return "timer.begun@2", {**state, "delay": msgspec.Raw(b"%d" % (seconds * 1_000_000_000))}


def delay_to_time(state: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Then in nanoseconds; today it says when it fires."""
    at, delay = (msgspec.json.decode(state[name]) for name in ("at", "delay"))
    return "timer.started", {"at": at, "seq": state["seq"], "fire_at": at + delay}


def text_to_name(state: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A message was once named by another field."""
    state["name"] = state.pop("text")
    return "signal.received", state


TABLE: Final[dict[str, Upcaster]] = {
    "timer.begun": seconds_to_ns,
    "timer.begun@2": delay_to_time,
    "message.received": text_to_name,
}


@pytest.mark.parametrize(("schema", "topic"), [(1, "timer.started"), (2, "timer.started@2"), (12, "timer.started@12")])
def test_the_topic_of_the_first_schema_is_the_bare_name(schema: int, topic: str) -> None:
    assert topic_of("timer.started", schema) == topic


def test_an_old_shape_goes_through_each_schema_up_to_the_latest() -> None:
    event = decode_event("timer.begun", b'{"at":5,"seq":1,"seconds":2}', TABLE)
    assert event == TimerStarted(at=5, seq=1, fire_at=2_000_000_005)


def test_a_shape_in_the_middle_of_the_chain_goes_on_from_there() -> None:
    event = decode_event("timer.begun@2", b'{"at":5,"seq":1,"delay":3}', TABLE)
    assert event == TimerStarted(at=5, seq=1, fire_at=8)


def test_payloads_pass_through_an_upcaster_to_the_letter() -> None:
    text = b'{"price": 1.10, "big": 123456789012345678901234567890, "a": 1e2}'
    event = decode_event("message.received", b'{"at":1,"text":"add","input":[{"data":%s}]}' % text, TABLE)
    assert event == SignalReceived(at=1, name="add", input=(Payload(msgspec.Raw(text)),))


def test_the_latest_shape_is_left_as_it_is() -> None:
    state: dict[str, Any] = {"at": 1}
    assert upcast("timer.fired", state, TABLE) == ("timer.fired", state)
    assert upcast("timer.fired", state) == ("timer.fired", state)


def test_an_upcaster_that_leads_to_no_class_of_the_catalogue_is_a_key_error() -> None:
    with pytest.raises(KeyError, match=r"timer\.gone"):
        decode_event("timer.old", b"{}", {"timer.old": lambda state: ("timer.gone", state)})


def test_no_upcaster_stands_for_a_shape_that_is_still_written() -> None:
    assert not [topic for topic in UPCASTERS if upcast(topic, {})[0] == topic]
