"""Signals: messages to a run, recorded before they are acknowledged, once per request id (ACKED, ONCE-RECORDED)."""

from __future__ import annotations

from typing import ClassVar, Final

from understudy.events.event import Fact
from understudy.events.failures.failure import Failure
from understudy.events.payloads.payload import Payload

__all__ = ["PROMISE_PREFIX", "SignalReceived"]

PROMISE_PREFIX: Final = "understudy.promise:"
"""How the names of signals begin that resolve a promise; no handler takes them."""


class SignalReceived(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A message for the handler called `name`; it waits in the run until there is one."""

    topic: ClassVar[str] = "signal.received"

    name: str
    input: tuple[Payload, ...] = ()
    headers: dict[str, Payload] = {}
    identity: str = ""
    request_id: str = ""
    with_start: bool = False
    """It came with the start, and is handled in front of the run function's first step."""
    failure: Failure | None = None
    """Of a promise: why it was rejected."""
    was_awaited: bool = False
    """Of a promise: a run before this one had awaited it, and it goes on only to runs that make the promise again."""
