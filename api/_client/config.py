"""What a client is made with, as data: an engine that is open, and the arguments of `Client.connect`, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Required, TypedDict

from understudy.actors.system import System
from understudy.calls import checked_kind
from understudy.events.choices import HeaderCodecBehavior
from understudy.events.converters import DataConverter
from understudy.events.errors import InvalidArgumentError
from understudy.events.policy import QueryRejectCondition
from understudy.service import (
    DnsLoadBalancingConfig,
    GrpcCompression,
    HttpConnectProxyConfig,
    KeepAliveConfig,
    PayloadLimitsConfig,
    RetryConfig,
    TLSConfig,
)

__all__ = ["ClientConfig", "ClientConnectConfig", "ConnectOptions", "ServiceClient", "checked_client"]


@dataclass(frozen=True, eq=False)
class ServiceClient:
    """An engine that is open, as one client hands it to another; Temporal's is a connection to a server."""

    engine: System = field(repr=False)
    url: str
    identity: str
    """Who its clients are, in the history."""
    data_converter: DataConverter = field(repr=False)
    """What its clients share."""


class ClientConfig(TypedDict, total=False):
    """What a client has been told; `Client(**client.config())` makes another one like it, of the same engine."""

    service_client: Required[ServiceClient]
    namespace: str
    data_converter: DataConverter
    plugins: Sequence[Any]
    interceptors: Sequence[Any]
    default_workflow_query_reject_condition: QueryRejectCondition | None
    header_codec_behavior: HeaderCodecBehavior


class ConnectOptions(TypedDict, total=False):
    """The arguments of `Client.connect` but for the address."""

    namespace: str
    api_key: str | None
    data_converter: DataConverter
    plugins: Sequence[Any]
    interceptors: Sequence[Any]
    default_workflow_query_reject_condition: QueryRejectCondition | None
    tls: bool | TLSConfig | None
    retry_config: RetryConfig | None
    keep_alive_config: KeepAliveConfig | None
    connect_timeout: timedelta | None
    rpc_metadata: Mapping[str, str | bytes]
    identity: str | None
    lazy: bool
    runtime: Any
    http_connect_proxy_config: HttpConnectProxyConfig | None
    dns_load_balancing_config: DnsLoadBalancingConfig | None
    grpc_compression: GrpcCompression
    payload_limits: PayloadLimitsConfig
    header_codec_behavior: HeaderCodecBehavior


class ClientConnectConfig(ConnectOptions, total=False):
    """The arguments of `Client.connect`, to keep and to pass as `**config`."""

    target_host: str


def checked_client(namespace: str, plugins: object, condition: object) -> None:
    """Refuse what a client cannot be told.

    Raises:
        InvalidArgumentError: there are plugins, it is another namespace, or the condition is none.
    """
    if plugins:
        raise InvalidArgumentError(
            what="plugins",
            got=repr(plugins),
            expected="nothing, since it is not applied,",
            fix="Set what the plugin would set",
        )
    if condition is not None:
        checked_kind(condition, QueryRejectCondition, "default_workflow_query_reject_condition")
    if namespace != "default":
        raise InvalidArgumentError(
            what="namespace", got=repr(namespace), expected="'default'", fix="Use one file for each namespace"
        )


ClientConfig.__module__ = ClientConnectConfig.__module__ = "understudy.client"
