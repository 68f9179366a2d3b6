"""The arguments of `Client.connect`, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypedDict

from understudy._temporal.connection_options import GrpcCompression, KeepAliveConfig, PayloadLimitsConfig
from understudy._temporal.transport import DnsLoadBalancingConfig, HttpConnectProxyConfig, RetryConfig, TLSConfig
from understudy.events.converters.data_converter import DataConverter
from understudy.events.options.policies import HeaderCodecBehavior, QueryRejectCondition

__all__ = ["ClientConnectConfig", "ConnectOptions"]


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


ClientConnectConfig.__module__ = "understudy.client"
