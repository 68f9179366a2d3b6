"""Codecs on a real engine: the store holds no clear text, programs see no difference, and a lost key loses no run."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from tests.api.harness import AT_ONCE, ONCE, QUEUE, Harness, eventually, failure_of, ms
from tests.store.codecs import Masking, PerWorkflow, Waiting
from understudy import activity, workflow
from understudy.client import Client, WorkflowExecutionStatus
from understudy.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, Payload, PayloadCodec
from understudy.exceptions import (
    ActivityError,
    ApplicationError,
    CodecDecodeError,
    CodecEncodeError,
    InvalidArgumentError,
)

SECRET: Final = "tell-nobody"  # noqa: S105 - what the tests look for


class Converted(Harness):
    """A harness whose clients have a data converter."""

    def __init__(self, url: str, converter: DataConverter) -> None:
        super().__init__(url)
        self.converter = converter

    async def open(self) -> None:
        self._client = await Client.connect(self.url, data_converter=self.converter)


def masking(codec: PayloadCodec) -> DataConverter:
    return DataConverter(payload_codec=codec, failure_converter_class=DefaultFailureConverterWithEncodedAttributes)


@pytest.fixture(params=[Masking, Waiting, PerWorkflow])
async def coded(url: str, request: pytest.FixtureRequest) -> AsyncIterator[Converted]:
    """An engine on each kind of store, with each kind of codec."""
    harness = Converted(url, masking(request.param()))
    await harness.open()
    yield harness
    await harness.close()


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Converted]:
    """An engine with a codec that can be restarted."""
    harness = Converted(f"sqlite:///{tmp_path}/engine.db", masking(Masking("k1")))
    await harness.open()
    yield harness
    await harness.close()


@activity.defn
async def whisper(what: str) -> str:
    """Repeats what it is told, after a first attempt that fails with it."""
    activity.heartbeat(what)
    if activity.info().attempt == 1:
        raise ApplicationError(what, {"told": what})
    assert activity.info().heartbeat_details == [what]
    return f"{what}, and again {what}"


@workflow.defn
class Confidant:
    """Holds a secret in every place that a workflow has for one."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, what: str) -> list[str]:
        workflow.upsert_memo({"second": what})
        said = await workflow.execute_activity(whisper, what, retry_policy=AT_ONCE, start_to_close_timeout=ms(20_000))
        await workflow.wait_condition(lambda: bool(self.heard))
        return [said, *self.heard, workflow.memo_value("first")]

    @workflow.signal
    def hear(self, what: str) -> None:
        self.heard.append(what)

    @workflow.query
    def repeat(self) -> list[str]:
        return self.heard


