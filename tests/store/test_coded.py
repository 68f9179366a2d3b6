"""A store behind a codec keeps the contract of a store; what it holds is what the codec made."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.events.facts import EXAMPLES
from tests.store.codecs import Joining, Masking, PerWorkflow, Waiting
from tests.store.contract import WritingContract
from tests.store.contract_reads import ReadingContract
from tests.store.examples import append, row, unit
from understudy.converter import Payload, PayloadCodec
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.errors.codec import CodecDecodeError, CodecEncodeError
from understudy.events.event import Event
from understudy.events.signal import SignalReceived
from understudy.events.store.behind_codec import CodedStore, behind_codec
from understudy.events.store.memory import MemoryStore
from understudy.events.store.port import Append, EventStore, Unit
from understudy.events.store.sqlite.store import SqliteStore
from understudy.events.workflow import WorkflowStarted

SECRET = PayloadConverter.default.encode("tell nobody")
MEMO = msgspec.json.encode({"note": SECRET}).decode()


class TestCodedMemoryStore(WritingContract, ReadingContract):
    """All of it."""

    def open(self, folder: Path) -> EventStore:
        return CodedStore(MemoryStore(), Masking())


class TestCodedSqliteStore(WritingContract, ReadingContract):
    """All of it, with a codec that waits."""

    def open(self, folder: Path) -> EventStore:
        return CodedStore(SqliteStore(folder / "store.db"), Waiting())


def signal(*values: Any, name: str = "s") -> SignalReceived:
    return SignalReceived(at=1, name=name, input=tuple(map(PayloadConverter.default.encode, values)))


def started(workflow_id: str) -> WorkflowStarted:
    return WorkflowStarted(at=1, workflow_id=workflow_id, workflow_type="T", task_queue="q", input=(SECRET,))


def stored(run_id: str, after: int, *events: Event) -> Unit:
    return unit(Append(run_id, after, events))


def test_without_a_codec_there_is_nothing_in_between() -> None:
    store = MemoryStore()
    assert behind_codec(store, None) is store
    coded = behind_codec(store, Masking())
    assert repr(coded) == "<<MemoryStore 0 events> behind Masking>"
    assert coded.url == "memory://"


def test_what_is_held_is_encoded_and_what_is_read_is_not() -> None:
    inner = MemoryStore()
    store = CodedStore(inner, Masking())
    assert store.commit([stored("r", 0, *EXAMPLES)]) == [None]
    assert store.load("r") == list(EXAMPLES)
    assert store.load("r", after=2) == list(EXAMPLES[2:])
    assert [one.event for one in store.recorded(0, 1000)] == list(EXAMPLES)
    held = b"".join(event.state for event in inner.recorder.select_events("r"))
    assert b"binary/masked" in held
    assert b"a-1" not in held


def test_the_memo_of_a_row_is_encoded_and_a_recovery_does_not_look_at_it() -> None:
    inner = MemoryStore()
    store = CodedStore(inner, Masking())
    plain = row("r", memo=MEMO)
    assert store.commit([unit(append("r", 0, "x"), plain)]) == [None]
    kept = inner.execution("r")
    assert kept is not None
    assert "nobody" not in str(kept.memo)
    assert store.execution("r") == store.latest("order-1") == plain
    assert store.executions() == [plain]
    assert store.due(10, 10) == [kept]
    assert store.execution("nobody") is None


def test_a_memo_that_cannot_be_decoded_stays_as_it_is_stored(caplog: pytest.LogCaptureFixture) -> None:
    inner = MemoryStore()
    CodedStore(inner, Masking("old")).commit([unit(append("r", 0, "x"), row("r", memo=MEMO))])
    with caplog.at_level(logging.WARNING):
        found = CodedStore(inner, Masking("new")).executions()
    assert found == inner.executions()
    assert "the memo of run r stays as it is stored: Masking: KeyError" in caplog.text


def test_a_codec_may_make_fewer_payloads_of_many() -> None:
    inner = MemoryStore()
    store = CodedStore(inner, Joining())
    event = signal(1, 2, 3)
    assert store.commit([stored("r", 0, event)]) == [None]
    assert store.load("r") == [event]
    held = inner.load("r")[0]
    assert isinstance(held, SignalReceived)
    assert len(held.input) == 1


class Choosy(Masking):
    """Refuses some payloads."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        if any(b"refuse" in payload.data for payload in payloads):
            raise ValueError("too secret")
        return await super().encode(payloads)


