"""The connection of a client: it opens an engine or joins it, and gives it back.

An engine runs on the event loop that opened it. Programs without a loop use `Client.open`, which gives it a thread.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, Unpack

from understudy._calls.targets import NO_METADATA
from understudy._client.config import ClientConfig, ServiceClient, checked_client
from understudy._temporal.connection_options import (
    GrpcCompression,
    KeepAliveConfig,
    PayloadLimitsConfig,
    checked_connection,
)
from understudy.actors import open_systems as systems
from understudy.actors.requests.service import Service
from understudy.actors.system import System, start_loop_thread
from understudy.events.converters.data_converter import DataConverter
from understudy.events.converters.in_context import for_workflow
from understudy.events.errors import ClosedClientError
from understudy.events.options.policies import HeaderCodecBehavior, QueryRejectCondition

if TYPE_CHECKING:
    from understudy._client.connect_config import ConnectOptions
    from understudy._client.interceptors.chain import Chain
    from understudy._temporal.transport import DnsLoadBalancingConfig, HttpConnectProxyConfig, RetryConfig, TLSConfig
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter

__all__ = ["Connection"]

_LIMITS: Final = PayloadLimitsConfig()


class Connection:
    """One user of an engine: all that handles, starts and jobs need of a client; the base of `Client`."""

    def __init__(
        self,
        service_client: ServiceClient,
        *,
        namespace: str = "default",
        data_converter: DataConverter = DataConverter.default,
        plugins: Sequence[Any] = (),
        interceptors: Sequence[Any] = (),
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
        header_codec_behavior: HeaderCodecBehavior = HeaderCodecBehavior.NO_CODEC,
    ) -> None:
        """Take part in an engine that is open; the arguments and errors are those of `Client`."""
        checked_client(namespace, plugins, default_workflow_query_reject_condition)
        systems.check_codec(service_client.data_converter, data_converter)
        self._engine: System | None = service_client.engine
        self._owns_engine = False
        self._service_client = service_client
        self._data_converter = data_converter
        self._config = ClientConfig(
            service_client=service_client,
            namespace=namespace,
            data_converter=data_converter,
            plugins=(),
            interceptors=tuple(interceptors),
            default_workflow_query_reject_condition=default_workflow_query_reject_condition,
            header_codec_behavior=header_codec_behavior,
        )
        self._service = service_client.engine.service
        self._in_context = data_converter.takes_context
        self.chain: Chain | None = None
        """The interceptors that calls go through; None: there are none."""

    @property
    def own_converters(self) -> tuple[PayloadConverter, FailureConverter, bool] | None:
        """The converters of its workers, for values and failures; None: those of the engine."""
        own = self._data_converter
        if own is self._service_client.data_converter:
            return None
        return own.payload_converter, own.failure_converter, own.takes_context

    def converter_of(self, workflow_id: str) -> PayloadConverter:
        """Return the converter for the values of a workflow."""
        converter = self._data_converter.payload_converter
        return for_workflow(converter, workflow_id) if self._in_context else converter

    def __repr__(self) -> str:
        """Show the URL of the store."""
        closed = "" if self._engine is not None else ", closed"
        return f"<{type(self).__name__} of {self._service_client.url!r}{closed}>"

    # -- connection --------------------------------------------------------------------------------------------------

    @classmethod
    async def connect(
        cls,
        target_host: str,
        *,
        namespace: str = "default",
        api_key: str | None = None,
        data_converter: DataConverter | None = DataConverter.default,
        plugins: Sequence[Any] = (),
        interceptors: Sequence[Any] = (),
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
        tls: bool | TLSConfig | None = None,
        retry_config: RetryConfig | None = None,
        keep_alive_config: KeepAliveConfig | None = KeepAliveConfig.default,
        connect_timeout: timedelta | None = None,
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        identity: str | None = None,
        lazy: bool = False,
        runtime: Any = None,
        http_connect_proxy_config: HttpConnectProxyConfig | None = None,
        dns_load_balancing_config: DnsLoadBalancingConfig | None = None,
        grpc_compression: GrpcCompression = GrpcCompression.GZIP,
        payload_limits: PayloadLimitsConfig = _LIMITS,
        header_codec_behavior: HeaderCodecBehavior = HeaderCodecBehavior.NO_CODEC,
    ) -> Self:
        """Open a store and the engine on it, on the running event loop.

        What Temporal needs for its connection to a server is accepted, so that programs run, and has no effect: the
        engine is in this process.

        Args:
            target_host: `sqlite:///orders.db` (relative), `sqlite:////var/orders.db` (absolute), or `memory://`.
            namespace: accepted so that programs run; there is one.
            api_key: no effect: there is nobody to show it to.
            data_converter: turns values into payloads; None: JSON, typed by hints. All clients of a store in one
                process share the first one's, so theirs has to be the same.
            plugins: refused unless empty: they are not applied.
            interceptors: they stand around the client's calls, the first outermost.
            default_workflow_query_reject_condition: statuses in which queries are not asked that say none themselves.
            tls: no effect: nothing leaves the process.
            retry_config: no effect: there are no calls to try again. The engine itself waits for a store that is busy.
            keep_alive_config: no effect: there is no connection that could break.
            connect_timeout: checked, and without effect: opening a store waits for nobody.
            rpc_metadata: no effect: there is nobody to send it to.
            identity: the name in the history; None: pid and host.
            lazy: no effect: the store is opened at once, so that what is wrong with it shows here.
            runtime: no effect: there is no core beside Python that could have one.
            http_connect_proxy_config: no effect, see `tls`.
            dns_load_balancing_config: no effect, see `tls`.
            grpc_compression: no effect: a codec of the data converter compresses what is stored.
            payload_limits: no effect: no server limits a payload.
            header_codec_behavior: no effect: headers go the way of all values.

        Raises:
            InvalidArgumentError: the URL names no store, its engine has another data converter, or an argument cannot
                be.
            StoreLockedError: another process has it open; its pid is in the error.
            StoreError: the file is not ours, or newer than this release, or cannot be opened.
        """
        del api_key, tls, retry_config, keep_alive_config, rpc_metadata, lazy, runtime, grpc_compression, payload_limits
        del http_connect_proxy_config, dns_load_balancing_config
        checked_connection(connect_timeout)
        checked_client(namespace, plugins, default_workflow_query_reject_condition)
        converter = data_converter if data_converter is not None else DataConverter.default
        engine = systems.acquire(target_host, converter)
        identity = identity or f"{os.getpid()}@{socket.gethostname()}"
        return cls.owning(
            ServiceClient(engine, target_host, identity, converter),
            namespace=namespace,
            data_converter=converter,
            interceptors=interceptors,
            default_workflow_query_reject_condition=default_workflow_query_reject_condition,
            header_codec_behavior=header_codec_behavior,
        )

    @classmethod
    def owning(cls, service_client: ServiceClient, **options: Any) -> Self:
        """Return a client that gives its engine back when it is closed.

        Args:
            service_client: the engine.
            options: as for `Client(...)`.
        """
        client = cls(service_client, **options)
        client._owns_engine = True
        return client

    @classmethod
    def open(cls, target_host: str, **options: Unpack[ConnectOptions]) -> Self:
        """Open a store and the engine on it from synchronous code; the engine runs on a thread of its own.

        Use it with `with`, and `actor_ref` to talk to workflows. Arguments and errors are those of `connect`.
        """
        loop, thread = start_loop_thread()
        connecting = cls.connect(target_host, **options)
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
            ClosedClientError: the client was closed, or the one that opened its engine.
        """
        if self._engine is None or self._engine.stopped:
            raise ClosedClientError(url=self._service_client.url)
        return self._engine

    @property
    def service(self) -> Service:
        """The requests that the engine serves, on its loop.

        Raises:
            ClosedClientError: the client was closed, or the one that opened its engine.
        """
        if self._engine is None or self._engine.stopped:
            raise ClosedClientError(url=self._service_client.url)
        return self._service

    @property
    def service_client(self) -> ServiceClient:
        """The engine, as another client takes it: `Client(client.service_client)`."""
        return self._service_client

    @property
    def identity(self) -> str:
        """The name of this client in the history."""
        return self._service_client.identity

    @property
    def namespace(self) -> str:
        """The only namespace that there is."""
        return "default"

    @property
    def data_converter(self) -> DataConverter:
        """The converter of values into payloads."""
        return self._data_converter

    @property
    def default_workflow_query_reject_condition(self) -> QueryRejectCondition | None:
        """The statuses in which queries are not asked, if a query names none itself."""
        return self._config.get("default_workflow_query_reject_condition")

    def config(self, *, active_config: bool = False) -> ClientConfig:
        """Return the client's arguments, by name.

        Args:
            active_config: accepted so that programs run: without plugins the active config is that of the start.
        """
        del active_config
        config = self._config.copy()
        config["interceptors"] = list(config.get("interceptors", ()))
        return config

    async def close(self) -> None:
        """Close the client; the last one that opened an engine stops it, gracefully. A second call does nothing."""
        engine, self._engine = self._engine, None
        if engine is not None and self._owns_engine and systems.release(engine):
            await engine.dispatcher.run(engine.stop())

    async def __aenter__(self) -> Self:
        """Return the client, which is open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client, as `close`."""
        await self.close()

    def __enter__(self) -> Self:
        """Return the client, in synchronous code."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client; the last one of an engine with a thread of its own waits until that thread ends."""
        engine = self._engine
        if engine is None:
            return
        engine.dispatcher.run_blocking(self.close())
        if engine.stopped and engine.own_thread is not None:
            engine.own_thread.join()
