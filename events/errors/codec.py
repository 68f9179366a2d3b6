"""Errors between a codec and the store: nothing is written in clear, and nothing that was written is lost."""

from __future__ import annotations

from typing import ClassVar

from understudy.events.errors.root import EngineError

__all__ = ["CodecDecodeError", "CodecEncodeError", "CodecError"]


class CodecError(EngineError, abstract=True):
    """A payload codec failed; `cause` is what it raised."""

    run_id: str
    codec: str
    reason: str


class CodecEncodeError(CodecError):
    """The codec could not encode what a turn wants recorded; nothing of the turn is recorded."""

    what: str

    statement: ClassVar[str] = "codec {codec} cannot encode {what} of run {run_id!r}, so it is not recorded: {reason}"
    advice: ClassVar[str] = "Mend the codec, or give it its key; what nobody waits for is then recorded by itself"


class CodecDecodeError(CodecError):
    """The codec could not decode what is stored; the run waits as it is, and is tried again."""

    version: int

    statement: ClassVar[str] = "codec {codec} cannot decode event {version} of run {run_id!r}: {reason}"
    advice: ClassVar[str] = "Give the client the codec and the keys that it was written with; the run waits for them"
