"""Histories as JSON: what is written is read back exactly, down to the bytes of users' values."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events.facts import EXAMPLES, any_event
from understudy.client import WorkflowHistory
from understudy.events.event import Event, encode_event
from understudy.events.payloads.payload import Payload
from understudy.events.signal import SignalReceived
from understudy.exceptions import InvalidArgumentError

ALL = WorkflowHistory("order-17", "run-1", EXAMPLES)


def state(history: WorkflowHistory) -> list[tuple[str, bytes]]:
    return [(event.topic, encode_event(event)) for event in history.events]


def test_every_kind_of_event_comes_back() -> None:
    again = WorkflowHistory.from_json(ALL.to_json())
    assert again == ALL
    assert state(again) == state(ALL)


@given(st.lists(any_event(), max_size=3))
def test_what_is_written_is_read_back(some: list[Event]) -> None:
    history = WorkflowHistory("w", "r", tuple(some))
    assert WorkflowHistory.from_json(history.to_json()) == history


def test_values_keep_their_spelling() -> None:
    spelled = b'{"price": 1.10, "count": 123456789012345678901234567890, "word": "\\u00e9"}'
    payload = Payload(msgspec.Raw(spelled))
    history = WorkflowHistory("w", "r", (SignalReceived(at=1, name="pay", input=(payload,)),))
    (again,) = WorkflowHistory.from_json(history.to_json()).events
    assert isinstance(again, SignalReceived)
    assert bytes(again.input[0].data) == spelled


def test_an_event_stands_on_a_line_of_its_own() -> None:
    lines = ALL.to_json().splitlines()
    assert len(lines) == len(EXAMPLES) + 2
    assert lines[0] == '{"workflow_id":"order-17","run_id":"run-1","events":['
    assert lines[1].startswith('{"topic":"workflow.started"')


def test_the_plain_data_is_that_of_the_text_and_comes_back_too() -> None:
    plain = ALL.to_json_dict()
    assert plain == json.loads(ALL.to_json())
    assert WorkflowHistory.from_json(plain).to_json_dict() == plain


def test_a_history_may_be_read_under_another_id() -> None:
    for written in (ALL.to_json(), ALL.to_json_dict()):
        again = WorkflowHistory.from_json("copy", written)
        assert (again.workflow_id, again.run_id) == ("copy", "run-1")
        assert again.to_json_dict()["events"] == ALL.to_json_dict()["events"]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "truncated"),
        ("{}", "workflow_id"),
        ("[1]", "Expected `object`"),
        ({"workflow_id": "w", "run_id": "r", "events": [{"at": 1}]}, "event 1: KeyError\\('topic'\\)"),
        ({"workflow_id": "w", "run_id": "r", "events": [{"topic": "no.such"}]}, "event 1: KeyError\\('no.such'\\)"),
        ({"workflow_id": "w", "run_id": "r", "events": [{"topic": "timer.fired", "at": "x"}]}, "event 1: Validation"),
        ({"workflow_id": "w", "run_id": "r", "events": [object()]}, "not JSON serializable"),
    ],
)
def test_what_is_no_history_is_refused_with_its_place(written: Any, problem: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"the history is .*{problem}"):
        WorkflowHistory.from_json("w", written)