def test_a_unit_that_the_codec_refuses_is_not_stored_nor_what_builds_on_it() -> None:
    store = CodedStore(MemoryStore(), Choosy())
    errors = store.commit(
        [
            stored("a", 0, signal("well")),
            stored("b", 0, signal("well"), signal("refuse")),
            stored("b", 2, signal("behind it")),
            stored("a", 1, signal("well again")),
        ]
    )
    assert errors[0] is errors[3] is None
    assert isinstance(errors[1], CodecEncodeError)
    assert isinstance(errors[1].__cause__, ValueError)
    assert str(errors[1]) == (
        "codec Choosy cannot encode event 2 (signal.received) of run 'b', so it is not recorded: ValueError: too "
        "secret. Mend the codec, or give it its key; what nobody waits for is then recorded by itself."
    )
    assert isinstance(errors[2], CodecEncodeError)
    assert errors[2] is not errors[1]
    assert store.load("a") == [signal("well"), signal("well again")]
    assert store.load("b") == []
    assert [type(error) for error in store.commit([stored("b", 0, signal("refuse"))])] == [CodecEncodeError]


def test_a_memo_that_the_codec_refuses_is_named() -> None:
    refused = msgspec.json.encode({"note": PayloadConverter.default.encode("refuse")}).decode()
    (error,) = CodedStore(MemoryStore(), Choosy()).commit([unit(append("r", 0, "x"), row("r", memo=refused))])
    assert "cannot encode the memo of run 'r'" in str(error)


def test_what_another_key_wrote_names_the_run_the_event_and_the_codec() -> None:
    inner = MemoryStore()
    CodedStore(inner, Masking("old")).commit([stored("r", 0, signal(), signal("x"))])
    store = CodedStore(inner, Masking("new"))
    with pytest.raises(CodecDecodeError) as caught:
        store.load("r")
    assert str(caught.value) == (
        "codec Masking cannot decode event 2 of run 'r': KeyError: \"key 'old' is not there\". Give the client the "
        "codec and the keys that it was written with; the run waits for them."
    )
    with pytest.raises(CodecDecodeError):
        store.recorded(0, 10)
    assert CodedStore(inner, Masking("new", "old")).load("r") == [signal(), signal("x")]


@pytest.mark.parametrize("count", [0, 2])
def test_a_codec_that_returns_another_number_of_payloads_is_refused(count: int) -> None:
    class Odd(Masking):
        async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
            return [SECRET] * count

    store = CodedStore(MemoryStore(), Odd())
    (error,) = store.commit([unit(append("r", 0, "x"), row("r", memo=MEMO))])
    assert f"it returned {count} payloads for one that stands alone" in str(error)


def test_a_codec_that_returns_nothing_for_something_is_refused() -> None:
    class Empty(Masking):
        async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
            return []

    (error,) = CodedStore(MemoryStore(), Empty()).commit([stored("r", 0, signal("x"))])
    assert "it returned no payload for 1" in str(error)


def test_a_codec_that_waits_for_ever_is_given_up() -> None:
    class Endless(PayloadCodec):
        async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
            await asyncio.Event().wait()
            return list(payloads)

        async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
            await asyncio.Event().wait()
            return list(payloads)

    inner = MemoryStore()
    inner.commit([stored("r", 0, signal("x"))])
    store = CodedStore(inner, Endless(), limit=0.01)
    first, behind = store.commit([stored("a", 0, signal("x")), stored("a", 1, signal("y"))])
    assert "cannot encode a turn of run 'a', so it is not recorded: TimeoutError" in str(first)
    assert isinstance(behind, CodecEncodeError)
    with pytest.raises(CodecDecodeError, match="TimeoutError"):
        store.load("r")
    store.close()


def test_a_codec_that_is_told_contexts_gets_that_of_the_run() -> None:
    inner = MemoryStore()
    store = CodedStore(inner, PerWorkflow())
    begun = unit(Append("r1", 0, (started("w1"),)), row("r1", "w1", memo=MEMO))
    assert store.commit([begun, stored("r2", 0, started("w2"))]) == [None, None]
    assert store.commit([stored("r1", 1, signal("x")), stored("r2", 1, signal("y"))]) == [None, None]
    inner.commit([unit(row("r2", "w2"))])
    for reader in (store, CodedStore(inner, PerWorkflow())):
        assert reader.load("r1", after=1) == [signal("x")]
        assert reader.load("r2") == [started("w2"), signal("y")]
        assert [one.event for one in reader.recorded(2, 10)] == [signal("x"), signal("y")]
        assert reader.execution("r1") == row("r1", "w1", memo=MEMO)
    held = [event.state for run in ("r1", "r2") for event in inner.recorder.select_events(run)]
    assert [b"key of w1" in state for state in held] == [True, True, False, False]
    assert [b"key of w2" in state for state in held] == [False, False, True, True]


def test_the_workflow_ids_that_are_remembered_are_not_more_and_more() -> None:
    store = CodedStore(MemoryStore(), PerWorkflow())
    group = [stored(f"r{number}", 0, started(f"w{number}")) for number in range(10_050)]
    assert not any(store.commit(group))
    assert store.load("r3") == [started("w3")]
