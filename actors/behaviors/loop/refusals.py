"""Refuse the methods of an asyncio loop that touch the outside world, and name what workflow code uses instead.

Threads, sockets, pipes, subprocesses and signals answer differently each time they are asked, so a run that touched
them could not be replayed (SAME-AGAIN). The loop of a run therefore refuses them, on the call and with the name of
what to use instead. The refusals are a table: one line a method of `asyncio.AbstractEventLoop`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["InsideLoop", "refuse"]

AWAIT = "await: the engine runs the loop of a run, one turn at a time"
MESSAGE = "a signal, the only way into a run from outside"
SHUTDOWN = "a signal of the workflow (workflow.signal), or activity.wait_for_worker_shutdown in an activity"

_PASSED = frozenset({"asyncio", "understudy"})


def refuse(call: str, instead: str = "", *, loop: InsideLoop) -> NoReturn:
    """Raise `DeterminismError` for a call, with the place in the user's code that made it.

    Args:
        call: What was called. Where it came by way of asyncio's own code, the function of asyncio that the user called
            is named instead (`asyncio.to_thread`).
        instead: What to use instead; what the guard's table says, if empty.
        loop: The loop of the run, which is aborted: no code may survive this error.

    Raises:
        DeterminismError: Always.
    """
    from understudy.actors.behaviors.guard.rules import instead_of
    from understudy.events.errors import DeterminismError

    frame = sys._getframe(1)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - only the stack knows
    while (package := _package(frame)) in _PASSED and frame.f_back is not None:
        if package == "asyncio":
            call = f"asyncio.{frame.f_code.co_qualname}"
        frame = frame.f_back
    file, line = frame.f_code.co_filename, frame.f_lineno
    error = DeterminismError(call=call, instead=instead or instead_of(call), file=file, line=line)
    loop.abort(error)
    raise error


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


class Refused:
    """A method of the loop that is refused when it is called; looking it up is harmless."""

    __slots__ = ("instead", "name")

    def __init__(self, instead: str = "") -> None:
        self.instead = instead
        self.name = ""

    def __set_name__(self, owner: type[object], name: str) -> None:
        self.name = name

    def __get__(self, loop: InsideLoop, owner: type[object]) -> Callable[..., NoReturn]:
        def refused(*_args: object, **_options: object) -> NoReturn:
            refuse(f"loop.{self.name}", self.instead, loop=loop)

        return refused


class InsideLoop(asyncio.AbstractEventLoop):
    """The table of refusals of a loop; `DeterministicLoop` has what it allows."""

    __slots__ = ()

    if TYPE_CHECKING:

        def abort(self, error: BaseException) -> None:
            """End the turn with this error, whatever the user's code does with it."""

    # Running the loop.
    run_forever: Any = Refused(AWAIT)
    run_until_complete: Any = Refused(AWAIT)
    stop: Any = Refused(AWAIT)
    close: Any = Refused(AWAIT)
    shutdown_asyncgens: Any = Refused(AWAIT)

    # Threads.
    call_soon_threadsafe: Any = Refused(MESSAGE)
    run_in_executor: Any = Refused()
    set_default_executor: Any = Refused()
    shutdown_default_executor: Any = Refused()

    # The network.
    getaddrinfo: Any = Refused()
    getnameinfo: Any = Refused()
    create_connection: Any = Refused()
    create_server: Any = Refused()
    create_unix_connection: Any = Refused()
    create_unix_server: Any = Refused()
    create_datagram_endpoint: Any = Refused()
    connect_accepted_socket: Any = Refused()
    start_tls: Any = Refused()
    sendfile: Any = Refused()
    sock_accept: Any = Refused()
    sock_connect: Any = Refused()
    sock_recv: Any = Refused()
    sock_recv_into: Any = Refused()
    sock_recvfrom: Any = Refused()
    sock_recvfrom_into: Any = Refused()
    sock_sendall: Any = Refused()
    sock_sendfile: Any = Refused()
    sock_sendto: Any = Refused()

    # Files, pipes and processes.
    add_reader: Any = Refused()
    remove_reader: Any = Refused()
    add_writer: Any = Refused()
    remove_writer: Any = Refused()
    connect_read_pipe: Any = Refused()
    connect_write_pipe: Any = Refused()
    subprocess_exec: Any = Refused()
    subprocess_shell: Any = Refused()

    # Signals of the operating system.
    add_signal_handler: Any = Refused(SHUTDOWN)
    remove_signal_handler: Any = Refused(SHUTDOWN)
