"""The service of activities on the test's loop, with workers on demand and all that it tells kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from understudy import activity
from understudy.actors.activities.assignment import Assignment
from understudy.actors.activities.attempt import Attempt
from understudy.actors.activities.supervisor import ActivitySupervisor
from understudy.actors.activities.worker_options import WorkerOptions
from understudy.actors.activities.worker_slots import WorkerSlots
from understudy.actors.behaviors.decisions.commands import Command
from understudy.actors.behaviors.definitions.definition import activity_of
from understudy.actors.dispatch import Dispatcher
from understudy.events.activity import ActivityScheduled
from understudy.events.converters.failure_converter import FailureConverter
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.state.pending import PendingActivity
from understudy.exceptions import ApplicationError

__all__ = [
    "ALL",
    "NEVER",
    "NOW",
    "PATIENCE",
    "SOON",
    "Office",
    "assigned",
    "attempts",
    "beat",
    "fail",
    "greet",
    "limp",
    "linger",
    "only",
    "scheduled",
    "settle",
]

NOW: Final = 1_000
SOON: Final = StoredRetryPolicy(initial_interval=1, backoff_coefficient=1.0)
NEVER: Final = StoredRetryPolicy(initial_interval=10**18)
PATIENCE: Final = 30.0


@activity.defn
async def greet(name: str) -> str:
    return f"hello {name}"


@activity.defn
async def linger() -> None:
    await asyncio.Event().wait()


@activity.defn
async def fail(how: str) -> None:
    raise ApplicationError("no stock", type="NoStock", non_retryable=how == "for good")


@activity.defn
async def limp(failures: int) -> int:
    if activity.info().attempt <= failures:
        raise ApplicationError("not yet")
    return activity.info().attempt


@activity.defn
async def beat() -> list[Any]:
    before = list(activity.info().heartbeat_details)
    activity.heartbeat(50)
    return before


class Office:
    """The service, and what it told whom."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.opened_at = self.loop.time()
        self.activities = ActivitySupervisor(Dispatcher(self.loop), self.clock, self.tell)

    def clock(self) -> int:
        """The time, ns: `NOW` when the office opened, and on with the loop."""
        return NOW + round((self.loop.time() - self.opened_at) * 1e9)

    def tell(self, run_id: str, command: Command) -> None:
        self.told.put_nowait((run_id, command))

    async def next(self) -> Any:
        """The next command that is told."""
        async with asyncio.timeout(PATIENCE):
            return (await self.told.get())[1]

    def nothing_told(self) -> bool:
        return self.told.empty()

    def work(self, *fns: Callable[..., Any], slots: int = 100, queue: str = "orders") -> WorkerSlots:
        """A worker that is there from now on."""
        definitions = {definition.name: definition for definition in map(activity_of, fns or ALL)}
        worker = WorkerSlots(
            task_queue=queue,
            identity="42@host",
            workflows={},
            activities=definitions,
            executor=None,
            options=WorkerOptions(max_concurrent_activities=slots),
            loop=self.loop,
            converter=PayloadConverter.default,
            failures=FailureConverter.default,
        )
        self.activities.add_worker(worker)
        return worker

    def dispatch(self, seq: int, fn: Any, *args: Any, run_id: str = "run-1", attempt: int = 1, **options: Any) -> None:
        """Dispatch an activity."""
        pending = PendingActivity(scheduled(seq, fn, *args, **options))
        pending.attempt = attempt
        self.activities.dispatch(assigned(pending, run_id))

    def dispatch_local(self, seq: int, fn: Any, *args: Any, **options: Any) -> None:
        """Dispatch a local activity."""
        event = scheduled(seq, fn, *args, **options)
        self.activities.dispatch_local(Assignment("run-1", "order-1", "Order", event, "orders", -seq, is_local=True))


ALL: Final = (greet, linger, fail, limp, beat)


def scheduled(seq: int, fn: Any, *args: Any, **options: Any) -> ActivityScheduled:
    """A request for an activity."""
    name = fn if isinstance(fn, str) else str(activity_of(fn).name)
    payloads = PayloadConverter.default.encode_args(args)
    return ActivityScheduled(at=NOW, seq=seq, activity_type=name, input=payloads, **options)


def assigned(pending: PendingActivity, run_id: str = "run-1") -> Assignment:
    """The assignment of an activity that a run waits for."""
    return Assignment(
        run_id,
        "order-1",
        "Order",
        pending.scheduled,
        pending.scheduled.task_queue or "orders",
        pending.scheduled.seq,
        number=pending.attempt,
        details=pending.heartbeat_details,
    )


def only(worker: WorkerSlots) -> Attempt:
    """The one attempt that a worker runs."""
    (attempt,) = attempts(worker)
    return attempt


def attempts(worker: WorkerSlots) -> list[Attempt]:
    """The attempts that a worker runs."""
    return [occupant for occupant in worker.running if isinstance(occupant, Attempt)]


async def settle() -> None:
    """Let all that is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)
