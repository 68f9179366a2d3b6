"""The catalogue: declared names that no move of code can change, shapes that a golden file holds, and the way back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events.facts import EXAMPLES, any_event
from tests.events.shapes import current_shapes
from understudy.events.catalogue import CATALOGUE, TOPICS, decode_event
from understudy.events.event import Event, Fact, Note, Request, encode_event
from understudy.events.timer import TimerFired
from understudy.events.upcast import UPCASTERS, topic_of

GOLDEN: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "golden" / "topics.json").read_text(encoding="utf-8")
)
CHANGED: Final = "a stored shape changed: raise the class's `schema`, write an upcaster, and add the new topic"


def subclasses(cls: type[Event]) -> set[type[Event]]:
    """The classes below one that are the product's own."""
    found = {below for each in cls.__subclasses__() for below in {each, *subclasses(each)}}
    return {each for each in found if each.__module__.startswith("understudy.")}


@pytest.mark.parametrize("topic", sorted(CATALOGUE))
def test_the_shape_of_a_topic_is_the_one_in_the_golden_file(topic: str) -> None:
    assert current_shapes()["events"][topic] == GOLDEN["events"].get(topic), CHANGED


@pytest.mark.parametrize("part", ["embedded", "numbered"])
def test_what_is_embedded_in_events_has_the_shape_in_the_golden_file(part: str) -> None:
    assert current_shapes()[part] == GOLDEN[part], "every event that holds it needs the next schema and an upcaster"


def test_every_topic_ever_released_can_still_be_read() -> None:
    assert set(GOLDEN["events"]) == {*CATALOGUE, *UPCASTERS}


def test_every_event_class_is_in_the_catalogue_once() -> None:
    assert subclasses(Event) - {Fact, Request, Note} == set(CATALOGUE.values())
    assert len(CATALOGUE) == len(set(CATALOGUE.values())) == len(TOPICS)


def test_topics_and_catalogue_are_each_others_inverse() -> None:
    assert {cls: topic for topic, cls in CATALOGUE.items()} == TOPICS
    assert all(topic == topic_of(cls.topic, cls.schema) for topic, cls in CATALOGUE.items())


@pytest.mark.parametrize("cls", CATALOGUE.values(), ids=lambda cls: cls.__name__)
def test_an_event_is_a_fact_a_request_or_a_note(cls: type[Event]) -> None:
    assert sum(issubclass(cls, kind) for kind in (Fact, Request, Note)) == 1


@pytest.mark.parametrize("cls", CATALOGUE.values(), ids=lambda cls: cls.__name__)
def test_an_event_is_named_in_the_past_tense_and_its_topic_says_the_same(cls: type[Event]) -> None:
    subject, verb = cls.topic.split(".")
    assert any(word.endswith("ed") for word in verb.split("_")), f"{cls.topic} does not say what happened"
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower() == f"{subject}_{verb}"


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.topic)
def test_an_event_is_frozen(event: Event) -> None:
    for field in msgspec.structs.fields(event):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(event, field.name, None)


def test_there_is_an_example_of_every_event_with_no_field_left_at_its_default() -> None:
    assert [type(event) for event in EXAMPLES] == list(CATALOGUE.values())
    for event in EXAMPLES:
        stored = json.loads(encode_event(event))
        assert list(stored) == [field.encode_name for field in msgspec.structs.fields(event)]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.topic)
def test_an_event_comes_back_from_its_bytes_as_it_was(event: Event) -> None:
    back = decode_event(TOPICS[type(event)], encode_event(event))
    assert back == event
    assert type(back) is type(event)


@given(any_event())
def test_any_event_comes_back_from_its_bytes_as_it_was(event: Event) -> None:
    state = encode_event(event)
    back = decode_event(TOPICS[type(event)], state)
    assert back == event
    assert encode_event(back) == state


@given(any_event(), st.dictionaries(st.text(min_size=40), st.integers(), min_size=1, max_size=2))
def test_a_field_that_later_code_added_does_not_hinder_reading(event: Event, later: dict[str, int]) -> None:
    state = msgspec.json.encode({**msgspec.json.decode(encode_event(event), type=dict[str, msgspec.Raw]), **later})
    assert decode_event(TOPICS[type(event)], state) == event


def test_a_payload_stands_in_the_state_as_json_that_sql_can_read() -> None:
    state = json.loads(encode_event(next(event for event in EXAMPLES if event.topic == "signal.received")))
    assert state["input"] == [{"data": {"sku": "a-1", "price": 1.10}}]


def test_defaults_are_left_out_of_what_is_stored() -> None:
    assert encode_event(TimerFired(at=1, seq=2)) == b'{"at":1,"seq":2}'


def test_a_topic_that_nobody_declared_is_a_key_error() -> None:
    with pytest.raises(KeyError, match=r"order\.shipped"):
        decode_event("order.shipped", b"{}")


@pytest.mark.parametrize("state", [b"", b"[]", b'{"at":1}', b'{"at":1,"seq":"two"}'])
def test_a_state_that_is_not_what_the_topic_promises_is_refused(state: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_event("timer.fired", state)
