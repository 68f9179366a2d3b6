"""Records one history a feature: `python -m tests.histories.record FOLDER`, once a release, never for an old one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.api.harness import eventually
from tests.histories import programs
from understudy.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowHistory, WorkflowUpdateFailedError
from understudy.common import RetryPolicy
from understudy.testing import WorkflowEnvironment
from understudy.worker import Worker

__all__ = ["STORIES", "record"]

Q = "q"


def worker(client: Client) -> Worker:
    """A worker that knows all programs."""
    return Worker(client, task_queue=Q, workflows=programs.WORKFLOWS, activities=programs.ACTIVITIES, debug_mode=True)


async def result_of(handle: WorkflowHandle[Any, Any]) -> None:
    """Wait for the end, whatever it is."""
    with suppress(WorkflowFailureError):
        await handle.result()


async def declined(client: Client) -> list[WorkflowHandle[Any, Any]]:
    """Kept to the old way by its worker."""
    code, no = programs.declining, lambda _asked: False
    async with Worker(client, task_queue=Q, workflows=[code], patch_activation_callback=no, debug_mode=True):
        handle = await client.start_workflow(code, id="w", task_queue=Q)
        await handle.result()
    return [handle]


async def to_the_end(client: Client, workflow: Any, *args: Any, **options: Any) -> list[WorkflowHandle[Any, Any]]:
    """Run a workflow that needs nobody."""
    async with worker(client):
        handle = await client.start_workflow(workflow, args=args, id="w", task_queue=Q, **options)
        await result_of(handle)
    return [handle]


async def until(handle: WorkflowHandle[Any, Any], topic: str) -> None:
    """Wait until the history of an open run has an event of a kind."""

    async def is_there() -> bool:
        return topic in [event.topic for event in (await handle.fetch_history()).events]

    await eventually(is_there)


async def messages(client: Client) -> list[WorkflowHandle[Any, Any]]:
    """Send a workflow all kinds of messages."""
    code = programs.Messages
    async with worker(client):
        handle = await client.start_workflow(
            code.run, "first", id="w", task_queue=Q, start_signal="say", start_signal_args=["early"]
        )
        await handle.signal("topic", "received")
        await handle.execute_update(code.ask, "four")
        for update, args in ((code.ask, [""]), (code.refuse, [])):
            with suppress(WorkflowUpdateFailedError):
                await handle.execute_update(update, args=args)
        await handle.signal("late", "set at run time")
        await until(handle, "side_effect.recorded")
        await client.resolve_promise(await handle.query(code.where), "promised")
        await handle.signal(code.end)
        await handle.result()
    return [handle]


async def continuing(client: Client) -> list[WorkflowHandle[Any, Any]]:
    """Two runs that continue, and one that ends with a signal that the first had got."""
    async with worker(client):
        first = await client.start_workflow(programs.continuing, 2, id="w", task_queue=Q)
        await first.signal("number", 7)
        await first.result()
    return [client.get_workflow_handle("w", run_id=first.first_execution_run_id), client.get_workflow_handle("w")]


async def deferred(client: Client) -> list[WorkflowHandle[Any, Any]]:
    """Nobody knows the workflow at first."""
    handle = await client.start_workflow(programs.Messages.run, "late", id="w", task_queue=Q)
    for name, args in (("say", ["one"]), ("topic", ["two"]), ("end", [])):
        await handle.signal(name, args=args)
    async with worker(client):
        await until(handle, "side_effect.recorded")
        await client.resolve_promise(await handle.query(programs.Messages.where), "three")
        await handle.result()
    return [handle]


async def paused(client: Client) -> list[WorkflowHandle[Any, Any]]:
    """Paused in the middle, with signals and a timer that fires meanwhile."""
    async with worker(client):
        handle = await client.start_workflow(programs.Messages.run, "first", id="w", task_queue=Q)
        await handle.signal("say", "before")
        await handle.pause(note="a look at it")
        await handle.signal("topic", "while paused")
        await handle.unpause(note="go on")
        await until(handle, "side_effect.recorded")
        await client.resolve_promise(await handle.query(programs.Messages.where), "after")
        await handle.signal("end")
        await handle.result()
    return [handle]


async def reset(client: Client) -> list[WorkflowHandle[Any, Any]]:
    """Run anew from the middle, with the signals of the old run."""
    async with worker(client):
        handle = await client.start_workflow(programs.Messages.run, "first", id="w", task_queue=Q)
        await handle.signal("say", "before")
        await handle.signal("topic", "received")
        await until(handle, "side_effect.recorded")
        run_id = await handle.reset(3, reason="to be recorded")
        anew = client.get_workflow_handle("w", run_id=run_id)
        await until(anew, "side_effect.recorded")
        await client.resolve_promise(await anew.query(programs.Messages.where), "promised")
        await anew.signal("end")
        await anew.result()
    return [client.get_workflow_handle("w", run_id=handle.first_execution_run_id), anew]


async def cancelled(client: Client) -> list[WorkflowHandle[Any, Any]]:
    """Cancelled from outside."""
    async with worker(client):
        handle = await client.start_workflow(programs.Cancelled.run, id="w", task_queue=Q)
        await until(handle, "timer.started")
        await handle.cancel(reason="no longer wanted")
        await result_of(handle)
    return [handle]


async def retried(client: Client) -> list[WorkflowHandle[Any, Any]]:
    """Two runs, of which the first fails."""
    policy = RetryPolicy(initial_interval=timedelta(seconds=1))
    handles = await to_the_end(client, programs.again, 1, retry_policy=policy)
    return [client.get_workflow_handle("w", run_id=handles[0].first_execution_run_id), *handles]


async def scheduled(client: Client) -> list[WorkflowHandle[Any, Any]]:
    """The first run of a cron schedule."""
    async with worker(client):
        handle = await client.start_workflow(
            programs.again, 0, id="w", task_queue=Q, cron_schedule="@hourly", execution_timeout=timedelta(hours=3)
        )
        await result_of(handle)
    return [client.get_workflow_handle("w", run_id=handle.first_execution_run_id)]


STORIES: dict[str, Callable[[Client], Awaitable[list[WorkflowHandle[Any, Any]]]]] = {
    "activities": lambda client: to_the_end(client, programs.activities),
    "asyncio": lambda client: to_the_end(client, programs.Asyncio.run),
    "cancellation_and_saga": cancelled,
    "changes_and_upserts": lambda client: to_the_end(client, programs.changes),
    "children": lambda client: to_the_end(client, programs.children),
    "continue_as_new": continuing,
    "cron": scheduled,
    "declined_patch": declined,
    "deferred": deferred,
    "messages": messages,
    "paused": paused,
    "reset": reset,
    "retries": retried,
    "start_delay": lambda client: to_the_end(client, programs.again, 0, start_delay=timedelta(minutes=1)),
}


async def record(name: str) -> list[WorkflowHistory]:
    """Play one story and return its histories."""
    async with await WorkflowEnvironment.start_time_skipping() as env:
        return [await handle.fetch_history() for handle in await STORIES[name](env.client)]


def main(folder: Path) -> None:
    """Write what is not there yet."""
    folder.mkdir(exist_ok=True)
    for name in STORIES:
        for number, history in enumerate(asyncio.run(record(name)), 1):
            path = folder / f"{name}-{number}.json"
            if not path.exists():
                path.write_text(f"{history.to_json()}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
