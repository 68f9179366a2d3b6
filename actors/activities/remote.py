"""An attempt whose code runs in another process: what it may ask there, and how the answer comes.

The code gets a stand-in for its attempt, with the facts, and one end of a pipe. Signs of life, and whether it is to
stop, are asked through it; a thread of this process answers at the other end until the code is done.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pickle import loads
from typing import TYPE_CHECKING, Any, Final

import cloudpickle

from understudy.actors.activities.current import wait_canceled
from understudy.actors.activities.pickling import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from understudy.actors.activities.attempt import Attempt
    from understudy.actors.activities.cancellation import ActivityCancellationDetails
    from understudy.events.activity import ActivityScheduled
    from understudy.events.converters.payload_converter import PayloadConverter

__all__ = ["RemoteAttempt", "Stand"]

SLICE_SECONDS: Final = 0.2
"""How long either end waits for the other at a time: a wait leaves room for heartbeats of other threads."""


class Line:
    """The end of the pipe in the other process; any thread."""

    def __init__(self, end: bytes) -> None:
        self._pipe: Connection = loads(end)  # noqa: S301 - this process's parent wrote it
        self._lock = threading.Lock()

    def ask(self, what: str, *args: Any) -> Any:
        """Return the answer of the attempt.

        Raises:
            Exception: what it raises.
        """
        with self._lock:
            self._pipe.send((what, args))
            ok, answer = self._pipe.recv()
        if ok:
            return answer
        raise answer

    def close(self) -> None:
        """Let go of the pipe."""
        self._pipe.close()


class _Signal:
    """Something that happens to the attempt in the process of the worker, as a `threading.Event`."""

    def __init__(self, line: Line, what: str) -> None:
        self._line = line
        self._what = what

    def wait(self, seconds: float | None = None) -> bool:
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = SLICE_SECONDS if end is None else min(SLICE_SECONDS, end - time.monotonic())
            if self._line.ask(self._what, max(left, 0.0)):
                return True
            if end is not None and time.monotonic() >= end:
                return False


class _RemoteWorker:
    """The worker, as far as code in another process may ask for it."""

    client = meter = None
    in_context = False

    def __init__(self, line: Line) -> None:
        self._line = line
        self.stopping = _Signal(line, "stopping")

    @cached_property
    def converter(self) -> Any:
        """The converter of the attempt's values, as a copy."""
        return cloudpickle.loads(self._line.ask("converter"))

    @property
    def shutting_down(self) -> bool:
        return bool(self._line.ask("stopping", 0.0))


@dataclass
class RemoteAttempt:
    """The stand-in for an attempt, in the process that runs its code; it has what `understudy.activity` asks for."""

    run_id: str
    workflow_id: str
    workflow_type: str
    scheduled: ActivityScheduled
    number: int
    task_queue: str
    is_local: bool
    dispatched_at: int
    started_at: int
    given: list[Any]
    end: bytes
    info: Any = None
    outbound = thread_cancel = None
    line: Line = field(init=False, repr=False)
    worker: _RemoteWorker = field(init=False, repr=False)

    def arrive(self) -> None:
        """Take up the pipe; called where the code runs."""
        self.line = Line(self.end)
        self.worker = _RemoteWorker(self.line)

    def heartbeat_details(self) -> list[Any]:
        """Return the details of the attempt before."""
        return self.given

    def beat(self, details: Sequence[Any]) -> None:
        """Give a sign of life.

        Raises:
            PayloadEncodeError: the details cannot be stored.
        """
        self.line.ask("beat", tuple(details))

    @property
    def cancel_details(self) -> ActivityCancellationDetails | None:
        """Why it was asked to stop; None: it was not."""
        details: ActivityCancellationDetails | None = self.line.ask("cancel_details")
        return details

    @property
    def canceled_in_thread(self) -> _Signal:
        """That it was asked to stop."""
        return _Signal(self.line, "canceled")


class Stand:
    """Answers what the code of an attempt asks from another process, on a thread, until it is left."""

    def __init__(self, attempt: Attempt, converter: Callable[[], PayloadConverter]) -> None:
        """Answer for `attempt`, whose values are converted by what `converter` returns."""
        self._attempt = attempt
        self._converter = converter
        self._left = threading.Event()
        self._pipe, self._other = Pipe()

    def __enter__(self) -> RemoteAttempt:
        """Begin to answer, and return the stand-in."""
        attempt = self._attempt
        threading.Thread(target=self._serve, name="understudy-remote-attempt", daemon=True).start()
        return RemoteAttempt(
            run_id=attempt.run_id,
            workflow_id=attempt.workflow_id,
            workflow_type=attempt.workflow_type,
            scheduled=attempt.scheduled,
            number=attempt.number,
            task_queue=attempt.task_queue,
            is_local=attempt.is_local,
            dispatched_at=attempt.dispatched_at,
            started_at=attempt.started_at,
            given=attempt.heartbeat_details(),
            end=bytes(ForkingPickler.dumps(self._other)),
        )

    def __exit__(self, *_: object) -> None:
        """Stop answering."""
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
        attempt = self._attempt
        try:
            if what == "beat":
                attempt.beat(args[0])
            if what == "canceled":
                return True, wait_canceled(attempt, args[0])
            if what == "converter":
                return True, dumps(self._converter())
            if what == "stopping":
                return True, attempt.worker is None or attempt.worker.stopping.wait(args[0])
        except Exception as error:  # noqa: BLE001 - it is raised in the code that asked
            return False, error
        return True, attempt.cancel_details
