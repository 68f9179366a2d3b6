"""Payloads: the values of users as events hold them.

A payload is JSON, embedded verbatim in its event's JSON, so that a row in the store can be read with SQL. Its type is
not stored: whoever reads it says by a hint what it is to be, and without a hint it is what JSON has (dict, list, str,
int, float, bool, None). What has no form of its own in JSON carries a mark in `metadata`: bytes ("binary/plain").

The way in and out is a `PayloadConverter`; `JsonConverter` is the default. What goes wrong names the place (`Where`)
and both types. Whether a value fits the hint of its reader can be asked for when it is stored (`fit=True`): then its
sender is still there to hear of it.

How JSON is read by hints is in `events.json_reader`, what becomes JSON beyond msgspec's own types in
`events.json_hooks`, further converters in `events.converters`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from understudy.events.errors import PayloadDecodeError, PayloadEncodeError
from understudy.events.json_hooks import class_of, nonfinite_at, to_json, type_name
from understudy.events.json_reader import Reader
from understudy.events.json_records import hides, unfold
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy.events.signature import Signature

__all__ = [
    "BINARY",
    "ENCODING",
    "JSON",
    "NOWHERE",
    "JsonConverter",
    "Payload",
    "PayloadConverter",
    "RawValue",
    "Where",
    "binary_of",
    "binary_payload",
]

ENCODING: Final = "encoding"
"""The key in `metadata` that says how `data` is to be understood."""
JSON: Final = "json/plain"
"""The encoding of a payload that does not say any."""
BINARY: Final = "binary/plain"

_SHOWN: Final = 80
_MOST_TYPES: Final = 4096
_KINDS: Final = {"{": "object", "[": "array", '"': "string", "t": "boolean", "f": "boolean", "n": "null"}


@public("understudy.converter")
class Payload(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One value of a user's: JSON, and marks that say how to understand it."""

    data: msgspec.Raw
    metadata: dict[str, str] = {}

    @property
    def encoding(self) -> str:
        """How `data` is to be understood."""
        return self.metadata.get(ENCODING, JSON)

    def __repr__(self) -> str:
        text = bytes(self.data).decode(errors="replace")
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
        return f"Payload({shown}{f', {self.metadata}' if self.metadata else ''})"


@public("understudy.common")
@dataclass(frozen=True)
class RawValue:
    """A payload that is passed on as it is; as a hint, it asks for one."""

    payload: Payload


class Where(msgspec.Struct, frozen=True, gc=False):
    """A place to name in an error, put into words only when there is one: argument 2 ('order') of workflow 'Order'."""

    of: object
    """What the value belongs to, in words: "workflow 'Order'"."""
    index: int
    """Which of its arguments, from 0."""
    name: str = ""

    def __str__(self) -> str:
        name = f" ({self.name!r})" if self.name else ""
        return f"argument {self.index + 1}{name} of {self.of}"


NOWHERE: Final = "a value"
"""Where nobody said where."""


def binary_payload(data: bytes | bytearray | memoryview, encoding: str = BINARY) -> Payload:
    """Return `data` as a JSON string in base64, marked with how it is to be understood."""
    return Payload(msgspec.Raw(b'"' + b2a_base64(data, newline=False) + b'"'), {ENCODING: encoding})


