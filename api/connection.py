"""The connection of a client: it opens an engine or joins it, and gives it back.

An engine runs on the event loop that opened it. Programs without a loop use `Client.open`, which gives it a thread.
"""

from __future__ import annotations

import asyncio
import os
import socket
from types import TracebackType
from typing import Self

from understudy.actors import systems
from understudy.actors.service import Service
from understudy.actors.system import System, start_loop_thread
from understudy.events.converters import DataConverter
from understudy.events.errors import ClosedClientError, InvalidArgumentError

__all__ = ["Connection", "refuse_codec"]


class Connection:
    """One user of an engine; the base of `Client`."""

    def __init__(self, engine: System, url: str, data_converter: DataConverter, identity: str) -> None:
        """Use `Client.connect` or `Client.open` instead."""
        self._engine: System | None = engine
        self._url = url
        self._data_converter = data_converter
        self._identity = identity
        self._service = Service(engine)

    def __repr__(self) -> str:
        """Show the URL."""
        return f"<{type(self).__name__} of {self._url!r}{'' if self._engine is not None else ', closed'}>"

    # -- connection --------------------------------------------------------------------------------------------------

    @classmethod
    async def connect(
        cls,
        target_host: str,
        *,
        namespace: str = "default",
        data_converter: DataConverter | None = None,
        identity: str | None = None,
    ) -> Self:
        """Open a store and the engine on it, on the running event loop.

        Args:
            target_host: `sqlite:///orders.db` (relative), `sqlite:////var/orders.db` (absolute), or `memory://`.
            namespace: accepted so that programs run; there is one.
            data_converter: how values become payloads; None: JSON, typed by hints.
            identity: who this is, in the history; None: pid and host.

        Raises:
            InvalidArgumentError: the URL names no store.
            StoreLockedError: another process has it open; its pid is in the error.
            StoreError: the file is not ours, or newer than this release, or cannot be opened.
        """
        if namespace != "default":
            raise InvalidArgumentError(
                what="namespace", got=repr(namespace), expected="'default'", fix="Use one file for each namespace"
            )
        converter = data_converter if data_converter is not None else DataConverter.default
        refuse_codec(converter)
        engine = systems.acquire(target_host, converter.payload_converter, converter.failure_converter)
        return cls(engine, target_host, converter, identity or f"{os.getpid()}@{socket.gethostname()}")

    @classmethod
    def open(
        cls, target_host: str, *, data_converter: DataConverter | None = None, identity: str | None = None
    ) -> Self:
        """Open a store and the engine on it from synchronous code; the engine runs on a thread of its own.

        Use it with `with`, and `actor_ref` to talk to workflows. Arguments and errors are those of `connect`.
        """
        loop, thread = start_loop_thread()
        connecting = cls.connect(target_host, data_converter=data_converter, identity=identity)
        try:
            client = asyncio.run_coroutine_threadsafe(connecting, loop).result()
        except BaseException:
            loop.call_soon_threadsafe(loop.stop)
            raise
        if client.engine.dispatcher.loop is loop:
            client.engine.own_thread = thread
        else:  # another client has the engine, on its own loop
            loop.call_soon_threadsafe(loop.stop)
        return client

    @property
    def engine(self) -> System:
        """The engine, for workers and references.

        Raises:
            ClosedClientError: the client was closed.
        """
        if self._engine is None:
            raise ClosedClientError(url=self._url)
        return self._engine

    @property
    def service(self) -> Service:
        """The requests that the engine serves, on its loop.

        Raises:
            ClosedClientError: the client was closed.
        """
        if self._engine is None:
            raise ClosedClientError(url=self._url)
        return self._service

    @property
    def identity(self) -> str:
        """Who this is, in the history."""
        return self._identity

    @property
    def namespace(self) -> str:
        """The only one."""
        return "default"

    @property
    def data_converter(self) -> DataConverter:
        """How values become payloads."""
        return self._data_converter

    async def close(self) -> None:
        """Close the client; the last one of an engine stops it, gracefully. A second call does nothing."""
        engine, self._engine = self._engine, None
        if engine is not None and systems.release(engine):
            await engine.dispatcher.run(engine.stop())

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self.close()

    def __enter__(self) -> Self:
        """Return the client, in synchronous code."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client; the last one of an engine that has a thread of its own waits for that to end."""
        engine = self._engine
        if engine is None:
            return
        engine.dispatcher.run_blocking(self.close())
        if engine.stopped and engine.own_thread is not None:
            engine.own_thread.join()


def refuse_codec(converter: DataConverter) -> None:
    """Refuse a data converter with a codec.

    Raises:
        InvalidArgumentError: it has one.
    """
    if converter.payload_codec is not None:
        raise InvalidArgumentError(
            what="data_converter.payload_codec",
            got=repr(converter.payload_codec),
            expected="None, since codecs are not applied yet",
            fix="Encode in a payload converter of your own, which is applied",
        )
