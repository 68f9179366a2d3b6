"""Converters that raise cost no run: what they were to convert is tried again, described, and done once they are well.

A failure converter is the user's code like any other. Where it raises while the workflow's code runs, the turn is
tried again; where the shell asks it, the converter itself is what is told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.api.harness import AT_ONCE, ONCE, eventually, failure_of, ms
from tests.api.test_codecs import Ailing, Converted
from understudy import activity, workflow
from understudy.client import WorkflowUpdateFailedError, WorkflowUpdateStage
from understudy.converter import (
    DataConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    Failure,
    PayloadConverter,
    SerializationContext,
    WithSerializationContext,
)
from understudy.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    CodecEncodeError,
    StuckWorkflowError,
)


class Clinic(Converted):
    """A harness whose failure converter falls ill and gets well again."""

    def __init__(self, url: str) -> None:
        class Frail(DefaultFailureConverter):
            is_ill = False
            was_asked = 0

            def to_failure(self, exception: BaseException, payload_converter: PayloadConverter) -> Failure:
                type(self).was_asked += 1
                if self.is_ill:
                    raise ConnectionError("no dictionary")
                return super().to_failure(exception, payload_converter)

            def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
                if self.is_ill:
                    raise ConnectionError("no dictionary")
                return super().from_failure(failure, payload_converter)

        super().__init__(url, DataConverter(failure_converter_class=Frail))
        self.failures = Frail

    async def heal_once_asked(self, times: int = 1) -> None:
        """Let the converter be well again once it has been asked that often since now."""
        before = self.failures.was_asked
        await eventually(lambda: self.failures.was_asked >= before + times)
        self.failures.is_ill = False


@pytest.fixture
async def clinic(url: str) -> AsyncIterator[Clinic]:
    """An engine on each kind of store whose failure converter is ill."""
    harness = Clinic(url)
    await harness.open()
    harness.failures.is_ill = True
    yield harness
    await harness.close()


@workflow.defn
class Patient:
    """Fails in every way there is, as it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @workflow.run
    async def run(self, how: str = "") -> list[str]:
        if how:
            raise ApplicationError(how)
        await workflow.wait_condition(lambda: "end" in self.told)
        return self.told

    @workflow.signal
    def tell(self, what: str) -> None:
        self.told.append(what)

    @workflow.signal
    async def break_down(self, what: str) -> None:
        raise KeyError(what)

    @workflow.signal
    def fail_now(self, what: str) -> None:
        raise ApplicationError(what)

    @workflow.signal
    async def fail_later(self, what: str) -> None:
        await workflow.sleep(0.001)
        raise ApplicationError(what)

    @workflow.update
    async def try_now(self, what: str) -> str:
        raise ApplicationError(what)

    @workflow.update
    async def try_later(self, what: str) -> str:
        await workflow.sleep(0.001)
        raise ApplicationError(what)

    @workflow.update
    def check(self, what: str) -> str:
        return what

    @check.validator
    def refuse(self, what: str) -> None:
        raise ValueError(what)

    @workflow.query
    def ask(self) -> list[str]:
        if not self.told:
            raise ValueError("nothing yet")
        return self.told


async def test_a_run_that_fails_while_the_converter_is_ill_is_described_and_fails_once_it_is_well(
    clinic: Clinic,
) -> None:
    await clinic.work(Patient)
    handle = await clinic.start(Patient.run, "the stomach")
    found = await eventually(lambda: _stuck(handle))
    assert found.waiting_for == "ConnectionError: no dictionary"
    assert found.next_turn_at is not None
    clinic.failures.is_ill = False
    error = await failure_of(handle.result())
    assert isinstance(error, ApplicationError)
    assert error.message == "the stomach"


async def _stuck(handle: Any) -> Any:
    found = await handle.describe()
    return found if found.failed_turns > 1 else None


