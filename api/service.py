"""What Temporal's client is told about its connection to a server, as values: accepted, and without effect.

A client opens the engine in its own process, so there is no connection to secure, to keep alive or to compress. The
classes are here so that programs which configure one run unchanged. What goes wrong has errors of its own, in
`understudy.exceptions`; those that a server would have, too, are an `RPCError` with its status.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from understudy.events.policy import to_ns
from understudy.events.rpc_errors import RPCError, RPCStatusCode

__all__ = [
    "DnsLoadBalancingConfig",
    "GrpcCompression",
    "HttpConnectProxyConfig",
    "KeepAliveConfig",
    "PayloadLimitsConfig",
    "RPCError",
    "RPCStatusCode",
    "RetryConfig",
    "TLSConfig",
    "checked_connection",
]


@dataclass(frozen=True)
class TLSConfig:
    """How a connection to a server would be secured."""

    server_root_ca_cert: bytes | None = None
    domain: str | None = None
    client_cert: bytes | None = None
    client_private_key: bytes | None = None
    verification_server_name: str | None = None


@dataclass(frozen=True)
class RetryConfig:
    """How calls to a server would be tried again; durations are milliseconds."""

    initial_interval_millis: int = 100
    randomization_factor: float = 0.2
    multiplier: float = 1.5
    max_interval_millis: int = 5_000
    max_elapsed_time_millis: int | None = 10_000
    max_retries: int = 10


@dataclass(frozen=True)
class KeepAliveConfig:
    """How often a connection to a server would be looked at; durations are milliseconds."""

    interval_millis: int = 30_000
    timeout_millis: int = 15_000
    default: ClassVar[KeepAliveConfig]


@dataclass(frozen=True)
class HttpConnectProxyConfig:
    """The proxy that a connection to a server would go through."""

    target_host: str
    basic_auth: tuple[str, str] | None = None


@dataclass(frozen=True)
class DnsLoadBalancingConfig:
    """How often the addresses of a server would be looked up; milliseconds."""

    resolution_interval_millis: int = 30_000
    default: ClassVar[DnsLoadBalancingConfig]


@dataclass(frozen=True)
class PayloadLimitsConfig:
    """From how many bytes on payloads and memos would be warned of."""

    payloads_warn_size: int = 512 * 1024
    memo_warn_size: int = 2 * 1024


class GrpcCompression(ABC):
    """How calls to a server would be compressed."""

    NONE: ClassVar[GrpcCompression]
    GZIP: ClassVar[GrpcCompression]


@dataclass(frozen=True)
class _NoGrpcCompression(GrpcCompression):
    """Not at all."""


@dataclass(frozen=True)
class _GzipGrpcCompression(GrpcCompression):
    """By gzip."""


KeepAliveConfig.default = KeepAliveConfig()
DnsLoadBalancingConfig.default = DnsLoadBalancingConfig()
GrpcCompression.NONE = _NoGrpcCompression()
GrpcCompression.GZIP = _GzipGrpcCompression()


def checked_connection(connect_timeout: timedelta | None) -> None:
    """Refuse what a client cannot be told about its connection.

    Raises:
        InvalidArgumentError: the time-out is none.
    """
    to_ns(connect_timeout, name="connect_timeout", allow_zero=False)