def binary_of(payload: Payload) -> bytes:
    """Return the bytes that `binary_payload` was given."""
    return a2b_base64(bytes(payload.data)[1:-1], strict_mode=True)


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
            PayloadEncodeError: the value cannot be stored, or does not fit.
        """
        try:
            return self._encode(value, hint, fit=fit)
        except Exception as error:
            raise _encode_error(error, value, hint, where) from error

    def decode(self, payload: Payload, hint: Any = None, *, where: object = NOWHERE) -> Any:
        """Return the value of one payload.

        Args:
            payload: what was stored.
            hint: what it is to be; None or Any: whatever JSON says.
            where: names the value in an error; its `str` is taken only then.

        Raises:
            PayloadDecodeError: it cannot be read, or not as the hint says.
        """
        try:
            return self._decode(payload, hint)
        except Exception as error:
            raise _decode_error(error, payload, hint, where) from error

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
        except Exception as error:
            raise _encode_error(error, value, hint, _place(where, len(payloads), signature)) from error
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
        except Exception as error:
            place = _place(where, len(values), signature)
            raise _decode_error(error, payloads[len(values)], hint, place) from error
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
        payload = self.to_payloads([value])[0]
        if fit:
            self._decode(payload, hint)
        return payload

    def _decode(self, payload: Payload, hint: Any) -> Any:
        if hint is RawValue:
            return RawValue(payload)
        return self.from_payloads([payload], None if hint is None else [hint])[0]


def _place(where: object, index: int, signature: Signature | None) -> Where:
    return Where(where, index, signature.name_at(index) if signature is not None else "")


def _encode_error(error: Exception, value: Any, hint: Any, where: object) -> PayloadEncodeError:
    return PayloadEncodeError(
        where=str(where), value_type=type_name(class_of(value)), hint=_hint_name(hint), reason=_reason(error)
    )


def _decode_error(error: Exception, payload: Payload, hint: Any, where: object) -> PayloadDecodeError:
    text = bytes(payload.data)[:1].decode(errors="replace")
    got = _KINDS.get(text, "number") if payload.encoding == JSON else payload.encoding
    return PayloadDecodeError(where=str(where), got_type=got, hint=_hint_name(hint), reason=_reason(error))


def _hint_name(hint: Any) -> str:
    return "" if hint is None or hint is Any else type_name(hint)


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


@public("understudy.converter")
class JsonConverter(PayloadConverter):
    """Values as JSON, typed by hints: the default.

    Works unconfigured for JSON's own types, dataclasses, msgspec Structs, attrs classes, pydantic models, named tuples,
    typed dicts, enums, dates, times, UUIDs, Decimals, bytes, paths and containers, optionals and unions of these. A
    subclass instance is stored with all its fields and read as what the hint says. NaN and infinities are refused: JSON
    has no such numbers.

    Args:
        to_json: asked first for values that msgspec does not know: returns what it does, or NotImplemented.
        from_json: asked first for classes that msgspec does not know, with the class and plain JSON: returns an
            instance, or NotImplemented.
    """

    def __init__(
        self,
        *,
        to_json: Callable[[Any], Any] | None = None,
        from_json: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        self._write = msgspec.json.Encoder(
            enc_hook=_asking(to_json), decimal_format="string", uuid_format="canonical"
        ).encode
        self._reader = Reader(from_json)
        self._by_hint = self._reader.by_hint
        self._by_type: dict[type, Callable[[Any, Any], Payload] | None] = {
            RawValue: lambda value, _: value.payload,
            **dict.fromkeys((bytes, bytearray, memoryview), lambda value, _: binary_payload(value)),
            **dict.fromkeys((list, tuple, dict, set, frozenset), self._container),
        }

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Return one payload for each value."""
        return [self._encode(value, None, fit=False) for value in values]

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[Any] | None = None) -> list[Any]:
        """Return one value for each payload."""
        hints = [None] * len(payloads) if type_hints is None else type_hints
        return [self._decode(payload, hint) for payload, hint in zip(payloads, hints, strict=True)]

    def _encode(self, value: Any, hint: Any, *, fit: bool) -> Payload:
        try:
            special = self._by_type[type(value)]
        except KeyError:
            special = self._learn(class_of(value))
        if special is None:
            data = self._write(value)
            # NaN is written as null, so only where there is a null is it worth looking.
            if data.find(b"null") >= 0 and value is not None:
                _refuse_nonfinite(value)
            payload = Payload(msgspec.Raw(data))
        else:
            payload = special(value, hint)
        if fit and hint is not None and hint is not Any:
            if isinstance(value, str) and hint in (bytes, bytearray, memoryview):
                raise TypeError("a str is not bytes, say in which encoding: value.encode()")
            self._decode(payload, hint)
        return payload

    def _record(self, value: Any, _hint: Any) -> Payload:
        return self._unfolded(unfold(value))

    def _container(self, value: Any, hint: Any) -> Payload:
        return self._unfolded(unfold(value) if hint is not None and hides(hint) else value)

    def _unfolded(self, value: Any) -> Payload:
        data = self._write(value)
        if data.find(b"null") >= 0:
            _refuse_nonfinite(value)
        return Payload(msgspec.Raw(data))

    def _learn(self, cls: type) -> Callable[[Any, Any], Payload] | None:
        if len(self._by_type) >= _MOST_TYPES:
            self._by_type = {known: special for known, special in self._by_type.items() if special is not None}
        special = self._record if hides(cls) else None
        self._by_type[cls] = special
        return special

    def _decode(self, payload: Payload, hint: Any) -> Any:
        if payload.metadata or hint is RawValue:
            return self._decode_marked(payload, hint)
        try:
            read = self._by_hint[hint]
        except (KeyError, TypeError):
            read = self._reader.reading(hint)
        return read(payload.data)

    def _decode_marked(self, payload: Payload, hint: Any) -> Any:
        if hint is RawValue:
            return RawValue(payload)
        if payload.encoding == BINARY:
            return _as_bytes(binary_of(payload), hint)
        if payload.encoding != JSON:
            raise ValueError(f"{type(self).__name__} does not know the encoding {payload.encoding!r}")
        return self._reader.reading(hint)(payload.data)


def _asking(custom: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    if custom is None:
        return to_json

    def ask(value: Any) -> Any:
        made = custom(value)
        return to_json(value) if made is NotImplemented else made

    return ask


def _refuse_nonfinite(value: Any) -> None:
    if path := nonfinite_at(value):
        raise ValueError(f"JSON has no NaN and no infinity - at `{path}`")


def _as_bytes(data: bytes, hint: Any) -> Any:
    """Return bytes as the kind of bytes that `hint` names, or one of a union does."""
    from typing import get_args

    wanted = {hint, *get_args(hint)}
    if wanted & {None, Any, object, bytes}:
        return data
    for kind in (bytearray, memoryview):
        if kind in wanted:
            return kind(data)
    raise TypeError(f"bytes are not {type_name(hint)}")


PayloadConverter.default = JsonConverter()
