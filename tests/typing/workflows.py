"""Types of what workflows are written with, and of handles to them; never run, only read by mypy and pyright."""
# mypy: warn-unused-ignores
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, assert_type

from tests.typing.activities import Order, Payments, Receipt, charge, ship
from understudy import workflow
from understudy.client import Client, ClientConnectConfig, WorkflowHandle, WorkflowUpdateHandle, WorkflowUpdateStage
from understudy.common import RawValue, VersioningBehavior
from understudy.events.event import Event
from understudy.exceptions import ActivityError
from understudy.workflow import ChildWorkflowHandle, Winner


@workflow.defn
class Sale:
    """A workflow as a class."""

    @workflow.run
    async def run(self, order: Order) -> Receipt:
        return await charge(order)

    @workflow.signal
    def approve(self, by: str) -> None: ...

    @workflow.signal(name="drop")
    async def drop(self) -> None: ...

    @workflow.query
    def status(self) -> str:
        return ""

    @workflow.query
    def price(self, item: str) -> int:
        return len(item)

    @workflow.update
    async def rename(self, name: str) -> int:
        return len(name)

    @workflow.update
    def close(self) -> bool:
        return True


@workflow.defn
class Idle:
    """A workflow that takes nothing."""

    @workflow.run
    async def run(self) -> int:
        return 0


@workflow.defn(dynamic=True, versioning_behavior=VersioningBehavior.PINNED)
class Anything:
    """A workflow that decides about its settings."""

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> None: ...

    @workflow.dynamic_config
    def settings(self) -> workflow.DynamicWorkflowConfig:
        return workflow.DynamicWorkflowConfig(failure_exception_types=[ValueError])


@workflow.defn
async def sell(order: Order) -> Receipt:
    """A workflow as a function."""
    return await charge(order)


async def races(order: Order) -> None:
    """`workflow.select`."""
    payment = workflow.start_activity(charge, order)
    assert_type(await workflow.select(payment=payment), Winner[Receipt])
    winner = await workflow.select(one=charge(order), two=asyncio.create_task(charge(order)), cancel_losers=False)
    assert_type(winner.name, str)
    assert_type(winner.value, Receipt)
    assert_type(await workflow.select({"a b": payment}), Winner[Receipt])
    await workflow.select(payment=payment, timeout=workflow.sleep(60))
    await workflow.select(payment=3)  # type: ignore[arg-type]  # an awaitable is expected


async def sagas(order: Order) -> None:
    """`workflow.Saga`."""
    async with workflow.Saga(parallel=True, compensate_on=[ActivityError]) as saga:
        saga.add(charge, order)
        saga.add(ship, order, express=True)
        saga.add(charge.options(summary="back"), order)
        saga.add(Payments.refund.options(), order)
        saga.add(charge, 3)  # type: ignore[arg-type]  # an order is expected
        saga.add(charge)  # type: ignore[call-arg]  # an argument is missing
        saga.add(3)  # type: ignore[arg-type]  # a function is expected
    assert_type(saga.failures, list[BaseException])


async def handles(client: Client, order: Order) -> None:
    """What a client gets."""
    assert_type(await client.execute_workflow(Sale.run, order, id="1", task_queue="q"), Receipt)
    assert_type(await client.execute_workflow(sell, order, id="1", task_queue="q"), Receipt)
    assert_type(await client.execute_workflow("Sale", order, id="1", task_queue="q"), Any)
    handle = await client.start_workflow(Sale.run, order, id="1", task_queue="q")
    assert_type(handle, WorkflowHandle[Sale, Receipt])
    assert_type(await handle.result(), Receipt)
    assert_type(await client.get_workflow_handle_for(Sale.run, "1").result(), Receipt)
    assert_type(await client.start_workflow(sell, order, id="1", task_queue="q"), WorkflowHandle[Any, Receipt])
    assert_type(
        await client.start_workflow(Sale.run, args=[order], id="1", task_queue="q"), WorkflowHandle[Any, Receipt]
    )
    assert_type(await client.start_workflow(Sale, order, id="1", task_queue="q"), WorkflowHandle[Any, Any])
    assert_type(await client.start_workflow(Idle.run, id="1", task_queue="q", memo={}), WorkflowHandle[Idle, int])
    named = await client.start_workflow("Sale", order, id="1", task_queue="q", result_type=Receipt, cron_schedule="")
    assert_type(named, WorkflowHandle[Any, Receipt])
    assert_type(await client.execute_workflow("Sale", order, id="1", task_queue="q", result_type=Receipt), Receipt)
    assert_type(await client.execute_workflow(Idle.run, id="1", task_queue="q"), int)

    await client.start_workflow(Sale.run, 3, id="1", task_queue="q")  # type: ignore[arg-type]  # an order is expected
    await client.execute_workflow(sell, 3, id="1", task_queue="q")  # type: ignore[arg-type]  # the same
    await client.start_workflow(Sale.run, id="1", task_queue="q")  # type: ignore[arg-type]  # the argument is missing
    await client.start_workflow(Sale.run, order, id="1")  # type: ignore[call-overload]  # the queue is missing


