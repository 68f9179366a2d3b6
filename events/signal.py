"""Signals: messages to a run, recorded before they are acknowledged, once per request id (ACKED, ONCE-RECORDED)."""

from __future__ import annotations

from typing import ClassVar

from understudy.events.event import Fact
from understudy.events.payload import Payload

__all__ = ["SignalReceived"]


class SignalReceived(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A message for the handler called `name`; it waits in the run until there is one."""

    topic: ClassVar[str] = "signal.received"

    name: str
    input: tuple[Payload, ...] = ()
    headers: dict[str, Payload] = {}
    identity: str = ""
    request_id: str = ""
