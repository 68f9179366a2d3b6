"""Markers: decisions that the code took once, recorded in line, and keeps to in every replay.

A side effect is a value. A patch says that the code has gone the new way, or that its worker kept it to the old one; a
version says which of several. Runs that are older than a change have no marker of it, and go the old way. Markers whose
call is gone may be passed over where that cannot matter: a patch that was declared deprecated or declined, and any
version.
"""

from __future__ import annotations

from typing import ClassVar

from understudy.events.event import Event, Request
from understudy.events.payloads.payload import Payload

__all__ = ["PatchRecorded", "SideEffectRecorded", "VersionRecorded"]


class SideEffectRecorded(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The value that side effect number `seq` had."""

    topic: ClassVar[str] = "side_effect.recorded"

    seq: int
    value: Payload
    source: str = ""

    def same_request(self, other: Event) -> bool:
        """True if `other` has the same number; the recorded value holds."""
        return isinstance(other, SideEffectRecorded) and other.seq == self.seq


class PatchRecorded(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The code came to this patch and went the new way, unless it was declined."""

    topic: ClassVar[str] = "patch.recorded"

    patch_id: str
    deprecated: bool = False
    """True if there is no old way any more, so that the call may go."""
    declined: bool = False
    """True if the worker kept the run to the old way, so that code from before the patch may go on with it."""
    source: str = ""

    @property
    def may_be_missing(self) -> bool:
        """True if it was deprecated, so the call may be gone, or declined, and older code has no call."""
        return self.deprecated or self.declined

    def same_request(self, other: Event) -> bool:
        """True if `other` is the same patch, deprecated or not, declined or not: the record holds."""
        return isinstance(other, PatchRecorded) and other.patch_id == self.patch_id


class VersionRecorded(Request, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The code came to this change and went the way of this version."""

    topic: ClassVar[str] = "version.recorded"

    change_id: str
    version: int
    source: str = ""

    @property
    def may_be_missing(self) -> bool:
        """True if the call may be gone: always, since there may be no other way left in the code."""
        return True

    def same_request(self, other: Event) -> bool:
        """True if `other` is the same change; the recorded version holds."""
        return isinstance(other, VersionRecorded) and other.change_id == self.change_id