def states(path: Path) -> bytes:
    """Everything that a store's file holds, as the file holds it."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for name in tables for row in connection.execute(f"SELECT * FROM {name}")]  # noqa: S608 - its own
    return b"\n".join(part if isinstance(part, bytes) else str(part).encode() for row in rows for part in row)


async def test_a_program_sees_no_difference(coded: Converted) -> None:
    await coded.work(Confidant, whisper)
    handle = await coded.start(Confidant.run, SECRET, memo={"first": SECRET})
    await handle.signal(Confidant.hear, SECRET)
    assert await handle.result() == [f"{SECRET}, and again {SECRET}", SECRET, SECRET]
    assert await handle.query(Confidant.repeat) == [SECRET]
    found = await handle.describe()
    assert await found.memo() == {"first": SECRET, "second": SECRET}
    history = await handle.fetch_history()
    assert SECRET in history.to_json()


async def test_the_file_holds_no_clear_text(kept: Converted, tmp_path: Path) -> None:
    await kept.work(Confidant, whisper)
    handle = await kept.start(Confidant.run, SECRET, memo={"first": SECRET})
    await handle.signal(Confidant.hear, SECRET)
    await handle.result()
    await kept.close()
    held = states(tmp_path / "engine.db")
    await kept.open()
    assert SECRET.encode() not in held
    assert b"binary/masked" in held
    assert b"Encoded failure" in held
    assert b"Confidant" in held


@workflow.defn
class Breaks:
    """Has code that breaks on what it is told."""

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    def hear(self, what: str) -> None:
        raise KeyError(what)


async def test_what_a_broken_turn_records_is_hidden_too(kept: Converted, tmp_path: Path) -> None:
    await kept.work(Breaks)
    handle = await kept.start(Breaks.run)
    await handle.signal(Breaks.hear, SECRET)
    await eventually(lambda: _has(kept, handle.id, "turn.deferred"))
    held = states(tmp_path / "engine.db")
    assert b"KeyError in the workflow's code" in held
    assert SECRET.encode() not in held


@workflow.defn
async def fails(what: str) -> None:
    raise ApplicationError(f"it is {what}", what, type="Told")


async def test_a_failure_comes_back_with_what_was_hidden(coded: Converted) -> None:
    await coded.work(fails)
    handle = await coded.start(fails, SECRET)
    error = await failure_of(handle.result())
    assert isinstance(error, ApplicationError)
    assert (error.message, error.details, error.type) == (f"it is {SECRET}", (SECRET,), "Told")


async def test_a_run_goes_on_after_a_restart_with_its_key(kept: Converted) -> None:
    await kept.work(Confidant, whisper)
    handle = await kept.start(Confidant.run, SECRET, memo={"first": SECRET})
    await eventually(lambda: _has(kept, handle.id, "activity.completed"))
    kept.converter = masking(Masking("k2", "k1"))  # by a new key from now on
    await kept.restart()
    await kept.work(Confidant, whisper)
    again = kept.client.get_workflow_handle_for(Confidant.run, handle.id)
    await again.signal(Confidant.hear, "news")
    assert await again.result() == [f"{SECRET}, and again {SECRET}", "news", SECRET]


async def _has(harness: Harness, workflow_id: str, topic: str) -> bool:
    events = (await harness.client.get_workflow_handle(workflow_id).fetch_history()).events
    return topic in [event.topic for event in events]


async def test_a_run_whose_key_is_missing_waits_for_it(kept: Converted) -> None:
    await kept.work(Confidant, whisper)
    handle = await kept.start(Confidant.run, SECRET, memo={"first": SECRET})
    await eventually(lambda: _has(kept, handle.id, "activity.completed"))
    kept.converter = masking(Masking("k2"))
    await kept.restart()
    await kept.work(Confidant, whisper)
    again = kept.client.get_workflow_handle_for(Confidant.run, handle.id)
    with pytest.raises(CodecDecodeError, match=r"codec Masking cannot decode event 1 .*key 'k1' is not there"):
        await again.signal(Confidant.hear, "too early")
    with pytest.raises(CodecDecodeError):
        await again.fetch_history()
    kept.converter = masking(Masking("k2", "k1"))
    await kept.restart()
    await kept.work(Confidant, whisper)
    again = kept.client.get_workflow_handle_for(Confidant.run, handle.id)
    await again.signal(Confidant.hear, "in time")
    assert await again.result() == [f"{SECRET}, and again {SECRET}", "in time", SECRET]


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@workflow.defn
async def doubles(number: int) -> int:
    return await workflow.execute_activity(double, number, retry_policy=ONCE)


async def test_other_runs_go_on_while_one_waits_for_its_key(kept: Converted) -> None:
    await kept.start(Confidant.run, SECRET)
    kept.converter = masking(Masking("k2"))
    await kept.restart()
    await kept.work(Confidant, whisper, doubles, double)
    assert await kept.execute(doubles, 2) == 4


class Ailing(Masking):
    """A codec whose key server can be away."""

    away = False

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionError("no key server")
        return await super().encode(payloads)


async def test_a_start_that_the_codec_refuses_has_not_happened(url: str) -> None:
    codec = Ailing()
    harness = Converted(url, DataConverter(payload_codec=codec))
    await harness.open()
    await harness.work(doubles, double)
    codec.away = True
    with pytest.raises(CodecEncodeError, match="ConnectionError: no key server"):
        await harness.start(doubles, 1, id="one")
    codec.away = False
    assert await harness.execute(doubles, 1, id="one") == 2
    await harness.close()


async def test_the_outcome_of_an_activity_is_kept_until_the_codec_can_encode_it(url: str) -> None:
    codec = Ailing()
    attempts: list[int] = []

    @activity.defn(name="double")
    async def doubles_while_the_server_goes_away(number: int) -> int:
        attempts.append(number)
        codec.away = True
        return 2 * number

    harness = Converted(url, DataConverter(payload_codec=codec))
    await harness.open()
    await harness.work(doubles, doubles_while_the_server_goes_away)
    handle = await harness.start(doubles, 4)
    await eventually(lambda: codec.away)
    with pytest.raises(CodecEncodeError):
        await harness.start(doubles, 1)
    codec.away = False
    assert await handle.result() == 8
    assert attempts == [4]
    await harness.close()


async def test_clients_of_one_store_have_to_bring_the_same_codec(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/engine.db"
    async with await Client.connect(url, data_converter=masking(Masking("k1", "k0"))):
        async with await Client.connect(url, data_converter=masking(Masking("k1", "k0"))) as second:
            assert second.namespace == "default"
        for other in (Masking("k2"), Masking("k1"), Waiting("k1", "k0")):
            with pytest.raises(InvalidArgumentError, match="Give all clients of a store the same data converter"):
                await Client.connect(url, data_converter=masking(other))
        with pytest.raises(InvalidArgumentError, match="one with no codec, where one with Masking"):
            await Client.connect(
                url, data_converter=DataConverter(failure_converter_class=DefaultFailureConverterWithEncodedAttributes)
            )


class Comparable(Masking):
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Comparable) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


class Opaque(Masking):
    """Has something inside that cannot be compared."""

    def __init__(self, **keys: str) -> None:
        super().__init__(next(iter(keys)), *keys)
        self.ciphers: dict[str, Any] = {name: object() for name in keys}


@pytest.mark.parametrize(
    ("ours", "same", "other"),
    [
        (Comparable("a", "b"), Comparable("a"), Comparable("c")),
        (Opaque(a="1", b="2"), Opaque(a="1", b="2"), Opaque(a="1")),
    ],
)
async def test_codecs_are_compared_by_what_can_be_compared(
    tmp_path: Path, ours: PayloadCodec, same: PayloadCodec, other: PayloadCodec
) -> None:
    url = f"sqlite:///{tmp_path}/engine.db"
    async with await Client.connect(url, data_converter=DataConverter(payload_codec=ours)):
        async with await Client.connect(url, data_converter=DataConverter(payload_codec=same)):
            pass
        with pytest.raises(InvalidArgumentError, match="with other settings"):
            await Client.connect(url, data_converter=DataConverter(payload_codec=other))


async def test_an_activity_that_fails_for_good_tells_the_workflow_in_clear(coded: Converted) -> None:
    @activity.defn
    async def refuses(what: str) -> None:
        raise ApplicationError(what, non_retryable=True)

    @workflow.defn
    async def asks(what: str) -> str:
        try:
            await workflow.execute_activity(refuses, what)
        except ActivityError as error:
            return str(error.cause)
        return "nothing"

    await coded.work(asks, refuses)
    handle = await coded.start(asks, SECRET, task_queue=QUEUE)
    assert await handle.result() == SECRET
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
