"""An environment for workflows: an engine of a test's own, in memory, with time that need not be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from understudy.actors.clock import Clock, SkippableClock, system_clock
from understudy.actors.outcomes import Outcomes
from understudy.actors.system import System
from understudy.client import Client
from understudy.connection import refuse_codec
from understudy.events.converters import DataConverter
from understudy.events.policy import from_ns, to_ns
from understudy.events.public import public
from understudy.events.store import open_store
from understudy.testing.skipping import TimeSkipper, WatchedOutcomes

if TYPE_CHECKING:
    from understudy.actors.worker import WorkerSlots

__all__ = ["WorkflowEnvironment"]


@public("understudy.testing")
class WorkflowEnvironment:
    """A client and the engine behind it, for one test; closed by `async with`, or by `shutdown`.

    In workflows that run in it, a failed `assert` ends the run as failed, instead of being tried again as a bug is.
    """

    def __init__(self, client: Client, *, skipper: TimeSkipper | None = None, owns_client: bool = False) -> None:
        """Use `start_time_skipping`, `start_local` or `from_client` instead."""
        self._client = client
        self._skipper = skipper
        self._owns_client = owns_client

    def __repr__(self) -> str:
        """Show the client, and whether time skips."""
        return f"<WorkflowEnvironment of {self._client!r}{', time-skipping' if self._skipper is not None else ''}>"

    @classmethod
    def from_client(cls, client: Client) -> WorkflowEnvironment:
        """Return an environment on an engine that is there already; it does not close it, and time does not skip."""
        return cls(client)

    @classmethod
    async def start_local(
        cls, *, url: str = "memory://", data_converter: DataConverter | None = None, identity: str | None = None
    ) -> WorkflowEnvironment:
        """Start an engine on the running event loop, in which time passes as it does.

        Args:
            url: of its store.
            data_converter: how values become payloads; None: JSON, typed by hints.
            identity: who the client is, in the history; None: "test".

        Raises:
            InvalidArgumentError: the URL names no store, or the data converter has a codec.
            StoreError: the store cannot be opened, and why.
        """
        return cls(_open(url, data_converter, identity, system_clock, None), owns_client=True)

    @classmethod
    async def start_time_skipping(
        cls, *, url: str = "memory://", data_converter: DataConverter | None = None, identity: str | None = None
    ) -> WorkflowEnvironment:
        """Start an engine on the running event loop, in which time jumps while a result is awaited.

        It jumps to what is due next: a timer, the end of a back-off, a time-out. It passes as usual while an attempt of
        an activity runs, and while nobody waits for a workflow's result.

        Args:
            url: of its store.
            data_converter: how values become payloads; None: JSON, typed by hints.
            identity: who the client is, in the history; None: "test".

        Raises:
            InvalidArgumentError: the URL names no store, or the data converter has a codec.
            StoreError: the store cannot be opened, and why.
        """
        clock = SkippableClock()
        skipper = TimeSkipper(clock)
        outcomes = WatchedOutcomes(asyncio.get_running_loop(), skipper.watch)
        client = _open(url, data_converter, identity, clock, outcomes)
        skipper.attach(client.engine)
        return cls(client, skipper=skipper, owns_client=True)

    @property
    def client(self) -> Client:
        """The client, for workers and for the test."""
        return self._client

    @property
    def supports_time_skipping(self) -> bool:
        """Whether time can jump."""
        return self._skipper is not None

    async def shutdown(self) -> None:
        """Stop the engine, unless the client was the test's own. A second call does nothing."""
        if self._skipper is not None:
            await self._skipper.close()
        if self._owns_client:
            await self._client.close()

    async def __aenter__(self) -> Self:
        """Return the environment."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, as `shutdown`."""
        await self.shutdown()

    # -- time --------------------------------------------------------------------------------------------------------

    async def sleep(self, duration: timedelta | float) -> None:
        """Let `duration` pass: by jumps where time can jump, with all that becomes due on the way; else by waiting.

        Args:
            duration: a timedelta, or seconds.

        Raises:
            InvalidArgumentError: it is negative, or too long.
        """
        given = duration if isinstance(duration, timedelta) else timedelta(seconds=duration)
        ns = to_ns(given, name="duration") or 0
        if self._skipper is None:
            await asyncio.sleep(ns / 1e9)
        else:
            await self._client.engine.dispatcher.run(self._skipper.sleep(ns))

    async def get_current_time(self) -> datetime:
        """Return the time that it is for the engine, in UTC."""
        return datetime.fromtimestamp(0, UTC) + from_ns(self._client.engine.clock())

    @contextmanager
    def auto_time_skipping_disabled(self) -> Generator[None]:
        """Return a context in which waiting for a result makes nothing jump; `sleep` still does."""
        skipper = self._skipper
        if skipper is None:
            yield
            return
        before, skipper.enabled = skipper.enabled, False
        try:
            yield
        finally:
            skipper.enabled = before


class _EnvironmentSystem(System):
    """An engine for tests: in its workflows a failed assert is an outcome."""

    def add_worker(self, worker: WorkerSlots) -> None:
        """Let a worker take part."""
        worker.workflows = {
            name: replace(known, failure_exception_types=(*known.failure_exception_types, AssertionError))
            for name, known in worker.workflows.items()
        }
        super().add_worker(worker)


def _open(
    url: str, data_converter: DataConverter | None, identity: str | None, clock: Clock, outcomes: Outcomes | None
) -> Client:
    converter = data_converter if data_converter is not None else DataConverter.default
    refuse_codec(converter)
    values, failures = converter.payload_converter, converter.failure_converter
    system = _EnvironmentSystem(open_store(url), values, failures, clock=clock, outcomes=outcomes)
    return Client(system, url, converter, identity or "test")
