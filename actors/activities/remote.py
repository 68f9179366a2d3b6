"""An attempt whose code runs in another process: what the code may ask there, and how the answer comes.

The code gets a stand-in for its attempt: the facts, and one end of a pipe. `PipeClient` asks through the pipe, and
`AttemptServer`, on a thread of the worker's process, answers at the other end until the code is done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pickle import loads
from typing import TYPE_CHECKING, Any, Final

import cloudpickle

from understudy.actors.activities.current import converter_of
from understudy.actors.activities.pickling import dumps
from understudy.events.errors import NotInActivityError

if TYPE_CHECKING:
    from understudy.actors.activities.assignment import Assignment
    from understudy.actors.activities.cancellation import ActivityCancellationDetails
    from understudy.actors.activities.current import Outbound, RunningAttempt, WorkerView
    from understudy.actors.activities.thread_cancel import ThreadCancel
    from understudy.events.converters.payload_converter import PayloadConverter

__all__ = ["AttemptServer", "RemoteAttempt"]

SLICE_SECONDS: Final = 0.2
"""The time that either end waits for the other at once: a wait leaves room for heartbeats of other threads."""


class PipeClient:
    """The end of the pipe in the process that runs the code; any thread."""

    def __init__(self, end: bytes) -> None:
        self._connection: Connection = loads(end)  # noqa: S301 - this process's parent wrote it
        self._lock = threading.Lock()

    def ask(self, what: str, *args: Any) -> Any:
        """Return the answer of the attempt; `AttemptServer` knows what may be asked.

        Raises:
            Exception: what answering raised.
        """
        with self._lock:
            self._connection.send((what, args))
            ok, answer = self._connection.recv()
        if ok:
            return answer
        raise answer

    def wait_for(self, what: str, seconds: float | None) -> bool:
        """Block until the answer is true or `seconds` have passed; return True if it is true."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = SLICE_SECONDS if end is None else min(SLICE_SECONDS, end - time.monotonic())
            if self.ask(what, max(left, 0.0)):
                return True
            if end is not None and time.monotonic() >= end:
                return False


class _RemoteCancellation:
    """The cancellation of the attempt, asked over the pipe; a `CancellationView`."""

    def __init__(self, pipe: PipeClient) -> None:
        self._pipe = pipe

    @property
    def details(self) -> ActivityCancellationDetails | None:
        details: ActivityCancellationDetails | None = self._pipe.ask("cancellation")
        return details

    async def wait(self) -> None:
        raise _not_on_a_loop("activity.wait_for_cancelled()")

    def wait_in_thread(self, seconds: float | None) -> bool:
        return self.details is not None or self._pipe.wait_for("canceled", seconds)


class _RemoteStopping:
    """The event that the worker begins to stop, asked over the pipe; a `Waitable`."""

    def __init__(self, pipe: PipeClient) -> None:
        self._pipe = pipe

    def wait(self, seconds: float | None = None) -> bool:
        return self._pipe.wait_for("stopping", seconds)


class _RemoteWorker:
    """The worker, as far as code in another process may ask for it; a `WorkerView`."""

    client = meter = None
    in_context = False

    def __init__(self, pipe: PipeClient) -> None:
        self._pipe = pipe
        self._converter: PayloadConverter | None = None
        self.stopping = _RemoteStopping(pipe)

    @property
    def converter(self) -> PayloadConverter:
        """The converter for the attempt's values, as a copy that is fetched once."""
        if self._converter is None:
            copy: PayloadConverter = cloudpickle.loads(self._pipe.ask("converter"))
            self._converter = copy
        return self._converter

    @property
    def shutting_down(self) -> bool:
        return bool(self._pipe.ask("stopping", 0.0))

    async def wait_for_shutdown(self) -> None:
        raise _not_on_a_loop("activity.wait_for_worker_shutdown()")


def _not_on_a_loop(call: str) -> NotInActivityError:
    return NotInActivityError(call=call, where="in another process", fix="Call its form that ends in _sync")


@dataclass
class RemoteAttempt:
    """The stand-in for an attempt in the process that runs its code; a `RunningAttempt`."""

    assignment: Assignment
    dispatched_at: int
    started_at: int
    given: list[Any]
    """Heartbeat details of the previous attempt, as values."""
    end: bytes
    """The other end of the pipe, pickled."""
    info: object = None
    outbound: Outbound | None = None
    thread_cancel: ThreadCancel | None = None
    pipe: PipeClient = field(init=False, repr=False)
    worker: _RemoteWorker = field(init=False, repr=False)
    cancellation: _RemoteCancellation = field(init=False, repr=False)

    def attach(self) -> None:
        """Open the pipe; called in the process that runs the code."""
        self.pipe = PipeClient(self.end)
        self.worker = _RemoteWorker(self.pipe)
        self.cancellation = _RemoteCancellation(self.pipe)

    def heartbeat_details(self) -> list[Any]:
        """Return the heartbeat details of the previous attempt."""
        return self.given

    def beat(self, details: Sequence[Any]) -> None:
        """Give a sign of life.

        Raises:
            PayloadEncodeError: the details cannot be stored.
        """
        self.pipe.ask("beat", tuple(details))


class AttemptServer:
    """Serves one attempt in another process: answers its requests over a pipe, on a thread, until the block ends."""

    def __init__(self, attempt: RunningAttempt, worker: WorkerView) -> None:
        """Serve `attempt`, which runs on `worker`; nothing is answered before the block begins."""
        self._attempt = attempt
        self._left = threading.Event()
        self._pipe, self._other = Pipe()
        self._answers: dict[str, Callable[..., Any]] = {
            "beat": attempt.beat,
            "canceled": attempt.cancellation.wait_in_thread,
            "cancellation": lambda: attempt.cancellation.details,
            "converter": lambda: dumps(converter_of(attempt.assignment, worker)),
            "stopping": partial(_is_stopping, attempt),
        }
        """The functions that answer for the attempt, by the name of the question."""

    def __enter__(self) -> RemoteAttempt:
        """Begin to answer, and return the stand-in."""
        attempt = self._attempt
        threading.Thread(target=self._serve, name="understudy-remote-attempt", daemon=True).start()
        return RemoteAttempt(
            assignment=attempt.assignment,
            dispatched_at=attempt.dispatched_at,
            started_at=attempt.started_at,
            given=attempt.heartbeat_details(),
            end=bytes(ForkingPickler.dumps(self._other)),
        )

    def __exit__(self, *_: object) -> None:
        """Stop answering, and close the pipe."""
        self._left.set()
        self._other.close()

    def _serve(self) -> None:
        with self._pipe as pipe:
            while not self._left.is_set():
                try:
                    if pipe.poll(SLICE_SECONDS):
                        pipe.send(self._answer(*pipe.recv()))
                except (EOFError, OSError):  # the other process has ended
                    return

    def _answer(self, what: str, args: tuple[Any, ...]) -> tuple[bool, Any]:
        try:
            return True, self._answers[what](*args)
        except Exception as error:  # noqa: BLE001 - it is raised in the code that asked
            return False, error


def _is_stopping(attempt: RunningAttempt, seconds: float) -> bool:
    worker = attempt.worker
    return worker is None or worker.stopping.wait(seconds)
