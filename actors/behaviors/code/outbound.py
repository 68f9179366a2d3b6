"""Messages to other workflows, as the code of a run sees them: signals and requests for cancellation.

A message is a future that resolves when the other workflow has it on disk, or when it is certain that it never will.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import Future

    from understudy.actors.behaviors.code.recorder import Recorder
    from understudy.events import outbound as out

__all__ = ["Outbound"]


class Outbound:
    """The messages of one run to other workflows; owned by its `Context`."""

    __slots__ = ("_recorder", "_seq", "pending")

    def __init__(self, recorder: Recorder) -> None:
        """Begin without any message."""
        self._recorder = recorder
        self._seq = 0
        self.pending: dict[int, Future[None]] = {}
        """The messages whose fate is not known, by number."""

    def let_go(self) -> None:
        """Drop the futures of all messages."""
        self.pending.clear()

    def send(self, request: Callable[[int], out.ExternalSignalRequested | out.ExternalCancelRequested]) -> Future[None]:
        """Ask for a message, and return the future of its delivery.

        Args:
            request: makes the event that asks for it from its number.

        Raises:
            ReadOnlyContextError: whoever asks may only read.
            NondeterminismError: the replay does something else than the record says.
        """
        seq = self._seq + 1
        self._recorder.ask(request(seq))
        self._seq = seq
        future: Future[None] = self._recorder.loop.create_future()
        self.pending[seq] = future
        return future

    def message_ended(self, seq: int, error: BaseException | None) -> None:
        """Resolve the future of a message: the other workflow has it, or `error` says why not."""
        future = self.pending.pop(seq, None)
        if future is None or future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
