"""Updates: sent and answered once, let in by their validators, or refused before anything is stored."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.booking import COMPLETED, Table, accepted, confirm, refusal
from tests.api.harness import PATIENCE, Harness, passivate, topics
from understudy.client import Update, WorkflowUpdateStage
from understudy.exceptions import (
    ApplicationError,
    ArgumentTypeError,
    InvalidArgumentError,
    PayloadDecodeError,
    PayloadEncodeError,
    QueryRefusedError,
    UpdateNotFoundError,
    WorkflowClosedError,
    WorkflowNotFoundError,
)

# -- sent and answered -----------------------------------------------------------------------------------------------


async def test_an_update_is_sent_by_its_method_and_its_result_comes_back(engine: Harness) -> None:
    await engine.work(Table, confirm)
    handle = await engine.start(Table.run)
    assert await handle.execute_update(Table.book, "kim") == 3
    assert await handle.execute_update(Table.book, args=["lee", 2]) == 1
    assert await handle.execute_update(Table.confirm, "max") == "confirmed max"
    assert await handle.execute_update(Table.close) is None
    assert await handle.result() == ["kim", "lee", "max"]


async def test_an_update_is_sent_by_its_name_and_its_result_is_read_as_wanted(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    assert await handle.execute_update("book", "kim") == 3
    found = await handle.execute_update("book", "lee", result_type=float)
    assert (found, type(found)) == (2.0, float)
    with pytest.raises(PayloadDecodeError, match="the result of update 'u-7'"):
        await handle.execute_update("book", "max", id="u-7", result_type=list)


async def test_a_handle_is_there_once_the_update_is_accepted_and_its_result_when_it_is_completed(
    engine: Harness,
) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run, id="table")
    update = await accepted(handle, Table.wait, "kim", id="u-1")
    assert (await topics(handle))[-1] == "update.accepted"
    assert (update.id, update.workflow_id, update.workflow_run_id) == ("u-1", "table", handle.result_run_id)
    assert repr(update) == "<WorkflowUpdateHandle 'u-1' of 'table'>"
    waiting = asyncio.create_task(update.result())
    await handle.signal(Table.let_in)
    assert await waiting == await update.result() == "kim"


async def test_whoever_waits_for_the_completed_stage_gets_a_handle_that_has_the_result(engine: Harness) -> None:
    await engine.work(Table, confirm)
    handle = await engine.start(Table.run)
    update = await handle.start_update(Table.confirm, "kim", wait_for_stage=COMPLETED)
    assert (await topics(handle))[-1] == "update.completed"
    assert await update.result() == "confirmed kim"


async def test_an_update_has_an_id_of_its_own_if_none_is_given(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    ids = {(await accepted(handle, Table.book, guest)).id for guest in ("kim", "lee")}
    assert len(ids) == 2
    assert await handle.execute_update(Table.naps, 0, id="u-7") == ["u-7", "naps"]


async def test_updates_with_the_same_id_are_one_update_however_often_they_are_sent(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    sent = [handle.execute_update(Table.wait, "kim", id="u-1") for _ in range(3)]
    waiting = asyncio.gather(*sent)
    await handle.signal(Table.let_in)
    assert await waiting == ["kim"] * 3
    assert await handle.execute_update(Table.wait, "lee", id="u-1") == "kim"
    passivate(engine)
    assert await handle.execute_update(Table.wait, "lee", id="u-1") == "kim"
    await handle.execute_update(Table.close, id="u-2")
    assert await handle.result() == ["kim"]
    assert await handle.execute_update(Table.wait, "lee", id="u-1") == "kim"
    assert (await topics(handle)).count("update.accepted") == 2


async def test_a_handle_to_an_update_of_before_gives_its_result(engine: Harness) -> None:
    await engine.work(Table, confirm)
    handle = await engine.start(Table.run)
    await handle.execute_update(Table.book, "kim", id="u-1")
    passivate(engine)
    assert await handle.get_update_handle("u-1").result() == 3
    assert await handle.get_update_handle_for(Table.book, "u-1").result() == 3
    assert await handle.get_update_handle("u-1", workflow_run_id=handle.result_run_id, result_type=float).result() == 3
    with pytest.raises(UpdateNotFoundError, match="'u-2'"):
        await handle.get_update_handle("u-2").result()
    await handle.execute_update(Table.close)
    assert await handle.get_update_handle("u-1").result() == 3
    with pytest.raises(InvalidArgumentError):
        handle.get_update_handle("")


async def test_handlers_run_side_by_side(engine: Harness) -> None:
    await engine.work(Table, confirm)
    handle = await engine.start(Table.run)
    slow = await accepted(handle, Table.wait, "slow")
    assert await handle.execute_update(Table.confirm, "fast") == "confirmed fast"
    both = asyncio.gather(*(handle.execute_update(Table.confirm, str(n)) for n in range(20)))
    assert await both == [f"confirmed {n}" for n in range(20)]
    await handle.signal(Table.let_in)
    assert await slow.result() == "slow"


async def test_an_update_is_sent_through_a_reference_or_its_proxy(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run, id="table")
    ref = engine.client.actor_ref("table")

    def talk() -> list[Any]:
        proxy = ref.proxy()
        return [
            proxy.book("kim").get(timeout=PATIENCE),
            ref.ask(Update("book", ("lee",), "u-1", float), timeout=PATIENCE),
            ref.ask(Update("book", ("lee",), "u-1"), timeout=PATIENCE),
        ]

    assert await asyncio.to_thread(talk) == [3, 2.0, 2]
    assert await handle.query(Table.names) == ["kim", "lee"]


# -- not let in ------------------------------------------------------------------------------------------------------


async def test_a_validator_rejects_an_update_and_leaves_no_trace(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    cause = await refusal(handle.execute_update(Table.book, args=["kim", 5]))
    assert isinstance(cause, ApplicationError)
    assert (cause.type, cause.message) == ("ValueError", "5 seats for kim")
    update = await accepted(handle, Table.book, "kim", 5, id="u-1")
    assert isinstance(await refusal(update.result()), ApplicationError)
    assert await topics(handle) == ["workflow.started"]
    assert await handle.execute_update(Table.book, "kim", id="u-1") == 3


@pytest.mark.parametrize(
    ("update", "args", "reason"),
    [
        ("bok", ("kim",), "perhaps 'book' was meant"),
        ("book", (), "the number of arguments of update 'book'"),
        ("book", ("kim", "many"), "argument 2 ('seats') of update 'book'"),
    ],
)
async def test_an_update_that_fits_no_handler_is_rejected(
    engine: Harness, update: str, args: tuple[Any, ...], reason: str
) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    cause = await refusal(handle.execute_update(update, args=args))
    assert reason in str(cause)
    assert await topics(handle) == ["workflow.started"]


async def test_a_validator_that_changes_the_workflow_is_refused_and_the_change_is_gone(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run, id="table")
    await handle.execute_update(Table.book, "kim")
    with pytest.raises(QueryRefusedError, match="its validator changed the workflow"):
        await handle.execute_update(Table.book, "sneaky")
    assert await handle.query(Table.names) == ["kim"]
    assert await handle.execute_update(Table.book, "lee") == 2


async def test_an_update_that_cannot_be_sent_is_refused_before_anything_is_stored(engine: Harness) -> None:
    handle = await engine.start(Table.run, id="table")
    with pytest.raises(ArgumentTypeError, match="update 'book'"):
        await handle.execute_update(Table.book)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(PayloadEncodeError, match=r"argument 1 \('guest'\) of update 'book' of workflow 'table'"):
        await handle.execute_update(Table.book, 7)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InvalidArgumentError, match=r"decorated with @workflow\.update"):
        await handle.execute_update(Table.names)  # type: ignore[call-overload]  # wrong on purpose
    with pytest.raises(InvalidArgumentError, match="arg is given"):
        await handle.execute_update(Table.book, "x", args=["y"])  # type: ignore[call-overload]  # wrong on purpose
    with pytest.raises(InvalidArgumentError, match="wait_for_stage is ADMITTED"):
        await handle.start_update(Table.book, "x", wait_for_stage=WorkflowUpdateStage.ADMITTED)
    with pytest.raises(ArgumentTypeError, match="wait_for_stage"):
        await handle.start_update(Table.book, "x", wait_for_stage=2)  # type: ignore[call-overload]  # the same
    with pytest.raises(InvalidArgumentError, match="id is ''"):
        await handle.execute_update(Table.book, "x", id="")
    assert await topics(handle) == ["workflow.started", "turn.deferred"]


async def test_a_workflow_that_there_is_not_or_no_more_takes_no_update(engine: Harness) -> None:
    with pytest.raises(WorkflowNotFoundError):
        await engine.client.get_workflow_handle("nobody").execute_update("book", "x")
    await engine.work(Table)
    handle = await engine.start(Table.run, id="table")
    await handle.execute_update(Table.close)
    await handle.result()
    with pytest.raises(WorkflowClosedError, match=r"'table' .* is closed: COMPLETED"):
        await handle.execute_update(Table.book, "late")
