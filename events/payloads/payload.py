"""Payloads: the values of users as events hold them.

A payload is JSON, embedded verbatim in its event's JSON, so that a row in the store can be read with SQL. Its type is
not stored: whoever reads it says by a hint what it is to be, and without a hint it is what JSON has (dict, list, str,
int, float, bool, None). What has no form of its own in JSON carries a mark in `metadata` and is a string in base64:
bytes ("binary/plain"), and what a codec made.

Who writes converters and codecs sees content and marks, as bytes, under Temporal's names; what stands in the store is
made of them here and nowhere else.

The way in and out is a `PayloadConverter`; `JsonConverter` (`events.json_converter`) is the default. What goes wrong
names the place (`Where`) and both types. Whether a value fits the hint of its reader can be asked for when it is stored
(`fit=True`): then its sender is still there to hear of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from understudy.events.converters.refusal import Where, decode_error, encode_error
from understudy.events.converters.transfer import transfer_of, transferred
from understudy.events.failures.exceptions import FailureError
from understudy.events.payloads.marks import DraftMarks, DraftMetadata, Metadata, bytes_of, text_of
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy.events.converters.signature import Signature

__all__ = [
    "BINARY",
    "ENCODING",
    "JSON",
    "NOWHERE",
    "NULL",
    "Payload",
    "PayloadConverter",
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
_KINDS: Final = {"{": "object", "[": "array", '"': "string", "t": "boolean", "f": "boolean", "n": "null"}


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
        """How `data` is to be understood."""
        return self.marks.get(ENCODING, JSON)

    @property
    def data(self) -> bytes:
        """The content."""
        raw = bytes(self.raw)
        return raw if self.is_json or not raw.startswith(b'"') else a2b_base64(raw[1:-1], strict_mode=True)

    @property
    def is_json(self) -> bool:
        """Whether what stands in the store is the content itself."""
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
    """Give a draft other metadata; what stands in the store for its content depends on the encoding."""
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
    """Whether content can be embedded in an event as it is, to the byte."""
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
    """Some payloads, to be replaced in place."""

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


@public("understudy.converter")
class PayloadConverter(ABC):
    """Turns values into payloads and back; called on any thread, so it keeps no state that a call changes.

    A converter of one's own writes `to_payloads` and `from_payloads`; the engine calls the rest, which says in its
    errors what value it was about.
    """

    default: ClassVar[PayloadConverter]
    """The one that is used when none is given."""

    @abstractmethod
    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Return one payload for each value; a RawValue is its own.

        Raises:
            Exception: a value cannot be converted.
        """

    @abstractmethod
    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[Any] | None = None) -> list[Any]:
        """Return one value for each payload.

        Args:
            payloads: what to convert.
            type_hints: what each is to be, None or Any for whatever it is; None: nothing is known.

        Raises:
            Exception: a payload cannot be converted.
        """

    def to_payloads_wrapper(self, values: Sequence[Any]) -> Payloads:
        """Return one payload for each value, in a wrapper."""
        return Payloads(self.to_payloads(values))

    def from_payloads_wrapper(self, payloads: Payloads | None) -> list[Any]:
        """Return one value for each payload in a wrapper; none if there is none."""
        return self.from_payloads(payloads.payloads) if payloads is not None and payloads.payloads else []

    def to_payload(self, value: Any) -> Payload:
        """Return the payload of one value."""
        return self.to_payloads([value])[0]

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Return the value of one payload."""
        return self.from_payloads([payload], None if type_hint is None else [type_hint])[0]

    def encode(self, value: Any, hint: Any = None, *, where: object = NOWHERE, fit: bool = False) -> Payload:
        """Return the payload of one value.

        Args:
            value: what to store.
            hint: what it will be read as; None: not known.
            where: names the value in an error; its `str` is taken only then.
            fit: whether to refuse a value that does not fit the hint.

        Raises:
            FailureError: the converter declares one.
            PayloadEncodeError: the value cannot be stored, or does not fit.
        """
        try:
            return self._encode(value, hint, fit=fit)
        except FailureError:
            raise
        except Exception as error:
            raise encode_error(error, value, hint, where) from error

    def decode(self, payload: Payload, hint: Any = None, *, where: object = NOWHERE) -> Any:
        """Return the value of one payload.

        Args:
            payload: what was stored.
            hint: what it is to be; None or Any: whatever JSON says.
            where: names the value in an error; its `str` is taken only then.

        Raises:
            FailureError: the converter declares one.
            PayloadDecodeError: it cannot be read, or not as the hint says.
        """
        try:
            return self._decode(payload, hint)
        except FailureError:
            raise
        except Exception as error:
            raise decode_error(error, _kind_of(payload), hint, where) from error

    def encode_args(
        self, values: Sequence[Any], signature: Signature | None = None, *, where: object = NOWHERE, fit: bool = False
    ) -> tuple[Payload, ...]:
        """Return the payloads of the arguments of a call; `where` names what is called. See `encode`."""
        payloads: list[Payload] = []
        value = hint = None
        try:
            for value in values:
                hint = signature.hint_at(len(payloads)) if signature is not None else None
                payloads.append(self._encode(value, hint, fit=fit))
        except FailureError:
            raise
        except Exception as error:
            raise encode_error(error, value, hint, _place(where, len(payloads), signature)) from error
        return tuple(payloads)

    def decode_args(
        self, payloads: Sequence[Payload], signature: Signature | None = None, *, where: object = NOWHERE
    ) -> list[Any]:
        """Return the arguments for a call; `where` names what is called. See `decode`."""
        values: list[Any] = []
        payload = hint = None
        try:
            for payload in payloads:
                hint = signature.hint_at(len(values)) if signature is not None else None
                values.append(self._decode(payload, hint))
        except FailureError:
            raise
        except Exception as error:
            place = _place(where, len(values), signature)
            raise decode_error(error, _kind_of(payloads[len(values)]), hint, place) from error
        return values

    def raw(self, payloads: Sequence[Payload]) -> list[RawValue]:
        """Return the payloads as values that are passed on as they are."""
        return [RawValue(payload) for payload in payloads]

    def fits(self, subject: Any, hint: Any) -> bool:
        """Whether `subject`, a value or a payload, can be read as `hint`."""
        try:
            if isinstance(subject, Payload):
                self._decode(subject, hint)
            else:
                self._encode(subject, hint, fit=True)
        except Exception:  # noqa: BLE001 - whatever it is, it does not fit
            return False
        return True

    def _encode(self, value: Any, hint: Any, *, fit: bool) -> Payload:
        payload = taken(self.to_payloads([transferred(value)])[0])
        if fit:
            try:  # noqa: SIM105 - a context manager costs more than the rest
                self._decode(payload, hint)
            except FailureError:  # the reader's to fail by
                pass
        return payload

    def _decode(self, payload: Payload, hint: Any) -> Any:
        if hint is RawValue:
            return RawValue(payload)
        transfer = transfer_of(hint)
        if transfer is not None:
            return transfer.from_transfer_type(self._decode(payload, transfer.transfer_type), hint)
        return self.from_payloads([payload], None if hint is None else [hint])[0]


def _place(where: object, index: int, signature: Signature | None) -> Where:
    return Where(where, index, signature.name_at(index) if signature is not None else "")


def _kind_of(payload: Payload) -> str:
    if payload.encoding != JSON:
        return payload.encoding
    return _KINDS.get(bytes(payload.raw)[:1].decode(errors="replace"), "number")
