"""Durable promises: made in a workflow, resolved by their token from anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.harness import Harness, eventually, failure_of, topics
from understudy import activity, workflow
from understudy._calls.promise_token import PromiseToken
from understudy.exceptions import (
    ApplicationError,
    ArgumentTypeError,
    InvalidArgumentError,
    WorkflowClosedError,
    WorkflowNotFoundError,
)


@workflow.defn
class Approval:
    """Waits for a number from outside, and says it twice."""

    def __init__(self) -> None:
        self.token = ""

    @workflow.query
    def where(self) -> str:
        return self.token

    @workflow.run
    async def run(self) -> list[int]:
        promise = workflow.promise(type=int)
        self.token = promise.token
        return [await promise, await promise]

    @workflow.signal(dynamic=True)
    def other(self, name: str, args: Any) -> None:
        raise ValueError(f"{name} {args} is for nobody")


@activity.defn
async def call_back(token: str) -> None:
    """Resolve the promise while the workflow waits for this very activity."""
    await activity.client().resolve_promise(token, "from inside")


@workflow.defn
async def called_back() -> str:
    """Hand a token to an activity."""
    promise = workflow.promise(type=str)
    await workflow.execute_activity(call_back, promise.token)
    return await promise


@workflow.defn
async def handed_on(token: str | None) -> str:
    """Make a promise in one run, and await it in the next."""
    if token is None:
        made = workflow.promise(type=str)
        workflow.upsert_memo({"token": made.token})
        await workflow.receive("go")
        workflow.continue_as_new(made.token)
    return await workflow.promise(type=str, token=token)


async def test_a_promise_is_resolved_by_its_token_and_may_be_awaited_again(engine: Harness) -> None:
    await engine.work(Approval)
    handle = await engine.start(Approval.run)
    token = await eventually(lambda: handle.query(Approval.where))
    await engine.client.resolve_promise(token, 7)
    assert await handle.result() == [7, 7]
    assert await topics(handle) == [
        "workflow.started",
        "side_effect.recorded",
        "signal.received",
        "workflow.completed",
    ]


async def test_an_activity_resolves_the_promise_of_its_own_workflow(engine: Harness) -> None:
    await engine.work(called_back, call_back)
    handle = await engine.start(called_back)
    assert await handle.result() == "from inside"


async def test_a_rejected_promise_raises_its_reason_and_the_first_resolution_counts(
    engine: Harness,
) -> None:
    await engine.work(Approval)
    handle = await engine.start(Approval.run)
    token = await eventually(lambda: handle.query(Approval.where))
    await engine.client.reject_promise(token, ApplicationError("not today", type="Refused"))
    await engine.client.reject_promise(token, "again")
    cause = await failure_of(handle.result())
    assert isinstance(cause, ApplicationError)
    assert (cause.message, cause.type) == ("not today", "Refused")


async def test_the_promise_of_a_workflow_that_has_ended_is_told_so(engine: Harness) -> None:
    await engine.work(Approval)
    handle = await engine.start(Approval.run)
    await handle.terminate()
    with pytest.raises(WorkflowClosedError):
        await engine.client.resolve_promise(str(PromiseToken("secret", handle.id)), 1)
    with pytest.raises(WorkflowNotFoundError):
        await engine.client.resolve_promise(str(PromiseToken("secret", "nobody")), 1)


async def test_a_plain_exception_goes_over_with_its_type(engine: Harness) -> None:
    await engine.work(Approval)
    handle = await engine.start(Approval.run)
    token = await eventually(lambda: handle.query(Approval.where))
    await engine.client.reject_promise(token, KeyError("sku"))
    cause = await failure_of(handle.result())
    assert isinstance(cause, ApplicationError)
    assert cause.type == "KeyError"


async def test_a_promise_goes_on_to_the_next_run_by_its_token_even_if_it_was_resolved_in_between(
    engine: Harness,
) -> None:
    await engine.work(handed_on)
    handle = await engine.start(handed_on, None)

    async def token() -> Any:
        return (await handle.fetch_history()).events[-1].topic == "memo.upserted"

    await eventually(token)
    secret = (await (await handle.describe()).memo())["token"]
    await engine.client.resolve_promise(secret, "late")
    await handle.signal("go")
    assert await handle.result() == "late"


@workflow.defn
class Twice:
    """Awaits a promise in three runs."""

    @workflow.run
    async def run(self, token: str | None = None, values: tuple[int, ...] = ()) -> list[int]:
        promise = workflow.promise(type=int, token=token)
        if not values:
            workflow.upsert_memo({"token": promise.token})
        values = (*values, await promise)
        if len(values) < 3:
            workflow.continue_as_new(args=[promise.token, values])
        return list(values)


async def test_a_promise_that_was_awaited_has_its_value_in_the_runs_that_follow(engine: Harness) -> None:
    await engine.work(Twice)
    handle = await engine.start(Twice.run)

    async def token() -> Any:
        return (await (await handle.describe()).memo()).get("token")

    await engine.client.resolve_promise(await eventually(token), 7)
    assert await handle.result() == [7, 7, 7]


async def test_a_rejection_goes_over_with_its_details_and_whether_it_may_be_retried(engine: Harness) -> None:
    await engine.work(Approval)
    handle = await engine.start(Approval.run)
    token = await eventually(lambda: handle.query(Approval.where))
    error = ApplicationError("no", {"code": 54}, type="Declined", non_retryable=True)
    error.__cause__ = KeyError("sku")
    await engine.client.reject_promise(token, error)
    cause = await failure_of(handle.result())
    assert isinstance(cause, ApplicationError)
    assert (cause.message, cause.type, cause.details, cause.non_retryable) == ("no", "Declined", ({"code": 54},), True)
    assert isinstance(cause.cause, ApplicationError)
    assert cause.cause.type == "KeyError"


@pytest.mark.parametrize("error", [None, 7, KeyError])
async def test_a_promise_is_rejected_with_an_exception_or_a_text(engine: Harness, error: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="an exception, or a text"):
        await engine.client.reject_promise(str(PromiseToken("secret", "nobody")), error)


@pytest.mark.parametrize("token", ["", "nonsense!", "AAAA", 7, None])
async def test_what_is_no_token_is_refused(engine: Harness, token: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="the token of a promise"):
        await engine.client.resolve_promise(token, 1)


async def test_a_value_that_does_not_fit_breaks_the_turn_and_not_the_store(engine: Harness) -> None:
    await engine.work(Approval)
    handle = await engine.start(Approval.run)
    token = await eventually(lambda: handle.query(Approval.where))
    await engine.client.resolve_promise(token, "seven")

    async def is_stuck() -> bool:
        return "PayloadDecodeError" in ((await handle.describe()).waiting_for or "")

    assert await eventually(is_stuck)
