"""An environment for workflows: an engine of a test's own, in memory, with time that need not be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from msgspec.structs import replace

from understudy._client.client import Client
from understudy._client.config import ServiceClient
from understudy._client.handles.handle import WorkflowHandle
from understudy.actors.activities.attempt import Attempt
from understudy.actors.activities.current import current_attempt
from understudy.actors.clock import Clock, SkippableClock, system_clock
from understudy.actors.runs.waiters import Waiters
from understudy.actors.system import System
from understudy.events.converters.data_converter import DataConverter
from understudy.events.errors import InvalidArgumentError
from understudy.events.options.durations import from_ns, to_ns
from understudy.events.options.policies import QueryRejectCondition
from understudy.events.options.search_attributes import SearchAttributeKey
from understudy.events.public import public
from understudy.events.store import open_store
from understudy.events.store.behind_codec import behind_codec
from understudy.testing.asserts import FinalAsserts
from understudy.testing.skipping import TimeSkipper

if TYPE_CHECKING:
    from understudy.actors.behaviors.definitions.definition import WorkflowDefinition

__all__ = ["WorkflowEnvironment"]


@public("understudy.testing")
class WorkflowEnvironment:
    """A client and the engine behind it, for one test; `async with` or `shutdown` closes it.

    In workflows that run in it, a failed `assert` ends the run as failed, whatever its retry policy says, instead of
    being tried again as a bug is. Around a client of your own it is still a bug.
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
        cls,
        *,
        namespace: str = "default",
        data_converter: DataConverter | None = DataConverter.default,
        interceptors: Sequence[Any] = (),
        plugins: Sequence[Any] = (),
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
        retry_config: Any = None,
        rpc_metadata: Mapping[str, str | bytes] = MappingProxyType({}),
        identity: str | None = None,
        tls: Any = False,
        ip: str = "127.0.0.1",
        port: int | None = None,
        download_dest_dir: str | None = None,
        ui: bool = False,
        runtime: Any = None,
        search_attributes: Sequence[SearchAttributeKey[Any]] = (),
        dev_server_existing_path: str | None = None,
        dev_server_database_filename: str | None = None,
        dev_server_log_format: str = "pretty",
        dev_server_log_level: str | None = "warn",
        dev_server_download_version: str = "default",
        dev_server_extra_args: Sequence[str] = (),
        dev_server_download_ttl: timedelta | None = None,
        dev_server_startup_timeout: timedelta | None = None,
        ui_port: int | None = None,
        url: str = "memory://",
    ) -> WorkflowEnvironment:
        """Start an engine on the running event loop, in which time passes as it does.

        There is no server to download, to start or to reach, so what is about one is accepted and ignored.

        Args:
            namespace: ignored: an environment is a namespace of its own.
            data_converter: turns values into payloads; None: JSON, typed by hints.
            interceptors: they stand around the client's calls, the first outermost; its workers use those, too, that
                are for workers.
            plugins: refused unless empty: they are not applied yet.
            default_workflow_query_reject_condition: refused unless None: it is not applied yet.
            retry_config: ignored.
            rpc_metadata: ignored.
            identity: the client's name in the history; None: "test".
            tls: ignored.
            ip: ignored.
            port: ignored.
            download_dest_dir: ignored.
            ui: ignored.
            runtime: ignored.
            search_attributes: ignored: they need not be declared.
            dev_server_existing_path: ignored.
            dev_server_database_filename: a file to keep the store in; the same as `url="sqlite:///..."`.
            dev_server_log_format: ignored.
            dev_server_log_level: ignored.
            dev_server_download_version: ignored.
            dev_server_extra_args: ignored.
            dev_server_download_ttl: ignored.
            dev_server_startup_timeout: ignored.
            ui_port: ignored.
            url: of its store.

        Raises:
            InvalidArgumentError: the URL names no store, or an argument is not applied yet.
            StoreError: the store cannot be opened, and why.
        """
        del namespace, search_attributes, runtime, retry_config, rpc_metadata, tls, ip, port, ui, ui_port
        del download_dest_dir, dev_server_existing_path, dev_server_log_format, dev_server_log_level
        del dev_server_download_version, dev_server_extra_args, dev_server_download_ttl, dev_server_startup_timeout
        _refuse(plugins, default_workflow_query_reject_condition)
        if dev_server_database_filename is not None:
            url = f"sqlite:///{dev_server_database_filename}"
        return cls(_open(url, data_converter, identity, interceptors, (system_clock, None)), owns_client=True)

    @classmethod
    async def start_time_skipping(
        cls,
        *,
        data_converter: DataConverter | None = DataConverter.default,
        interceptors: Sequence[Any] = (),
        plugins: Sequence[Any] = (),
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
        retry_config: Any = None,
        rpc_metadata: Mapping[str, str | bytes] = MappingProxyType({}),
        identity: str | None = None,
        port: int | None = None,
        download_dest_dir: str | None = None,
        runtime: Any = None,
        test_server_existing_path: str | None = None,
        test_server_download_version: str = "default",
        test_server_extra_args: Sequence[str] = (),
        test_server_download_ttl: timedelta | None = None,
        test_server_startup_timeout: timedelta | None = None,
        url: str = "memory://",
    ) -> WorkflowEnvironment:
        """Start an engine on the running event loop, in which time jumps while a result is awaited.

        It jumps to what is due next: a timer, the end of a back-off, a time-out. It passes as usual while an attempt of
        an activity runs, and while nobody waits for a workflow's result. There is no server to download, to start or to
        reach, so what is about one is accepted and ignored.

        Args:
            data_converter: turns values into payloads; None: JSON, typed by hints.
            interceptors: they stand around the client's calls, the first outermost; its workers use those, too, that
                are for workers.
            plugins: refused unless empty: they are not applied yet.
            default_workflow_query_reject_condition: refused unless None: it is not applied yet.
            retry_config: ignored.
            rpc_metadata: ignored.
            identity: the client's name in the history; None: "test".
            port: ignored.
            download_dest_dir: ignored.
            runtime: ignored.
            test_server_existing_path: ignored.
            test_server_download_version: ignored.
            test_server_extra_args: ignored.
            test_server_download_ttl: ignored.
            test_server_startup_timeout: ignored.
            url: of its store.

        Raises:
            InvalidArgumentError: the URL names no store, or an argument is not applied yet.
            StoreError: the store cannot be opened, and why.
        """
        del retry_config, rpc_metadata, port, download_dest_dir, runtime, test_server_existing_path
        del test_server_download_version, test_server_extra_args, test_server_download_ttl, test_server_startup_timeout
        _refuse(plugins, default_workflow_query_reject_condition)
        clock = SkippableClock()
        skipper = TimeSkipper(clock)
        waiters = Waiters(asyncio.get_running_loop(), skipper.watch)
        client = _open(url, data_converter, identity, interceptors, (clock, waiters))
        skipper.attach(client.engine)
        return cls(client, skipper=skipper, owns_client=True)

    @property
    def client(self) -> Client:
        """The client, for workers and for the test."""
        return self._client

    async def connect_client(self, **kwargs: Any) -> Client:
        """Return another client of the environment's engine; its `close` leaves the engine running.

        Args:
            kwargs: `identity`, `interceptors` and `data_converter`, if they are to be others; what else
                `Client.connect` takes is ignored.

        Raises:
            InvalidArgumentError: the data converter has another codec.
        """
        config = self._client.config()
        if kwargs.get("data_converter"):
            config["data_converter"] = kwargs["data_converter"]
        if kwargs.get("interceptors"):
            config["interceptors"] = kwargs["interceptors"]
        if kwargs.get("identity"):
            config["service_client"] = replace(config["service_client"], identity=kwargs["identity"])
        return Client(**config)

    @property
    def supports_time_skipping(self) -> bool:
        """True if time can jump."""
        return self._skipper is not None

    @property
    def supports_time_skipping_v1(self) -> bool:
        """True if time can jump: all of the environment's workflows have one time."""
        return self._skipper is not None

    @property
    def supports_time_skipping_v2(self) -> bool:
        """False: no workflow has a time of its own."""
        return False

    async def shutdown(self) -> None:
        """Stop the engine, unless the client was the test's own. A second call does nothing."""
        if self._skipper is not None:
            await self._skipper.close()
        if self._owns_client:
            await self._client.close()

    async def __aenter__(self) -> Self:
        """Return the environment, which is open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the engine, as `shutdown`."""
        await self.shutdown()

    # -- time --------------------------------------------------------------------------------------------------------

    async def sleep(self, duration: timedelta | float) -> None:
        """Let `duration` pass: by jumps where time can jump, with all that becomes due on the way; else by waiting.

        An activity may call it, too, to be late or to miss its heartbeats.

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
            attempt = current_attempt.get(None)
            of_engine = attempt if isinstance(attempt, Attempt) else None
            await self._client.engine.dispatcher.run(self._skipper.sleep(ns, of_engine))

    async def get_current_time(self, handle: WorkflowHandle[Any, Any] | None = None) -> datetime:
        """Return the engine's time, in UTC.

        Args:
            handle: ignored: all workflows have one time.
        """
        del handle
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


def _with_final_asserts(definition: WorkflowDefinition) -> WorkflowDefinition:
    """Return the definition with failed asserts as outcomes of its workflows."""
    return replace(definition, failure_exception_types=(*definition.failure_exception_types, AssertionError))


def _refuse(plugins: Sequence[Any], condition: QueryRejectCondition | None) -> None:
    """Refuse arguments that would change the meaning of a test if they were ignored."""
    given = {
        "plugins": plugins,
        "default_workflow_query_reject_condition": condition,
    }
    for name, value in given.items():
        if value:
            raise InvalidArgumentError(
                what=name,
                got=repr(value),
                expected="nothing, since it is not applied yet,",
                fix="Leave it out, and do in the test what it would do",
            )


def _open(
    url: str,
    data_converter: DataConverter | None,
    identity: str | None,
    interceptors: Sequence[Any],
    time: tuple[Clock, Waiters | None],
) -> Client:
    converter = data_converter if data_converter is not None else DataConverter.default
    values, failures = converter.payload_converter, FinalAsserts(converter.failure_converter)
    store = behind_codec(open_store(url), converter.payload_codec)
    system = System(store, values, failures, clock=time[0], waiters=time[1], adapt=_with_final_asserts)
    service_client = ServiceClient(system, url, identity or "test", converter)
    return Client.owning(service_client, data_converter=converter, interceptors=interceptors)
