"""Messages to children and to other workflows, as the code of their sender sees them."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from tests.behaviors.plays import Cart
from tests.behaviors.rehearsal import Rehearsal, payload, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError, NondeterminismError, NotInWorkflowError
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.outbound import ExternalCancelRequested, ExternalSignalRequested
from understudy.events.workflow import WorkflowCanceled
from understudy.exceptions import ApplicationError

NOT_FOUND: Final = Failure(kind="application", message="no such workflow", type="ExternalWorkflowExecutionNotFound")


# -- signals to a child ----------------------------------------------------------------------------------------------


@workflow.defn
async def tells(name: str) -> str:
    """Signal a child, and wait until it has it."""
    handle = await workflow.start_child_workflow("Cart", id="cart-1")
    try:
        await handle.signal(name, "pear")
    except ApplicationError as error:
        return f"{error.type}: {error.message}"
    return "told"


def told(run: Rehearsal) -> ExternalSignalRequested:
    """The signal that was asked for."""
    (asked,) = (event for event in run.events if isinstance(event, ExternalSignalRequested))
    return asked


def test_a_signal_to_a_child_suspends_until_the_child_has_it() -> None:
    run = Rehearsal(tells, "put")
    assert topics(run.child_started(1)) == ["child.started", "external.signal_requested"]
    asked = told(run)
    assert (asked.workflow_id, asked.run_id, asked.child, asked.name) == ("cart-1", "", 1, "put")
    assert asked.input == (payload("pear"),)
    same_again(run)
    assert topics(run.deliver(1)) == ["message.delivered", "workflow.completed"]
    assert run.result == "told"
    assert run.execution.outbound == {}
    same_again(run)


def test_a_signal_to_a_child_that_has_ended_is_an_error() -> None:
    run = Rehearsal(tells, "put")
    run.child_started(1)
    run.deliver(1, NOT_FOUND)
    assert run.result == "ExternalWorkflowExecutionNotFound: no such workflow"
    same_again(run)


# -- messages to others ----------------------------------------------------------------------------------------------


@workflow.defn
async def sends(what: str) -> str:
    """Signal or cancel somebody else's workflow."""
    other = workflow.get_external_workflow_handle_for(Cart.run, "cart-9", run_id="run-9")
    if what == "cancel":
        await other.cancel(reason="sold out")
    else:
        await other.signal(Cart.put, args=["pear", 2])
    return f"{what} {other.id} {other.run_id}"


@pytest.mark.parametrize("what", ["signal", "cancel"])
def test_a_message_suspends_and_goes_on_when_it_is_delivered(what: str) -> None:
    run = Rehearsal(sends, what)
    asked: Any = run.last
    kind = ExternalCancelRequested if what == "cancel" else ExternalSignalRequested
    assert isinstance(asked, kind)
    assert (asked.seq, asked.workflow_id, asked.run_id) == (1, "cart-9", "run-9")
    assert run.run.phase is Phase.RUNNING
    same_again(run)
    run.deliver(1)
    assert run.result == f"{what} cart-9 run-9"
    same_again(run)


@pytest.mark.parametrize("what", ["signal", "cancel"])
def test_a_message_that_reaches_nobody_fails_its_sender_if_that_does_not_mind(what: str) -> None:
    run = Rehearsal(sends, what)
    run.deliver(1, NOT_FOUND)
    assert run.failure.type == "ExternalWorkflowExecutionNotFound"
    same_again(run)


@pytest.mark.parametrize("what", ["signal", "cancel"])
def test_a_run_that_is_cancelled_does_not_wait_for_its_message_which_may_come_through(what: str) -> None:
    run = Rehearsal(sends, what)
    run.cancel()
    assert isinstance(run.last, WorkflowCanceled)
    assert run.deliver(1) == []
    same_again(run)


