"""What Temporal's client is told about its connection to a server, as values: accepted, and without effect.

A client opens the engine in its own process, so there is no connection to secure, to keep alive or to compress. The
classes are here so that programs which configure one run unchanged. What goes wrong has errors of its own, in
`understudy.exceptions`; those that a server would have, too, are an `RPCError` with its status.
"""

from __future__ import annotations

from abc import ABC
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import msgspec

from understudy._doors import later
from understudy.events.errors.rpc import RPCError, RPCStatusCode
from understudy.events.options.policies import to_ns

if TYPE_CHECKING:
    from understudy._temporal.transport import DnsLoadBalancingConfig, HttpConnectProxyConfig, RetryConfig, TLSConfig
else:
    __getattr__, __dir__ = later(__name__, "understudy._temporal.transport")

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


class KeepAliveConfig(msgspec.Struct, frozen=True):
    """How often a connection to a server would be looked at; durations are milliseconds."""

    interval_millis: int = 30_000
    timeout_millis: int = 15_000
    default: ClassVar[KeepAliveConfig]


class PayloadLimitsConfig(msgspec.Struct, frozen=True):
    """From how many bytes on payloads and memos would be warned of."""

    payloads_warn_size: int = 512 * 1024
    memo_warn_size: int = 2 * 1024


class GrpcCompression(ABC):
    """How calls to a server would be compressed."""

    NONE: ClassVar[GrpcCompression]
    GZIP: ClassVar[GrpcCompression]


class _NoGrpcCompression(GrpcCompression):
    """Not at all."""


class _GzipGrpcCompression(GrpcCompression):
    """By gzip."""


KeepAliveConfig.default = KeepAliveConfig()
GrpcCompression.NONE = _NoGrpcCompression()
GrpcCompression.GZIP = _GzipGrpcCompression()


def checked_connection(connect_timeout: timedelta | None) -> None:
    """Refuse what a client cannot be told about its connection.

    Raises:
        InvalidArgumentError: the time-out is none.
    """
    to_ns(connect_timeout, name="connect_timeout", allow_zero=False)
