"""Options of Temporal's client for its connection to a server, as values: accepted, and without effect.

A client opens the engine in its own process, so there is no connection to secure, to keep alive or to compress. The
classes are here so that programs which configure one run unchanged. What goes wrong has errors of its own, in
`understudy.exceptions`; those that a server would have, too, are an `RPCError` with its status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy._doors import later
from understudy._temporal.connection_options import (
    GrpcCompression,
    KeepAliveConfig,
    PayloadLimitsConfig,
    checked_connection,
)
from understudy.events.errors.rpc import RPCError, RPCStatusCode

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
