"""Synchronous programs: `with Client.open(...)`, `with Worker(...)`, and messages through actor references."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.api.harness import PATIENCE, QUEUE
from understudy import Client, Worker, activity, workflow
from understudy._client.actor_ref import Result, Signal, WorkflowRef
from understudy.exceptions import ClosedClientError, InvalidArgumentError, StoreLockedError


@activity.defn
def greet(name: str) -> str:
    return f"Hello {name}"


@workflow.defn
class Order:
    """Greets who approves it."""

    def __init__(self) -> None:
        self.approved = ""

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: bool(self.approved))
        return await workflow.execute_activity(greet, self.approved)

    @workflow.signal
    def approve(self, who: str) -> None:
        self.approved = who

    @workflow.query
    def who(self) -> str:
        return self.approved


def start(client: Client) -> WorkflowRef:
    """Start an order from plain code."""
    return client.start(Order.run, id="order-17", task_queue=QUEUE)


def test_a_program_without_an_event_loop(url: str) -> None:
    with Client.open(url) as client, Worker(client, task_queue=QUEUE, workflows=[Order], activities=[greet]) as worker:
        assert worker.is_running
        proxy = start(client).proxy()
        assert proxy.who().get(timeout=PATIENCE) == ""
        proxy.approve("kim").get(timeout=PATIENCE)
        assert proxy.who().get(timeout=PATIENCE) == "kim"
        assert proxy.result().get(timeout=PATIENCE) == "Hello kim"
    assert worker.is_shutdown


def test_nothing_is_left_of_a_program_that_has_ended(url: str) -> None:
    before = set(threading.enumerate())
    with Client.open(url) as client, Worker(client, task_queue=QUEUE, workflows=[Order], activities=[greet]):
        start(client)
        client.actor_ref("order-17").ask(Signal("approve", ("kim",)), timeout=PATIENCE)
        client.actor_ref("order-17").ask(Result(), timeout=PATIENCE)
    left = {thread for thread in set(threading.enumerate()) - before if thread.is_alive()}
    assert [t.name for t in left if t.name.startswith("understudy") and "activity" not in t.name] == []


def test_a_workflow_goes_on_in_the_next_program(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/orders.db"
    with Client.open(url) as client:
        start(client)
        client.actor_ref("order-17").tell(Signal("approve", ("kim",)))
    with Client.open(url) as client, Worker(client, task_queue=QUEUE, workflows=[Order], activities=[greet]):
        assert client.actor_ref("order-17").proxy().result().get(timeout=PATIENCE) == "Hello kim"


def test_two_clients_of_one_file_share_the_engine_and_the_last_one_ends_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/orders.db"
    first = Client.open(url)
    second = Client.open(url)
    assert first.engine is second.engine
    with second, Worker(second, task_queue=QUEUE, workflows=[Order], activities=[greet]):
        with first:
            start(first)
        second.actor_ref("order-17").ask(Signal("approve", ("kim",)), timeout=PATIENCE)
        assert second.actor_ref("order-17").ask(Result(), timeout=PATIENCE) == "Hello kim"
        engine = second.engine
        assert not engine.stopped
    assert engine.stopped


async def test_a_synchronous_start_on_the_engines_own_loop_is_refused(url: str) -> None:
    async with await Client.connect(url) as client:
        with pytest.raises(RuntimeError, match="use await there"):
            start(client)


async def test_a_synchronous_client_joins_the_engine_of_an_async_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/orders.db"

    def program() -> Any:
        with Client.open(url) as client:
            start(client)
            proxy = client.actor_ref("order-17").proxy()
            proxy.approve("kim").get(timeout=PATIENCE)
            return proxy.result().get(timeout=PATIENCE)

    async with (
        await Client.connect(url) as client,
        Worker(client, task_queue=QUEUE, workflows=[Order], activities=[greet]),
    ):
        assert await asyncio.to_thread(program) == "Hello kim"
        assert not client.engine.stopped


def test_a_closed_client_says_so(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/orders.db"
    with Client.open(url) as client:
        assert repr(client) == f"<Client of {url!r}>"
    assert repr(client) == f"<Client of {url!r}, closed>"
    with pytest.raises(ClosedClientError, match="is closed"):
        start(client)
    with client:
        pass


def test_a_store_that_cannot_be_opened_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with pytest.raises(InvalidArgumentError, match="url is"):
        Client.open("postgres:/nowhere")
    for thread in threading.enumerate():
        if thread.name == "understudy-engine":
            thread.join(PATIENCE)
    assert threading.active_count() == before


def test_a_file_that_this_process_has_open_by_other_means_is_locked(tmp_path: Path) -> None:
    from understudy.events.store import open_store

    store = open_store(f"sqlite:///{tmp_path}/orders.db")
    with pytest.raises(StoreLockedError):
        Client.open(f"sqlite:///{tmp_path}/orders.db")
    store.close()
