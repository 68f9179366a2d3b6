"""The mapper behind eventsourcing's interfaces, and the short way past them: both write the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent

from tests.store.contract import Undeclared
from tests.store.examples import noted
from tests.store.mappers import scrambling_mapper
from understudy.events.errors import CorruptEventError
from understudy.events.errors.store import UnstorableError
from understudy.events.signal import SignalReceived
from understudy.events.store.mapper import EventMapper, RunEvent


def test_an_event_is_stored_under_its_declared_topic_as_json() -> None:
    stored = EventMapper().to_stored_event(RunEvent("run-1", 3, noted("approve")))
    assert stored == StoredEvent("run-1", 3, "signal.received", b'{"at":1,"name":"approve"}')


@pytest.mark.parametrize("mapper", [EventMapper(), scrambling_mapper()], ids=["plain", "scrambled"])
def test_an_event_comes_back_with_its_envelope(mapper: EventMapper) -> None:
    wrapped = RunEvent("run-1", 3, noted("approve"))
    assert mapper.to_domain_event(mapper.to_stored_event(wrapped)) == wrapped


@pytest.mark.parametrize("mapper", [EventMapper(), scrambling_mapper()], ids=["plain", "scrambled"])
def test_both_ways_write_and_read_the_same_state(mapper: EventMapper) -> None:
    stored = mapper.to_stored_event(RunEvent("run-1", 3, noted("approve")))
    assert mapper.state_of("run-1", 3, noted("approve")) == (stored.topic, stored.state)
    assert mapper.event_of("run-1", 3, stored.topic, stored.state) == noted("approve")


def test_a_cipher_hides_what_was_said() -> None:
    assert b"approve" not in scrambling_mapper().to_stored_event(RunEvent("run-1", 1, noted("approve"))).state


def test_only_run_events_are_mapped() -> None:
    @dataclass(frozen=True)
    class Other:
        originator_id: str = "a"
        originator_version: int = 1

    with pytest.raises(TypeError, match=r"RunEvent, not .*Other"):
        EventMapper().to_stored_event(Other())


def test_an_event_that_is_not_declared_cannot_be_stored() -> None:
    with pytest.raises(UnstorableError, match="Undeclared is not in the catalogue"):
        EventMapper().state_of("run-1", 1, Undeclared(at=1))


def test_a_value_that_json_cannot_say_cannot_be_stored() -> None:
    with pytest.raises(UnstorableError, match=r"signal\.received") as caught:
        EventMapper().state_of("run-1", 7, msgspec.structs.replace(noted(), name=object()))
    assert (caught.value.run_id, caught.value.version) == ("run-1", 7)
    assert caught.value.cause is not None


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("signal.received", b"{"),
        ("signal.received", b'{"at":1}'),
        ("signal.received", b'{"at":1,"name":"\xff"}'),
        ("signal.received@99", b"{}"),
        ("", b"{}"),
    ],
)
def test_what_cannot_be_read_is_named_by_run_version_and_topic(topic: str, state: bytes) -> None:
    with pytest.raises(CorruptEventError, match=topic or "called ''") as caught:
        EventMapper().to_domain_event(StoredEvent("run-1", 7, topic, state))
    assert (caught.value.run_id, caught.value.version) == ("run-1", 7)


def test_a_state_that_was_not_encrypted_is_corrupt_under_a_cipher() -> None:
    topic, state = EventMapper().state_of("run-1", 1, SignalReceived(at=1, name="x"))
    with pytest.raises(CorruptEventError, match="another key"):
        scrambling_mapper().event_of("run-1", 1, topic, state)
