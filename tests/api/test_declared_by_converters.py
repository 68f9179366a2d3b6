"""A converter may declare a failure, as code does: whoever reads or writes the value fails by it, and not by a bug."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest

from tests.api.harness import AT_ONCE, eventually, failure_of, ms
from tests.api.test_codecs import Converted
from understudy import activity, workflow
from understudy.client import WorkflowHandle, WorkflowUpdateFailedError
from understudy.converter import (
    DataConverter,
    DefaultPayloadConverter,
    JsonConverter,
    Payload,
    PayloadConverter,
    create_payload_validation_error,
)
from understudy.exceptions import ActivityError, ApplicationError

UNREADABLE = "unreadable"
UNWRITABLE = "unwritable"


class Strict(DefaultPayloadConverter):
    """Refuses to write one word, and to read another."""

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        if UNWRITABLE in values:
            raise ApplicationError("not to be written", type="Unwritable")
        return super().to_payloads(values)

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[Any] | None = None) -> list[Any]:
        if any(UNREADABLE.encode() in payload.data for payload in payloads):
            raise create_payload_validation_error({"word": "bad"})
        return super().from_payloads(payloads, type_hints)


class Word:
    """Nothing that JSON knows."""


def word_of(cls: Any, _: Any) -> Any:
    if cls is Word:
        raise create_payload_validation_error(None)
    return NotImplemented


@pytest.fixture
async def engine(url: str) -> AsyncIterator[Converted]:
    """An engine on each kind of store with a converter that declares failures."""
    harness = Converted(url, DataConverter(payload_converter_class=Strict))
    await harness.open()
    yield harness
    await harness.close()


@activity.defn
async def read(word: str) -> str:
    raise AssertionError(f"{word} was read")


@activity.defn
async def find(name: str) -> str:
    return UNREADABLE if name == "lost" else UNWRITABLE


@workflow.defn
class Librarian:
    closed = ""

    @workflow.run
    async def run(self, what: str) -> str:
        if what == "say":
            return UNWRITABLE
        if what == "wait":
            await workflow.wait_condition(lambda: self.closed != "")
            return self.closed
        call: Any = find if what in {"lost", "locked"} else read
        word = UNWRITABLE if what == "write" else UNREADABLE if what == "read" else what
        return str(await workflow.execute_activity(call, word, start_to_close_timeout=ms(20_000), retry_policy=AT_ONCE))

    @workflow.signal
    def close(self, how: str) -> None:
        self.closed = how

    @workflow.update
    async def note(self, word: str) -> str:
        return UNWRITABLE if word == "secret" else word


async def test_a_workflow_whose_argument_cannot_be_read_fails(engine: Converted) -> None:
    await engine.work(Librarian)
    error = await failure_of(engine.execute(Librarian.run, UNREADABLE))
    assert isinstance(error, ApplicationError)
    assert (error.type, list(error.details)) == ("PayloadValidationError", [{"word": "bad"}])


@pytest.mark.parametrize("what", ["say", "write"])
async def test_a_workflow_whose_result_or_call_cannot_be_written_fails(engine: Converted, what: str) -> None:
    await engine.work(Librarian, read)
    error = await failure_of(engine.execute(Librarian.run, what))
    assert isinstance(error, ApplicationError)
    assert error.type == "Unwritable"


async def test_an_activity_whose_argument_cannot_be_read_is_not_tried_again(engine: Converted) -> None:
    await engine.work(Librarian, read)
    error = await failure_of(engine.execute(Librarian.run, "read"))
    assert isinstance(error, ActivityError)
    assert isinstance(error.cause, ApplicationError)
    assert error.cause.type == "PayloadValidationError"


async def test_a_workflow_that_cannot_read_what_an_activity_returned_fails(engine: Converted) -> None:
    await engine.work(Librarian, find)
    error = await failure_of(engine.execute(Librarian.run, "lost"))
    assert isinstance(error, ApplicationError)
    assert error.type == "PayloadValidationError"


async def test_an_update_that_cannot_be_read_or_answered_fails(engine: Converted) -> None:
    await engine.work(Librarian)
    handle = await engine.start(Librarian.run, "wait")
    for word, kind in ((UNREADABLE, "PayloadValidationError"), ("secret", "Unwritable")):
        with pytest.raises(WorkflowUpdateFailedError) as caught:
            await handle.execute_update(Librarian.note, word)
        assert isinstance(caught.value.cause, ApplicationError)
        assert caught.value.cause.type == kind
    assert await handle.execute_update(Librarian.note, "plain") == "plain"


async def test_a_caller_hears_what_the_converter_declares(engine: Converted) -> None:
    with pytest.raises(ApplicationError) as caught:
        await engine.start(Librarian.run, UNWRITABLE)
    assert caught.value.type == "Unwritable"


async def test_a_signal_that_cannot_be_read_is_dropped(engine: Converted) -> None:
    await engine.work(Librarian)
    handle = await engine.start(Librarian.run, "wait")
    await handle.signal(Librarian.close, UNREADABLE)
    await handle.signal(Librarian.close, "the end")
    assert await handle.result() == "the end"


@pytest.mark.parametrize(
    ("converter", "value", "hint"),
    [(Strict(), UNREADABLE, str), (JsonConverter(to_json=lambda _: UNREADABLE, from_json=word_of), Word(), Word)],
)
def test_whether_a_value_fits_is_no_question_of_what_its_reader_declares(
    converter: PayloadConverter, value: Any, hint: Any
) -> None:
    payload = converter.encode(value, hint, fit=True)
    with pytest.raises(ApplicationError, match="Payload validation failed"):
        converter.decode(payload, hint)


@workflow.defn(failure_exception_types=[msgspec.ValidationError])
async def counts(number: int) -> int:
    return number


@workflow.defn(name="counts")
async def counts_patiently(number: int) -> int:
    return number


async def test_what_a_definition_declares_a_failure_is_one_also_when_a_converter_raises_it(engine: Converted) -> None:
    handle = await engine.start("counts", "many")
    await engine.work(counts)
    error: Any = await failure_of(handle.result())
    assert error.type == "PayloadDecodeError"
    assert "Expected `int`" in error.message


async def test_what_nobody_declares_a_failure_leaves_the_workflow_open(engine: Converted) -> None:
    handle = await engine.start("counts", "many")
    await engine.work(counts_patiently)
    waiting = await eventually(lambda: _waiting_for(handle))
    assert "Expected `int`" in waiting


async def _waiting_for(handle: WorkflowHandle[Any, Any]) -> str | None:
    return (await handle.describe()).waiting_for