def test_the_fate_of_a_message_that_nobody_waits_for_is_recorded_and_changes_nothing() -> None:
    @workflow.defn
    async def hurries() -> str:
        other = workflow.get_external_workflow_handle("cart-9")
        for send in (other.signal("a"), other.cancel()):
            try:
                async with asyncio.timeout(1):
                    await send
            except TimeoutError:
                continue
        await workflow.sleep(60)
        return repr(other)

    run = Rehearsal(hurries)
    run.fire()
    run.fire()
    run.deliver(1)
    run.deliver(2, NOT_FOUND)
    run.fire()
    assert run.result == "<ExternalWorkflowHandle of 'cart-9'>"
    same_again(run)


def test_a_handle_with_a_run_shows_it() -> None:
    @workflow.defn
    async def shows() -> str:
        return repr(workflow.get_external_workflow_handle("cart-9", run_id="run-9"))

    assert Rehearsal(shows).result == "<ExternalWorkflowHandle of 'cart-9', run run-9>"


@workflow.defn(name="talks")
async def talks() -> None:
    """Signal somebody."""
    await workflow.get_external_workflow_handle("cart-9").signal("put", "pear")


@pytest.mark.parametrize(("workflow_id", "name"), [("cart-8", "put"), ("cart-9", "fetch")])
def test_another_signal_at_the_same_place_is_another_workflow(workflow_id: str, name: str) -> None:
    @workflow.defn(name="talks")
    async def changed() -> None:
        await workflow.get_external_workflow_handle(workflow_id).signal(name, "pear")

    run = Rehearsal(talks)
    with pytest.raises(NondeterminismError, match=r"external\.signal_requested"):
        run.rebuild(changed)


def test_another_cancellation_at_the_same_place_is_another_workflow() -> None:
    @workflow.defn(name="cancels")
    async def changed(_kind: int) -> None:
        await workflow.get_external_workflow_handle("cart-8").cancel()

    @workflow.defn(name="cancels")
    async def first(_kind: int) -> None:
        await workflow.get_external_workflow_handle("cart-9").cancel()

    run = Rehearsal(first, 1)
    with pytest.raises(NondeterminismError, match=r"external\.cancel_requested"):
        run.rebuild(changed)


A_QUERY: Final[Any] = Cart.count
TOO_LITTLE: Final[Any] = Cart.put


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: workflow.get_external_workflow_handle(""), InvalidArgumentError),
        (lambda: workflow.get_external_workflow_handle_for(Cart.run, ""), InvalidArgumentError),
        (lambda: workflow.get_external_workflow_handle("a").signal(A_QUERY), InvalidArgumentError),
        (lambda: workflow.get_external_workflow_handle("a").signal(TOO_LITTLE), ArgumentTypeError),
    ],
)
def test_a_message_that_cannot_be_is_refused_at_the_call(call: Any, error: type[Exception]) -> None:
    @workflow.defn
    async def wrong() -> str:
        try:
            await call()
        except error as refused:
            return str(refused)
        return ""

    run = Rehearsal(wrong)
    assert run.result
    assert len(run.events) == 2


def test_outside_of_a_workflow_there_is_no_handle() -> None:
    with pytest.raises(NotInWorkflowError):
        workflow.get_external_workflow_handle("cart-9")


def events_of(run: Rehearsal, kind: type[Event]) -> int:
    """How many events of a kind there are."""
    return sum(isinstance(event, kind) for event in run.events)


def test_messages_and_children_are_numbered_apart() -> None:
    @workflow.defn
    async def both() -> None:
        child = await workflow.start_child_workflow("Cart", id="cart-1")
        other = workflow.get_external_workflow_handle("cart-9")
        await asyncio.gather(child.signal("a"), other.signal("b"), other.cancel())

    run = Rehearsal(both)
    run.child_started(1)
    assert sorted(run.execution.outbound) == [1, 2, 3]
    assert (events_of(run, ExternalSignalRequested), events_of(run, ExternalCancelRequested)) == (2, 1)
    for seq in (3, 1, 2):
        run.deliver(seq)
    assert run.result is None
    same_again(run)
