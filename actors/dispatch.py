"""Many actors on one loop: pykka's actor model without a thread for each.

pykka names three seams for new kinds of actors: the inbox, the future, the loop. Here the inbox is a list on the
actor (`Mailbox`), the future is pykka's own threading future, and the loop is an asyncio loop that all actors share:
a message puts its actor in line, and a turn takes everything that waits. Turns run as plain callbacks, never inside a
task, so that a workflow's own loop can run in them. A hundred thousand actors cost what their state costs.

Messages may come from any thread. On the loop's thread they are put down directly; from elsewhere they go through one
queue that wakes the loop once, not once a message. Mailboxes are bounded: a full one refuses, it never drops.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import pykka
from pykka import ActorRef
from pykka._envelope import Envelope

from understudy.events.errors import EngineStoppedError, MailboxFullError

__all__ = ["Dispatcher", "LoopActor", "Mailbox", "Reply"]

T = TypeVar("T")


class Dispatcher:
    """Gives actors the loop that their turns run on, and other threads the way onto it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take over `loop`; called on the thread of the loop."""
        self.loop = loop
        self.thread = threading.get_ident()
        self._inbound: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._woken = False
        self.stopped = False

    def call(self, fn: Callable[..., object], *args: object) -> None:
        """Run `fn` on the loop: at once on the loop's own thread, soon from any other.

        Raises:
            EngineStoppedError: the loop no longer runs.
        """
        if threading.get_ident() == self.thread:
            fn(*args)
            return
        if self.stopped:
            raise EngineStoppedError(reason="the client was closed")
        self._inbound.append((fn, args))
        if not self._woken:
            self._woken = True
            try:
                self.loop.call_soon_threadsafe(self._drain)
            except RuntimeError:
                self._woken = False  # so that the next call is told, too
                raise EngineStoppedError(reason="its event loop was closed") from None

    def _drain(self) -> None:
        self._woken = False
        inbound = self._inbound
        try:
            while inbound:
                fn, args = inbound.popleft()
                fn(*args)
        finally:
            if inbound:  # one that raises must not cost those behind it
                self.loop.call_soon(self._drain)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Return what to await for `coroutine` to run on the engine's loop, whichever loop the caller runs on.

        Raises:
            EngineStoppedError: that loop is closed.
        """
        if asyncio.get_running_loop() is self.loop:
            return coroutine
        return asyncio.wrap_future(self._send(coroutine))

    def _send(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        except RuntimeError:
            coroutine.close()
            raise EngineStoppedError(reason="its event loop was closed") from None

    def run_blocking(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Wait for `coroutine`, run on the engine's loop, from a thread that is not the loop's.

        Raises:
            RuntimeError: called on the loop's own thread, where it would wait for itself.
            TimeoutError: `timeout` seconds have passed.
            EngineStoppedError: the engine's loop is closed.
        """
        if threading.get_ident() == self.thread:
            coroutine.close()
            msg = "this blocks, and it was called on the engine's own event loop; use await there"
            raise RuntimeError(msg)
        return self._send(coroutine).result(timeout)


class Reply(pykka.ThreadingFuture[Any]):
    """Answers a coroutine: a future of pykka on the outside, an asyncio future within, no locks.

    Set and awaited on the engine's loop only.
    """

    __slots__ = ("future",)

    def __init__(self, future: asyncio.Future[Any]) -> None:
        """Answer into `future`; pykka's own condition is never made, since nobody blocks on this future."""
        self.future = future

    def set(self, value: Any = None) -> None:
        """Answer with a value."""
        if not self.future.done():
            self.future.set_result(value)

    def set_exception(self, exc_info: Any = None) -> None:
        """Answer with an exception, given as pykka's triple."""
        if not self.future.done():
            self.future.set_exception(exc_info[1])


class Mailbox:
    """Holds an actor's messages (pykka's `ActorInbox`): bounded, in order of arrival, taken whole by each turn.

    Holders of the mailbox reach its actor, also after the actor has let go of the mailbox.
    """

    __slots__ = ("actor", "envelopes", "limit", "scheduled")

    def __init__(self, actor: LoopActor, limit: int) -> None:
        """Begin empty; `limit` messages may wait."""
        self.actor = actor
        self.envelopes: list[Envelope[Any]] = []
        self.limit = limit
        self.scheduled = False

    def put(self, envelope: Envelope[Any], /) -> None:
        """Put a message down; any thread. A message that nobody waits for is the engine's own, and never refused.

        Once the engine has stopped, waiting senders are told so; other messages are dropped, and their work comes back
        at the next start.

        Raises:
            MailboxFullError: as many messages as may wait are waiting.
        """
        if len(self.envelopes) >= self.limit and envelope.reply_to is not None:
            raise MailboxFullError(workflow_id=self.actor.name, limit=self.limit)
        dispatcher = self.actor.dispatcher
        if dispatcher.stopped:
            if envelope.reply_to is not None:
                error = EngineStoppedError(reason="the client was closed")
                envelope.reply_to.set_exception((EngineStoppedError, error, None))
        elif threading.get_ident() == dispatcher.thread:
            self.envelopes.append(envelope)
            if not self.scheduled:
                self.scheduled = True
                dispatcher.loop.call_soon(self.take_turn)
        else:
            dispatcher.call(self._arrive, envelope)

    def _arrive(self, envelope: Envelope[Any]) -> None:
        """Put down a message from another thread; only its answer can say that it is refused."""
        try:
            self.put(envelope)
        except MailboxFullError as error:
            if envelope.reply_to is not None:
                envelope.reply_to.set_exception((type(error), error, None))

    def get(self) -> Envelope[Any]:
        """Take and return the oldest message."""
        return self.envelopes.pop(0)

    def take_turn(self) -> None:
        """Let the actor take everything that waits as one turn; called by the loop."""
        self.scheduled = False
        envelopes, self.envelopes = self.envelopes, []
        if envelopes:
            self.actor.on_turn(envelopes)

    def empty(self) -> bool:
        """Return True if no message waits."""
        return not self.envelopes


class _Stopped:
    """Is pykka's stopped flag without a condition variable for each actor."""

    _set = False

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True


class LoopActor(pykka.Actor):
    """Runs its turns on a shared loop; an actor of pykka that its supervisor's index holds, not pykka's registry.

    Subclasses implement `on_turn`, which gets all messages that waited.
    """

    def __init__(self, dispatcher: Dispatcher, name: str, mailbox_limit: int = 10_000) -> None:
        """Set up pykka's four fields by hand: its own __init__ makes a condition and a random UUID for each actor."""
        self.dispatcher = dispatcher
        self.name = name
        self.actor_urn = f"urn:understudy:{name}"
        self.actor_inbox: Mailbox = Mailbox(self, mailbox_limit)  # pyright: ignore[reportIncompatibleVariableOverride] - pykka's protocol, of our own make
        self.actor_stopped = _Stopped()  # type: ignore[assignment]  # all that pykka asks of it is is_set and set

    @property
    def actor_ref(self) -> ActorRef[Any]:
        """The reference that pykka knows; made when asked for, since the engine needs none."""
        return ActorRef(self)

    @staticmethod
    def _create_actor_inbox() -> Mailbox:
        msg = "a LoopActor is given its mailbox by its dispatcher"
        raise RuntimeError(msg)

    @staticmethod
    def _create_future() -> pykka.Future[Any]:
        return pykka.ThreadingFuture()

    def _start_actor_loop(self) -> None:
        """Start nothing: the first message puts the actor in line."""

    def on_turn(self, envelopes: list[Envelope[Any]]) -> None:
        """Handle one turn's messages, in order of arrival."""
        for envelope in envelopes:
            self.on_receive(envelope.message)
