"""Payloads: the values of users as events hold them.

A payload is JSON, embedded verbatim in its event's JSON, so that a row in the store can be read with SQL. Its type is
not stored: whoever reads it says by a hint what it is to be, and without a hint it is what JSON has (dict, list, str,
int, float, bool, None). What has no form of its own in JSON carries a mark in `metadata` and is a string in base64:
bytes ("binary/plain"), and what a codec made.

Who writes converters and codecs sees content and marks, as bytes, under Temporal's names; what stands in the store is
made of them here and nowhere else.

A `PayloadConverter` (`events.converters.payload_converter`) makes payloads of values, and values of payloads; the
default is `JsonConverter` (`events.converters.json_converter`). This module knows neither of them: it is the data
between.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from understudy.events.payloads.marks import DraftMarks, DraftMetadata, Metadata, bytes_of, text_of
from understudy.events.public import public

__all__ = [
    "BINARY",
    "ENCODING",
    "JSON",
    "KINDS_OF_JSON",
    "NOWHERE",
    "NO_HEADERS",
    "NULL",
    "Payload",
    "Payloads",
    "Phrase",
    "RawValue",
    "binary_of",
    "binary_payload",
    "drafted",
    "stored_payload",
    "taken",
]

ENCODING: Final = "encoding"
"""The key in `metadata` that says how `data` is to be understood."""
JSON: Final = "json/plain"
"""The encoding of a payload that does not say any."""
BINARY: Final = "binary/plain"
NULL: Final = "binary/null"

_FORM: Final = "understudy/form"
"""The mark that content is in base64 although its encoding is one of JSON: its text is no JSON."""
_JSON_KINDS: Final = "json/"

_SHOWN: Final = 80
KINDS_OF_JSON: Final = {"{": "object", "[": "array", '"': "string", "t": "boolean", "f": "boolean", "n": "null"}


class _PayloadType(msgspec.StructMeta):
    """Makes payloads of what users give; msgspec, which reads them from the store, does not come by here."""

    def __call__(cls, data: Any = b"", metadata: Mapping[str, Any] | None = None) -> Any:  # noqa: N805 - a metaclass
        """Return the payload of some content."""
        marks = {} if metadata is None else {name: text_of(value) for name, value in metadata.items()}
        if not isinstance(data, msgspec.Raw):
            data = _stored(bytes(data), marks)
        return stored_payload(data, marks)


@public("understudy.converter")
class Payload(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, metaclass=_PayloadType):
    """One value of a user's: its content, and marks that say how to understand it.

    Args:
        data: the content; a `msgspec.Raw` is taken as what is to stand in the store, JSON.
        metadata: the marks; without an "encoding" the content is JSON.
    """

    raw: msgspec.Raw = msgspec.field(name="data")
    """What stands in the store: the content itself if that is JSON, else a JSON string, the content in base64."""
    marks: dict[str, str] = msgspec.field(name="metadata", default={})
    """The metadata as it stands in the store."""

    if TYPE_CHECKING:

        def __init__(self, data: bytes | msgspec.Raw = b"", metadata: Mapping[str, bytes | str] | None = None) -> None:
            """Say what `_PayloadType` takes."""

    @property
    def encoding(self) -> str:
        """The encoding, which says how `data` is to be understood."""
        return self.marks.get(ENCODING, JSON)

    @property
    def data(self) -> bytes:
        """The content of the payload, in bytes."""
        raw = bytes(self.raw)
        return raw if self.is_json or not raw.startswith(b'"') else a2b_base64(raw[1:-1], strict_mode=True)

    @property
    def is_json(self) -> bool:
        """True if what stands in the store is the content itself."""
        return _FORM not in self.marks and self.encoding.startswith(_JSON_KINDS)

    @property
    def metadata(self) -> MutableMapping[str, bytes]:
        """The marks, "encoding" always among them; read-only, but for what a link has made until its chain has it."""
        if type(self.marks) is DraftMarks:
            return DraftMetadata(partial(_read_marks, self), partial(_mark_anew, self))
        return Metadata(_read_marks(self))

    def SerializeToString(self) -> bytes:  # noqa: N802 - the interface that is followed
        """Return the whole payload as bytes, for a codec to hide; they are its JSON and no protobuf."""
        return msgspec.json.encode(self)

    @staticmethod
    def FromString(data: bytes) -> Payload:  # noqa: N802 - the interface that is followed
        """Return the payload that `SerializeToString` was called on.

        Raises:
            ValueError: the bytes are not one's.
        """
        return msgspec.json.decode(data, type=Payload)

    def __repr__(self) -> str:
        text = bytes(self.raw).decode(errors="replace")
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
        return f"Payload({shown}{f', {self.marks}' if self.marks else ''})"


stored_payload: Final[Callable[..., Payload]] = msgspec.StructMeta.__call__.__get__(Payload)
"""`stored_payload(raw, marks)` makes a payload of what is stored, as fast as msgspec makes any struct."""


def drafted(payload: Payload) -> Payload:
    """Return a payload whose metadata may be changed by whoever gets it."""
    return stored_payload(payload.raw, DraftMarks(payload.marks))


def taken(payload: Payload) -> Payload:
    """Return a payload that nobody changes any more."""
    return stored_payload(payload.raw, dict(payload.marks)) if type(payload.marks) is DraftMarks else payload


def _read_marks(payload: Payload) -> dict[str, bytes]:
    marks = {ENCODING: payload.encoding, **payload.marks}
    return {name: bytes_of(mark) for name, mark in marks.items() if name != _FORM}


def _mark_anew(draft: Payload, metadata: Mapping[str, bytes]) -> None:
    """Give a draft other metadata; the encoding decides how its content stands in the store."""
    other = drafted(Payload(draft.data, metadata))
    msgspec.structs.force_setattr(draft, "raw", other.raw)
    msgspec.structs.force_setattr(draft, "marks", other.marks)


def _stored(data: bytes, marks: dict[str, str]) -> msgspec.Raw:
    """Return what stands in the store for some content, and complete the marks that say so."""
    if _FORM in marks:
        raise ValueError(f"{_FORM!r} in metadata is for the store alone; take another name")
    if marks.get(ENCODING, JSON).startswith(_JSON_KINDS):
        if _is_json(data):
            if marks.get(ENCODING) == JSON:
                del marks[ENCODING]
            return msgspec.Raw(data)
        marks[_FORM] = "base64"
    return _base64(data)


def _is_json(data: bytes) -> bool:
    """True if content can be embedded in an event as it is, to the byte."""
    try:
        data.decode()
        return len(bytes(msgspec.json.decode(data, type=msgspec.Raw))) == len(data)
    except ValueError:
        return False


def _base64(data: bytes | bytearray | memoryview) -> msgspec.Raw:
    return msgspec.Raw(b'"' + b2a_base64(data, newline=False) + b'"')


@public("understudy.converter")
@dataclass
class Payloads:
    """A list of payloads, to be replaced in place."""

    payloads: list[Payload] = field(default_factory=list[Payload])


@public("understudy.common")
@dataclass(frozen=True)
class RawValue:
    """A payload that is passed on as it is; as a hint, it asks for one."""

    payload: Payload


class Phrase(msgspec.Struct, frozen=True, gc=False):
    """Words put together only when they are read, as by `str.format`: `Phrase("workflow {!r}", ("Order",))`."""

    text: str
    values: tuple[object, ...]

    def __str__(self) -> str:
        return self.text.format(*self.values)


NOWHERE: Final = "a value"
"""Where nobody said where."""


def binary_payload(data: bytes | bytearray | memoryview, encoding: str = BINARY) -> Payload:
    """Return `data` as a JSON string in base64, marked with how it is to be understood."""
    return stored_payload(_base64(data), {ENCODING: encoding})


def binary_of(payload: Payload) -> bytes:
    """Return the bytes that `binary_payload` was given."""
    return a2b_base64(bytes(payload.raw)[1:-1], strict_mode=True)


NO_HEADERS: Final[Mapping[str, Payload]] = MappingProxyType({})
"""Stands for headers that were not given."""