async def test_a_broken_turn_that_cannot_be_converted_is_recorded_with_the_names_alone(clinic: Clinic) -> None:
    await clinic.work(Patient)
    handle = await clinic.start(Patient.run)
    await handle.signal(Patient.break_down, "the heart")
    found = await eventually(lambda: _stuck(handle))
    assert found.waiting_for == "KeyError: 'the heart'"
    with pytest.raises(StuckWorkflowError):
        await handle.query(Patient.ask)
    events: list[Any] = list((await handle.fetch_history()).events)
    (deferred,) = [event for event in events if event.topic == "turn.deferred"]
    assert deferred.reason == "KeyError in the workflow's code"
    assert deferred.failure.message == "Frail raised ConnectionError when it was to convert KeyError"


@pytest.mark.parametrize("how", [Patient.fail_now, Patient.fail_later])
async def test_a_signal_that_fails_the_run_does_so_once_the_converter_is_well(clinic: Clinic, how: Any) -> None:
    await clinic.work(Patient)
    handle = await clinic.start(Patient.run)
    await handle.signal(how, "the head")
    await clinic.heal_once_asked()
    error = await failure_of(handle.result())
    assert isinstance(error, ApplicationError)
    assert error.message == "the head"


@pytest.mark.parametrize("how", [Patient.try_now, Patient.try_later])
async def test_an_update_that_fails_is_answered_once_the_converter_is_well(clinic: Clinic, how: Any) -> None:
    await clinic.work(Patient)
    handle = await clinic.start(Patient.run)
    asked = await handle.start_update(how, "the foot", wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    await clinic.heal_once_asked()
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await asked.result()
    assert "the foot" in str(caught.value.__cause__)
    await handle.signal(Patient.tell, "end")
    assert await handle.result() == ["end"]


async def test_who_sent_an_update_that_is_refused_hears_so_all_the_same(clinic: Clinic) -> None:
    await clinic.work(Patient)
    handle = await clinic.start(Patient.run)
    with pytest.raises(ConnectionError, match="no dictionary"):
        await handle.execute_update(Patient.check, "the knee")
    await handle.signal(Patient.tell, "end")
    assert await handle.result() == ["end"]


async def test_a_query_needs_no_failure_converter(clinic: Clinic) -> None:
    await clinic.work(Patient)
    handle = await clinic.start(Patient.run)
    with pytest.raises(Exception, match="nothing yet"):
        await handle.query(Patient.ask)
    await handle.signal(Patient.tell, "end")
    assert await handle.result() == ["end"]


class Walk:
    """An activity that falls so often."""

    def __init__(self, falls: int) -> None:
        self.falls = falls
        self.attempts = 0

    @activity.defn
    async def walk(self) -> str:
        self.attempts += 1
        if self.attempts <= self.falls:
            raise ApplicationError("it fell")
        return f"arrived in attempt {self.attempts}"


@workflow.defn
async def walks(times: int, kind: str) -> str:
    call: Any = workflow.execute_local_activity if kind == "local" else workflow.execute_activity
    try:
        return str(await call("walk", retry_policy=AT_ONCE if times > 1 else ONCE, start_to_close_timeout=ms(20_000)))
    except ActivityError as error:
        return str(error.cause)


@pytest.mark.parametrize("kind", ["local", "plain"])
async def test_an_attempt_whose_failure_cannot_be_converted_is_made_again(clinic: Clinic, kind: str) -> None:
    await clinic.work(walks, Walk(2).walk, max_concurrent_activities=1)
    assert await clinic.execute(walks, 3, kind) == "arrived in attempt 3"


@pytest.mark.parametrize("kind", ["local", "plain"])
async def test_the_last_attempt_tells_of_the_converter_what_it_cannot_tell_of_the_activity(
    clinic: Clinic, kind: str
) -> None:
    await clinic.work(walks, Walk(1).walk)
    handle = await clinic.start(walks, 1, kind)
    await clinic.heal_once_asked()
    assert await handle.result() == (
        "ConnectionError: Frail raised ConnectionError when it was to convert ApplicationError"
    )


@workflow.defn
async def sits_by() -> str:
    try:
        await workflow.execute_child_workflow(Patient.run, "the ear")
    except ChildWorkflowError as error:
        return str(error.cause)
    return "nothing"


async def test_a_parent_hears_how_its_child_failed_once_the_converter_is_well(clinic: Clinic) -> None:
    await clinic.work(sits_by, Patient)
    handle = await clinic.start(sits_by)
    await clinic.heal_once_asked()
    assert await handle.result() == "the ear"


@workflow.defn
async def calls() -> str:
    try:
        await workflow.get_external_workflow_handle("nobody").signal("hello")
    except ApplicationError as error:
        return str(error)
    return "sent"


async def test_a_message_that_reaches_nobody_says_so_by_the_names_alone(clinic: Clinic) -> None:
    await clinic.work(calls)
    handle = await clinic.start(calls)
    await clinic.heal_once_asked()
    assert "Frail raised ConnectionError" in await handle.result()


@workflow.defn
async def brings_up() -> list[str]:
    child = await workflow.start_child_workflow(Patient.run, id="child")
    await child.signal(Patient.tell, "end")
    return await child


async def test_children_and_messages_wait_for_a_codec_that_is_ill(url: str) -> None:
    codec = Ailing()
    harness = Converted(url, DataConverter(payload_codec=codec))
    await harness.open()
    await harness.work(brings_up, Patient)
    handle = await harness.start(Patient.run)
    parent = await harness.start(brings_up)
    codec.away = True
    with pytest.raises(CodecEncodeError):
        await handle.signal(Patient.tell, "lost")
    with pytest.raises(CodecEncodeError):
        await handle.execute_update(Patient.try_now, "lost")
    codec.away = False
    assert await parent.result() == ["end"]
    await handle.signal(Patient.tell, "end")
    assert await handle.result() == ["end"]
    await harness.close()


# -- converters that ask whose values they convert -------------------------------------------------------------------


class Nervous(DefaultPayloadConverter, WithSerializationContext):
    """Raises when it is told for the nth time whose values it converts."""

    raises_at = 0
    was_told = 0

    def with_context(self, context: SerializationContext) -> Nervous:
        type(self).was_told += 1
        if self.was_told == self.raises_at:
            raise ConnectionError(f"who is {type(context).__name__}?")
        return self


@workflow.defn
class Visit:
    """Waits for a word, and asks for an activity and a child."""

    def __init__(self) -> None:
        self.word = ""

    @workflow.run
    async def run(self, name: str, part: int = 1) -> str:
        await workflow.wait_condition(lambda: bool(self.word) or part > 1)
        if part > 1:
            return name
        found = await workflow.execute_activity("walk", start_to_close_timeout=ms(20_000), result_type=str)
        child = await workflow.execute_child_workflow(Visit.run, args=[name, 2])
        return f"{self.word}, {child}: {found}"

    @workflow.signal
    def say(self, word: str) -> None:
        self.word = word


@pytest.mark.parametrize("first", [{}, {"start_signal": "say", "start_signal_args": ["hi"]}], ids=["alone", "signal"])
@pytest.mark.parametrize("times", range(1, 16))
async def test_a_converter_that_cannot_be_told_once_whose_values_it_has_costs_no_run(
    url: str, times: int, first: dict[str, Any]
) -> None:
    class Nerves(Nervous):
        raises_at = times

    async def insisting(ask: Callable[[], Awaitable[Any]]) -> Any:
        """Ask again what the client's own use of the converter has refused."""
        try:
            return await ask()
        except ConnectionError:
            return await ask()

    harness = Converted(url, DataConverter(payload_converter_class=Nerves))
    await harness.open()
    await harness.work(Visit, Walk(0).walk)
    handle = await insisting(lambda: harness.start(Visit.run, "Kim", id="w", request_id="once", **first))
    if not first:
        await insisting(lambda: handle.signal(Visit.say, "hi"))
    assert await insisting(handle.result) == "hi, Kim: arrived in attempt 1"
    await harness.close()


async def test_a_run_that_waited_for_a_worker_is_made_once_its_converter_can_be_told_whose_values_it_has(
    url: str,
) -> None:
    class Nerves(Nervous):
        pass

    harness = Converted(url, DataConverter(payload_converter_class=Nerves))
    await harness.open()
    handle = await harness.start(Visit.run, "Kim", 2)
    Nerves.raises_at = Nerves.was_told + 1
    await harness.work(Visit)
    assert await handle.result() == "Kim"
    assert Nerves.was_told > Nerves.raises_at
    await harness.close()
