"""Headers: what interceptors send along with a call, beside its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from understudy.events.payloads.payload import Payload

__all__ = ["NO_HEADERS"]

NO_HEADERS: Final[Mapping[str, Payload]] = MappingProxyType({})
"""Stands for headers that were not given."""
