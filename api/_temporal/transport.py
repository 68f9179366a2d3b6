"""Options of Temporal's client for its connection to a server, beside the defaults; see `understudy.service`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from understudy.events.public import public

__all__ = ["DnsLoadBalancingConfig", "HttpConnectProxyConfig", "RetryConfig", "TLSConfig"]


@public("understudy.service")
@dataclass(frozen=True)
class TLSConfig:
    """Says how a connection to a server would be secured."""

    server_root_ca_cert: bytes | None = None
    domain: str | None = None
    client_cert: bytes | None = None
    client_private_key: bytes | None = None
    verification_server_name: str | None = None


@public("understudy.service")
@dataclass(frozen=True)
class RetryConfig:
    """Says how calls to a server would be tried again; durations are milliseconds."""

    initial_interval_millis: int = 100
    randomization_factor: float = 0.2
    multiplier: float = 1.5
    max_interval_millis: int = 5_000
    max_elapsed_time_millis: int | None = 10_000
    max_retries: int = 10


@public("understudy.service")
@dataclass(frozen=True)
class HttpConnectProxyConfig:
    """The proxy that a connection to a server would go through."""

    target_host: str
    basic_auth: tuple[str, str] | None = None


@public("understudy.service")
@dataclass(frozen=True)
class DnsLoadBalancingConfig:
    """Says how often the addresses of a server would be looked up; milliseconds."""

    resolution_interval_millis: int = 30_000
    default: ClassVar[DnsLoadBalancingConfig]


DnsLoadBalancingConfig.default = DnsLoadBalancingConfig()
