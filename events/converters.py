"""Further converters, and what holds them together: pickled values, chains of encodings, codecs.

`JsonConverter` is in `events.payload`. Temporal's way to a converter of one's own is a chain of encodings, the first of
which that takes a value stores it; `CompositePayloadConverter` is that. A `PayloadCodec` comes after the converter and
changes what is stored as a whole (compresses, encrypts); it is asynchronous because its keys may be elsewhere.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from typing import Any, ClassVar, Final

from understudy.events.failure import DefaultFailureConverter, FailureConverter
from understudy.events.json_hooks import class_of
from understudy.events.payload import (
    BINARY,
    JSON,
    JsonConverter,
    Payload,
    PayloadConverter,
    RawValue,
    binary_of,
    binary_payload,
)
from understudy.events.public import public

__all__ = [
    "CLOUDPICKLE",
    "BinaryPlainPayloadConverter",
    "CloudpickleConverter",
    "CompositePayloadConverter",
    "DataConverter",
    "EncodingPayloadConverter",
    "JSONPlainPayloadConverter",
    "PayloadCodec",
    "default",
]

CLOUDPICKLE: Final = "python/cloudpickle"
_BYTES: Final = (bytes, bytearray, memoryview)


@public("understudy.converter")
class CloudpickleConverter(JsonConverter):
    """Values of any class, functions and closures included, pickled by cloudpickle; what is JSON is still read.

    Warning:
        Unpickling runs code. Whoever can write to the store, or start a workflow, can run any program with
        the rights of your worker. Use it only where every writer is as trusted as the worker itself. Pickles are also
        bound to the version of Python and of the classes in them: a run that sleeps for a year may wake up to a class
        that has moved. And they cannot be read with SQL.
    """

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Return one payload for each value."""
        return [self._encode(value, None, fit=False) for value in values]

    def _encode(self, value: Any, hint: Any, *, fit: bool) -> Payload:  # noqa: ARG002 - as in the base class
        return value.payload if isinstance(value, RawValue) else binary_payload(_pickle().dumps(value), CLOUDPICKLE)

    def _decode_marked(self, payload: Payload, hint: Any) -> Any:
        if payload.encoding != CLOUDPICKLE or hint is RawValue:
            return super()._decode_marked(payload, hint)
        return _pickle().loads(binary_of(payload))


def _pickle() -> Any:
    # By its name: it has no type information, and few programs need it.
    return import_module("cloudpickle")


# ------------------------------------------------------------------------------------------- chains of encodings


@public("understudy.converter")
class EncodingPayloadConverter(ABC):
    """One link of a chain: takes the values of some types, and reads the payloads of one encoding."""

    @property
    @abstractmethod
    def encoding(self) -> str:
        """The encoding that it writes and reads; it stands in a payload's metadata."""

    @abstractmethod
    def to_payload(self, value: Any) -> Payload | None:
        """Return the payload of a value, or None to leave it to the next link."""

    @abstractmethod
    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Return the value of a payload of this encoding."""


@public("understudy.converter")
class CompositePayloadConverter(PayloadConverter):
    """A chain: the first link that takes a value stores it, and the link of a payload's encoding reads it.

    Args:
        *converters: the links, in order; of two with the same encoding the last one reads.
    """

    converters: dict[str, EncodingPayloadConverter]
    """The links by their encodings."""

    def __init__(self, *converters: EncodingPayloadConverter) -> None:
        self.converters = {converter.encoding: converter for converter in converters}
        self._links = converters

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Return one payload for each value."""
        return [self._one(value) for value in values]

    def _one(self, value: Any) -> Payload:
        if isinstance(value, RawValue):
            return value.payload
        for link in self._links:
            payload = link.to_payload(value)
            if payload is not None:
                return payload
        raise TypeError(f"no encoding of {', '.join(self.converters) or 'none'} takes it")

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[Any] | None = None) -> list[Any]:
        """Return one value for each payload."""
        values: list[Any] = []
        for index, payload in enumerate(payloads):
            hint = None if type_hints is None else type_hints[index]
            link = self.converters.get(payload.encoding)
            if hint is RawValue:
                values.append(RawValue(payload))
            elif link is None:
                raise ValueError(f"no link of the chain reads the encoding {payload.encoding!r}")
            else:
                values.append(link.from_payload(payload, hint))
        return values


@public("understudy.converter")
class JSONPlainPayloadConverter(EncodingPayloadConverter):
    """The link for everything that `JsonConverter` takes; it belongs at the end of a chain."""

    def __init__(self) -> None:
        self._json = JsonConverter()

    @property
    def encoding(self) -> str:
        """The encoding of a payload that does not say any."""
        return JSON

    def to_payload(self, value: Any) -> Payload | None:
        """Return the payload of any value."""
        return self._json.to_payload(value)

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Return the value of a JSON payload."""
        return self._json.from_payload(payload, type_hint)


@public("understudy.converter")
class BinaryPlainPayloadConverter(EncodingPayloadConverter):
    """The link for bytes."""

    @property
    def encoding(self) -> str:
        """The encoding of bytes."""
        return BINARY

    def to_payload(self, value: Any) -> Payload | None:
        """Return the payload of bytes."""
        return PayloadConverter.default.to_payload(value) if class_of(value) in _BYTES else None

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Return the bytes of a payload, as the kind of bytes that the hint names."""
        return PayloadConverter.default.from_payload(payload, type_hint)


# ------------------------------------------------------------------------------------------- codecs


@public("understudy.converter")
class PayloadCodec(ABC):
    """Changes payloads as a whole on their way to the store and back: compresses, encrypts."""

    @abstractmethod
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads as they are to be stored, one for one; `binary_payload` makes one of bytes."""

    @abstractmethod
    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads as they were before `encode`, one for one; others as they are."""


@public("understudy.converter")
@dataclasses.dataclass(frozen=True)
class DataConverter:
    """How values and errors become what is stored.

    Args:
        payload_converter_class: makes the converter of values.
        payload_codec: comes after it; None: nothing does.
        failure_converter_class: makes the converter of errors.
    """

    payload_converter_class: type[PayloadConverter] = JsonConverter
    payload_codec: PayloadCodec | None = None
    failure_converter_class: type[FailureConverter] = DefaultFailureConverter
    payload_converter: PayloadConverter = dataclasses.field(init=False)
    """Made of its class."""
    failure_converter: FailureConverter = dataclasses.field(init=False)
    """Made of its class."""

    default: ClassVar[DataConverter]
    """JSON, no codec, failures in plain sight."""

    def __post_init__(self) -> None:
        """Make the converters."""
        object.__setattr__(self, "payload_converter", self.payload_converter_class())
        object.__setattr__(self, "failure_converter", self.failure_converter_class())

    async def encode(self, values: Sequence[Any]) -> list[Payload]:
        """Return the payloads of values, through converter and codec."""
        payloads = self.payload_converter.to_payloads(values)
        return payloads if self.payload_codec is None else await self.payload_codec.encode(payloads)

    async def decode(self, payloads: Sequence[Payload], type_hints: list[Any] | None = None) -> list[Any]:
        """Return the values of payloads, through codec and converter."""
        plain = payloads if self.payload_codec is None else await self.payload_codec.decode(payloads)
        return self.payload_converter.from_payloads(plain, type_hints)


DataConverter.default = DataConverter()


def default() -> DataConverter:
    """Return the data converter that is used when none is given."""
    return DataConverter.default
