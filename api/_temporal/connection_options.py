"""Options of a connection to a server, as values: accepted, checked, and without effect."""

from __future__ import annotations

from abc import ABC
from datetime import timedelta
from typing import ClassVar

import msgspec

from understudy.events.options.durations import to_ns
from understudy.events.public import public

__all__ = [
    "GrpcCompression",
    "KeepAliveConfig",
    "PayloadLimitsConfig",
    "checked_connection",
]


@public("understudy.service")
class KeepAliveConfig(msgspec.Struct, frozen=True):
    """Says how often a connection to a server would be looked at; durations are milliseconds."""

    interval_millis: int = 30_000
    timeout_millis: int = 15_000
    default: ClassVar[KeepAliveConfig]


@public("understudy.service")
class PayloadLimitsConfig(msgspec.Struct, frozen=True):
    """The sizes in bytes above which a client would warn of payloads and memos."""

    payloads_warn_size: int = 512 * 1024
    memo_warn_size: int = 2 * 1024


@public("understudy.service")
class GrpcCompression(ABC):
    """Says how calls to a server would be compressed."""

    NONE: ClassVar[GrpcCompression]
    GZIP: ClassVar[GrpcCompression]


@public("understudy.service")
class _NoGrpcCompression(GrpcCompression):
    """Calls would not be compressed."""


@public("understudy.service")
class _GzipGrpcCompression(GrpcCompression):
    """Calls would be compressed by gzip."""


KeepAliveConfig.default = KeepAliveConfig()
GrpcCompression.NONE = _NoGrpcCompression()
GrpcCompression.GZIP = _GzipGrpcCompression()


@public("understudy.service")
def checked_connection(connect_timeout: timedelta | None) -> None:
    """Refuse arguments about a connection that a client cannot have.

    Raises:
        InvalidArgumentError: the time-out is none.
    """
    to_ns(connect_timeout, name="connect_timeout", allow_zero=False)
