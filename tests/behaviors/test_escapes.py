"""What is no Exception and leaves the user's code all the same: it ends as the failure of whoever raised it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from msgspec.structs import replace

from tests.behaviors.rehearsal import Rehearsal
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy._workflow.interceptors.root import WorkflowRoot
from understudy.actors.behaviors.code.interceptors import (
    HandleQueryInput,
    HandleUpdateInput,
    WorkflowInboundInterceptor,
)
from understudy.actors.behaviors.code.run import Phase
from understudy.actors.behaviors.definitions.definition import workflow_of
from understudy.actors.behaviors.definitions.interception import Interception
from understudy.client import WorkflowQueryFailedError
from understudy.events.errors import DeadlockError

ESCAPES: dict[str, Callable[[], BaseException]] = {
    "CancelledError": lambda: asyncio.CancelledError("of a task"),
    "GeneratorExit": GeneratorExit,
    "SystemExit": lambda: SystemExit(3),
    "StopIteration": StopIteration,
}
BUGS = ("GeneratorExit", "SystemExit")


def escape(kind: str) -> NoReturn:
    if kind == "KeyboardInterrupt":
        raise KeyboardInterrupt
    if kind == "DeadlockError":
        raise DeadlockError(workflow_id="order-1", run_id="run-1", seconds=2.0)
    error = ESCAPES[kind]()
    raise error


@workflow.defn
class Loose:
    """Raises whatever it is asked for, wherever that is."""

    def __init__(self) -> None:
        self.over = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.over)
        return "over"

    @workflow.signal
    def end(self) -> None:
        self.over = True

    @workflow.signal
    def note(self, kind: str) -> None:
        escape(kind)

    @workflow.signal
    async def note_later(self, kind: str) -> None:
        await asyncio.sleep(0)
        escape(kind)

    @workflow.query
    def look(self, kind: str) -> None:
        escape(kind)

    @workflow.query
    async def look_async(self, kind: str) -> None:
        escape(kind)

    @workflow.update
    def put(self, kind: str) -> str:
        return kind

    @put.validator
    def check(self, kind: str) -> None:
        escape(kind)

    @workflow.signal
    async def wait_on(self) -> None:
        await workflow.wait_condition(lambda: self.over)

    @workflow.update
    async def wait_too(self) -> None:
        await workflow.wait_condition(lambda: self.over)

    @workflow.update
    async def put_later(self, kind: str) -> None:
        await asyncio.sleep(0)
        escape(kind)


class Strict(WorkflowInboundInterceptor):
    """Raises in place of handlers and validators."""

    async def handle_query(self, input: HandleQueryInput) -> Any:  # noqa: A002 - the interface
        escape(input.args[0])

    def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002 - the interface
        escape(input.args[0])


def intercepted() -> Any:
    """The workflow with the interceptor around it, as a worker makes it."""
    return replace(workflow_of(Loose), interception=Interception((Strict,), WorkflowRoot, {}))


# -- queries and validators ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ESCAPES)
def test_a_query_whose_handler_lets_something_escape_has_failed(kind: str) -> None:
    run = Rehearsal(Loose)
    with pytest.raises(WorkflowQueryFailedError, match=f"query 'look' of workflow 'order-1' failed: {kind}") as caught:
        run.query("look", kind)
    assert type(caught.value.__cause__) is type(ESCAPES[kind]())
    assert run.run.phase is Phase.RUNNING
    run.signal("end")
    same_again(run)


@pytest.mark.parametrize("kind", [*BUGS, "CancelledError"])
def test_so_has_one_whose_coroutine_or_interceptor_does(kind: str) -> None:
    with pytest.raises(WorkflowQueryFailedError, match=f"'look_async' of workflow 'order-1' failed: {kind}"):
        Rehearsal(Loose).query("look_async", kind)
    with pytest.raises(WorkflowQueryFailedError, match=f"'look' of workflow 'order-1' failed: {kind}"):
        Rehearsal(intercepted()).query("look", kind)


@pytest.mark.parametrize("code", [Loose, intercepted()], ids=["alone", "intercepted"])
@pytest.mark.parametrize("kind", ESCAPES)
def test_an_update_whose_validator_lets_something_escape_is_rejected(kind: str, code: Any) -> None:
    run = Rehearsal(code)
    refused = run.validate("put", kind)
    assert refused is not None
    assert (refused.kind, refused.type) == (("canceled", "") if kind == "CancelledError" else ("application", kind))
    assert run.run.phase is Phase.RUNNING
    assert run.topics == ["workflow.started"]


@pytest.mark.parametrize(
    ("kind", "error"), [("KeyboardInterrupt", KeyboardInterrupt), ("DeadlockError", DeadlockError)]
)
def test_an_interrupt_and_what_stops_workflow_code_pass_queries_and_validators(
    kind: str, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        Rehearsal(Loose).query("look", kind)
    with pytest.raises(error):
        Rehearsal(Loose).validate("put", kind)


# -- handlers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("handler", ["note", "note_later"])
@pytest.mark.parametrize(("kind", "error"), [("GeneratorExit", GeneratorExit), ("SystemExit", SystemExit)])
def test_what_escapes_the_handler_of_a_signal_is_a_bug(handler: str, kind: str, error: type[BaseException]) -> None:
    run = Rehearsal(Loose)
    with pytest.raises(error):
        run.signal(handler, kind)
    assert run.run.is_broken


@pytest.mark.parametrize(("kind", "error"), [("GeneratorExit", GeneratorExit), ("SystemExit", SystemExit)])
def test_what_escapes_the_handler_of_an_update_is_a_bug(kind: str, error: type[BaseException]) -> None:
    run = Rehearsal(Loose)
    with pytest.raises(error):
        run.update("put_later", kind)
    assert run.run.is_broken


def test_an_update_whose_handler_was_cancelled_has_failed_so() -> None:
    run = Rehearsal(Loose)
    run.update("put_later", "CancelledError")
    assert run.outcome().kind == "canceled"
    run.signal("end")
    same_again(run)


def test_handlers_that_leave_memory_end_without_a_word() -> None:
    run = Rehearsal(Loose)
    run.signal("wait_on")
    run.update("wait_too")
    run.run.close()
    assert run.run.warnings == []


# -- conditions ------------------------------------------------------------------------------------------------------


def test_a_condition_that_raises_the_cancelled_error_of_a_task_gives_it_to_who_waits() -> None:
    @workflow.defn
    class Watching:
        @workflow.run
        async def run(self) -> str:
            sleeping = asyncio.create_task(asyncio.sleep(60))
            await asyncio.sleep(0)
            sleeping.cancel()
            try:
                await workflow.wait_condition(lambda: sleeping.done() and sleeping.exception() is not None)
            except asyncio.CancelledError:
                return "it was cancelled"
            return "it was not"

    run = Rehearsal(Watching)
    assert run.result == "it was cancelled"
    same_again(run)