async def messages(handle: WorkflowHandle[Sale, Receipt]) -> None:
    """What a handle sends."""
    await handle.signal(Sale.approve, "Ada")
    await handle.signal(Sale.drop)
    await handle.signal("approve", "Ada")
    assert_type(await handle.query(Sale.status), str)
    assert_type(await handle.query(Sale.price, "tea"), int)
    assert_type(await handle.query(Sale.price, args=["tea"]), int)
    assert_type(await handle.query("status"), Any)
    assert_type(await handle.query("status", result_type=str), str)
    await handle.signal(Sale.approve, 3)  # type: ignore[arg-type]  # a name is expected
    await handle.signal(Sale.drop, 3)  # type: ignore[arg-type]  # it takes none
    await handle.query(Sale.price, 3)  # type: ignore[arg-type]  # an item is expected
    await handle.query(Sale.price)  # type: ignore[arg-type]  # an argument is missing


async def updates(handle: WorkflowHandle[Sale, Receipt]) -> None:
    """What a handle sends and awaits."""
    assert_type(await handle.execute_update(Sale.rename, "Ada"), int)
    assert_type(await handle.execute_update(Sale.rename, args=["Ada"], id="u"), int)
    assert_type(await handle.execute_update(Sale.close), bool)
    assert_type(await handle.execute_update("rename", "Ada"), Any)
    assert_type(await handle.execute_update("rename", "Ada", result_type=int), int)
    stage = WorkflowUpdateStage.ACCEPTED
    assert_type(await handle.start_update(Sale.rename, "Ada", wait_for_stage=stage), WorkflowUpdateHandle[int])
    assert_type(await handle.start_update("rename", "Ada", wait_for_stage=stage), WorkflowUpdateHandle[Any])
    await handle.execute_update(Sale.rename, 3)  # type: ignore[arg-type]  # a name is expected
    await handle.execute_update(Sale.rename)  # type: ignore[arg-type]  # an argument is missing
    await handle.start_update(Sale.close, 3, wait_for_stage=stage)  # type: ignore[arg-type]  # it takes none
    await handle.start_update(Sale.close)  # type: ignore[call-overload]  # the stage is missing


async def children(order: Order) -> None:
    """What a workflow does with others."""
    assert_type(await workflow.execute_child_workflow(Sale.run, order), Receipt)
    assert_type(await workflow.execute_child_workflow(sell, order, id="1"), Receipt)
    assert_type(await workflow.execute_child_workflow(Idle.run), int)
    assert_type(await workflow.execute_child_workflow("Sale", order), Any)
    assert_type(await workflow.execute_child_workflow("Sale", order, result_type=Receipt), Receipt)
    child = await workflow.start_child_workflow(Sale.run, order)
    assert_type(child, ChildWorkflowHandle[Sale, Receipt])
    assert_type(await child, Receipt)
    assert_type(await workflow.start_child_workflow(Idle.run, task_queue="q"), ChildWorkflowHandle[Idle, int])
    running: asyncio.Task[int] = await workflow.start_child_workflow(Idle.run)
    assert_type(await running, int)
    await child.signal(Sale.approve, "Ada")
    await child.signal("drop")
    other = workflow.get_external_workflow_handle_for(Sale.run, "1")
    await other.signal(Sale.approve, args=["Ada"])
    await workflow.execute_child_workflow(Sale.run, 3)  # type: ignore[arg-type]  # an order is expected
    await workflow.start_child_workflow(sell, 3)  # type: ignore[arg-type]  # the same
    await child.signal(Sale.approve, 3)  # type: ignore[arg-type]  # a name is expected
    await other.signal(Sale.drop, 3)  # type: ignore[arg-type]  # it takes none


async def looks(client: Client, handle: WorkflowHandle[Sale, Receipt]) -> None:
    """What a client sees."""
    seen = await handle.describe()
    assert_type(await seen.memo_value("for"), Any)
    assert_type(await seen.memo_value("for", type_hint=str), str)
    assert_type(await seen.memo_value("for", 3, type_hint=str), int | str)
    async for event in handle.fetch_history_events(wait_new_event=True):
        assert_type(event, Event)
    async with Client(client.service_client, interceptors=[]) as other:
        assert_type(other, Client)
    everything: ClientConnectConfig = {"target_host": "memory://", "lazy": True, "tls": None}
    await Client.connect(**everything)
