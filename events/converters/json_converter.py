"""JSON typed by hints: the converter that is used when none is given.

It is one pass of msgspec each way, with a look at what JSON cannot say: bytes are marked, numbers that JSON does not
have are refused. How JSON is read by hints is in `events.converters.json_reader`, what becomes JSON beyond msgspec's
own types in `events.converters.json_hooks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, get_args

import msgspec

from understudy.events.converters.json_hooks import class_of, nonfinite_at, to_json, type_name
from understudy.events.converters.json_reader import Reader
from understudy.events.converters.json_records import hides, unfold
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.converters.transfer import transfer_of, transferred
from understudy.events.failures.exceptions import FailureError
from understudy.events.payloads.payload import (
    BINARY,
    JSON,
    NULL,
    Payload,
    RawValue,
    binary_of,
    binary_payload,
    stored_payload,
)
from understudy.events.public import public

__all__ = ["JsonConverter"]

_MOST_TYPES: Final = 4096
_Raw: Final = msgspec.Raw


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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Notice if a subclass overrides a method of Temporal's names: no short way leads past that."""
        super().__init_subclass__(**kwargs)
        if "to_payloads" in cls.__dict__ and "_encode" not in cls.__dict__:
            cls._encode = PayloadConverter._encode  # type: ignore[method-assign]  # noqa: SLF001 - that is the point
        if "from_payloads" in cls.__dict__ and "_decode" not in cls.__dict__:
            cls._decode = PayloadConverter._decode  # type: ignore[method-assign]  # noqa: SLF001 - the same

    def __init__(
        self,
        *,
        to_json: Callable[[Any], Any] | None = None,
        from_json: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        self._hooks = to_json, from_json
        self._compile()

    def _compile(self) -> None:
        to_json, from_json = self._hooks
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

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields to pickle, without what is compiled: `__setstate__` makes that anew."""
        compiled = {"_write", "_reader", "_by_hint", "_by_type"}
        return {name: value for name, value in self.__dict__.items() if name not in compiled}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Compile anew what was not pickled."""
        for name, value in state.items():
            setattr(self, name, value)
        self._compile()

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Return one payload for each value."""
        return [JsonConverter._encode(self, value, None, fit=False) for value in values]

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[Any] | None = None) -> list[Any]:
        """Return one value for each payload."""
        hints = [None] * len(payloads) if type_hints is None else type_hints
        return [JsonConverter._decode(self, payload, hint) for payload, hint in zip(payloads, hints, strict=True)]

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
            payload = stored_payload(_Raw(data))
        else:
            payload = special(value, hint)
        if fit and hint is not None and hint is not Any:
            if isinstance(value, str) and hint in (bytes, bytearray, memoryview):
                raise TypeError("a str is not bytes, say in which encoding: value.encode()")
            try:  # noqa: SIM105 - a context manager costs more than the rest
                self._decode(payload, hint)
            except FailureError:  # the reader's to fail by
                pass
        return payload

    def _transfer(self, value: Any, _hint: Any) -> Payload:
        return JsonConverter._encode(self, transferred(value), None, fit=False)

    def _record(self, value: Any, _hint: Any) -> Payload:
        return self._unfolded(unfold(value))

    def _container(self, value: Any, hint: Any) -> Payload:
        return self._unfolded(unfold(value) if hint is not None and hides(hint) else value)

    def _unfolded(self, value: Any) -> Payload:
        data = self._write(value)
        if data.find(b"null") >= 0:
            _refuse_nonfinite(value)
        return stored_payload(_Raw(data))

    def _learn(self, cls: type) -> Callable[[Any, Any], Payload] | None:
        if len(self._by_type) >= _MOST_TYPES:
            self._by_type = {known: special for known, special in self._by_type.items() if special is not None}
        special = self._transfer if transfer_of(cls) is not None else self._record if hides(cls) else None
        self._by_type[cls] = special
        return special

    def _decode(self, payload: Payload, hint: Any) -> Any:
        if payload.marks or hint is RawValue:
            return self._decode_marked(payload, hint)
        try:
            read = self._by_hint[hint]
        except (KeyError, TypeError):
            if transfer_of(hint) is not None:
                return self._decode_marked(payload, hint)
            read = self._reader.reading(hint)
        return read(payload.raw)

    def _decode_marked(self, payload: Payload, hint: Any) -> Any:
        if hint is RawValue:
            return RawValue(payload)
        transfer = transfer_of(hint)
        if transfer is not None:
            return transfer.from_transfer_type(self._decode(payload, transfer.transfer_type), hint)
        if payload.encoding == BINARY:
            return _as_bytes(binary_of(payload), hint)
        if payload.encoding == NULL:
            return None
        if payload.encoding != JSON:
            raise ValueError(
                f"{type(self).__name__} does not know the encoding {payload.encoding!r}: was there a codec?"
            )
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
    wanted = {hint, *get_args(hint)}
    if wanted & {None, Any, object, bytes}:
        return data
    for kind in (bytearray, memoryview):
        if kind in wanted:
            return kind(data)
    raise TypeError(f"bytes are not {type_name(hint)}")


PayloadConverter.default = JsonConverter()
