"""What Temporal's client is told about its connection to a server, as values: accepted, and without effect.

A client opens the engine in its own process, so there is no connection to secure, to keep alive or to compress. The
classes are here so that programs which configure one run unchanged; for a connection there would be to a server, an
`RPCError` is what could go wrong with it. What does go wrong here has errors of its own, in `understudy.exceptions`.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any, ClassVar

from understudy.events.errors import InvalidArgumentError, UnderstudyError
from understudy.events.policy import to_ns

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


class RPCStatusCode(IntEnum):
    """What may go wrong with a call to a server, by gRPC's numbers."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class RPCError(UnderstudyError, Exception):
    """A call to a server failed; never raised here, since there is none, so `except RPCError` catches nothing.

    Where programs that move over catch it, `understudy.exceptions` says what is raised instead: a
    `WorkflowNotFoundError` where the status would be NOT_FOUND, and so on.
    """

    def __init__(self, message: str, status: RPCStatusCode, raw_grpc_status: bytes) -> None:
        """Say what went wrong."""
        super().__init__(message)
        self._message = message
        self._status = status
        self._raw_grpc_status = raw_grpc_status

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the arguments."""
        return type(self), (self._message, self._status, self._raw_grpc_status)

    @property
    def message(self) -> str:
        """What went wrong."""
        return self._message

    @property
    def status(self) -> RPCStatusCode:
        """The kind of it."""
        return self._status

    @property
    def raw_grpc_status(self) -> bytes:
        """What the server would have sent."""
        return self._raw_grpc_status


def checked_connection(plugins: object, connect_timeout: timedelta | None) -> None:
    """Refuse what a client cannot be told about its connection.

    Raises:
        InvalidArgumentError: there are plugins, or the time-out is none.
    """
    if plugins:
        raise InvalidArgumentError(
            what="plugins",
            got=repr(plugins),
            expected="nothing, since it is not applied,",
            fix="Set what the plugin would set",
        )
    to_ns(connect_timeout, name="connect_timeout", allow_zero=False)
