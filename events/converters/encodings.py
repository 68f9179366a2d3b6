"""Chains of encodings: Temporal's way to a converter of one's own.

Each link takes the values of some types and reads the payloads of one encoding; the first link that takes a value
stores it. `DefaultPayloadConverter` is the chain that is used when none is given: its links say what it does, one pass
of `JsonConverter` does it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from understudy.events.converters.in_context import WithSerializationContext, in_context, takes_context
from understudy.events.converters.json_converter import JsonConverter
from understudy.events.converters.json_hooks import class_of
from understudy.events.converters.json_types import AdvancedJSONEncoder, JSONTypeConverter, TypedReader
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.converters.transfer import transfer_of, transferred
from understudy.events.payloads.payload import BINARY, JSON, NULL, Payload, RawValue, drafted, taken
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy.events.converters.contexts import SerializationContext

__all__ = [
    "BinaryNullPayloadConverter",
    "BinaryPlainPayloadConverter",
    "CompositePayloadConverter",
    "DefaultPayloadConverter",
    "EncodingPayloadConverter",
    "JSONPlainPayloadConverter",
]

_BYTES: Final = (bytes, bytearray, memoryview)


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
    def from_payload(self, payload: Payload, type_hint: type[Any] | None = None) -> Any:
        """Return the value of a payload of this encoding."""


@public("understudy.converter")
class CompositePayloadConverter(PayloadConverter, WithSerializationContext):
    """A chain: the first link that takes a value stores it, and the link of a payload's encoding reads it.

    A link that derives from `WithSerializationContext` is told the context; the class of such a chain is made anew
    without arguments for it.

    Args:
        *converters: the links, in order; of two with the same encoding the last one counts.
    """

    converters: Mapping[bytes, EncodingPayloadConverter]
    """The links by their encodings."""
    takes_context: bool
    """True if its class or one of its links asks for a context."""

    def __init__(self, *converters: EncodingPayloadConverter) -> None:
        self._set_converters(*converters)

    def _set_converters(self, *converters: EncodingPayloadConverter) -> None:
        self.converters = {converter.encoding.encode(): converter for converter in converters}
        own, ours = type(self), CompositePayloadConverter
        asks = own.with_context is not ours.with_context
        asks |= own.get_converters_with_context is not ours.get_converters_with_context
        self.takes_context = asks or any(takes_context(converter) for converter in converters)

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Return one payload for each value.

        Raises:
            RuntimeError: no link takes a value.
        """
        return [self._one(value) for value in values]

    def _one(self, value: Any) -> Payload:
        if isinstance(value, RawValue):
            return value.payload
        value = transferred(value)
        for link in self.converters.values():
            payload = link.to_payload(value)
            if payload is not None:
                return taken(payload)
        known = b", ".join(self.converters).decode()
        raise RuntimeError(f"no encoding of {known or 'none'} takes it")

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[Any] | None = None) -> list[Any]:
        """Return one value for each payload.

        Raises:
            KeyError: no link reads a payload's encoding.
        """
        values: list[Any] = []
        for payload, hint in zip_longest(payloads, type_hints or ()):
            if hint is RawValue:
                values.append(RawValue(payload))
                continue
            transfer = transfer_of(hint)
            if transfer is None:
                values.append(self._read(payload, hint))
            else:
                values.append(transfer.from_transfer_type(self._read(payload, transfer.transfer_type), hint))
        return values

    def _read(self, payload: Payload, hint: Any) -> Any:
        link = self.converters.get(payload.encoding.encode())
        if link is None:
            raise KeyError(f"no link of the chain reads the encoding {payload.encoding!r}")
        return link.from_payload(payload, hint)

    def with_context(self, context: SerializationContext) -> Self:
        """Return a chain whose links know the context, or itself if none asks for it."""
        converters = self.get_converters_with_context(context)
        if converters is None:
            return self
        made = type(self)()
        made._set_converters(*converters)  # noqa: SLF001 - its own class
        return made

    def get_converters_with_context(self, context: SerializationContext) -> list[EncodingPayloadConverter] | None:
        """Return the links as they are in a context; None: no link asks for one."""
        if not self.takes_context:
            return None
        links = [in_context(link, context) for link in self.converters.values()]
        same = all(link is known for link, known in zip(links, self.converters.values(), strict=True))
        return None if same else links


@public("understudy.converter")
class BinaryNullPayloadConverter(EncodingPayloadConverter):
    """The link of a chain that takes None."""

    @property
    def encoding(self) -> str:
        """The encoding that stands for None."""
        return NULL

    def to_payload(self, value: Any) -> Payload | None:
        """Return the payload of None."""
        return drafted(Payload(metadata={"encoding": NULL})) if value is None else None

    def from_payload(self, payload: Payload, type_hint: type[Any] | None = None) -> Any:  # noqa: ARG002 - of a link
        """Return None for a payload without content.

        Raises:
            RuntimeError: there is content.
        """
        if payload.data:
            raise RuntimeError(f"a payload of {NULL} has no content, this one has {len(payload.data)} bytes")


@public("understudy.converter")
class BinaryPlainPayloadConverter(EncodingPayloadConverter):
    """The link of a chain that takes bytes."""

    @property
    def encoding(self) -> str:
        """The encoding that stands for bytes."""
        return BINARY

    def to_payload(self, value: Any) -> Payload | None:
        """Return the payload of bytes."""
        return drafted(PayloadConverter.default.to_payload(value)) if class_of(value) in _BYTES else None

    def from_payload(self, payload: Payload, type_hint: type[Any] | None = None) -> Any:
        """Return the bytes of a payload, as the kind of bytes that the hint names."""
        return PayloadConverter.default.from_payload(payload, type_hint)


@public("understudy.converter")
class JSONPlainPayloadConverter(EncodingPayloadConverter):
    """The link of a chain that takes all that becomes JSON; it belongs at the end.

    Without arguments it does what `JsonConverter` does. With them it goes the way of Python's `json`.

    Args:
        encoder: writes values; None: `json.JSONEncoder`.
        decoder: reads JSON, before hints are applied; None: `json.JSONDecoder`.
        encoding: the encoding that stands in the metadata.
        custom_type_converters: asked first, in order, about each hint and each of its parts.
    """

    def __init__(
        self,
        *,
        encoder: type[json.JSONEncoder] | None = AdvancedJSONEncoder,
        decoder: type[json.JSONDecoder] | None = None,
        encoding: str = JSON,
        custom_type_converters: Sequence[JSONTypeConverter] = (),
    ) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._encoding = encoding
        self._typed = TypedReader(custom_type_converters)
        self._reads_by_json = decoder is not None or bool(custom_type_converters)

    @property
    def encoding(self) -> str:
        """The encoding of JSON, or another that was given."""
        return self._encoding

    def to_payload(self, value: Any) -> Payload | None:
        """Return the payload of any value.

        Raises:
            TypeError: it does not become JSON.
            ValueError: the same.
        """
        if self._encoder is AdvancedJSONEncoder:
            plain = _json.to_payloads([value])[0]
            if plain.encoding == JSON:
                return drafted(plain if self._encoding == JSON else Payload(plain.raw, {"encoding": self._encoding}))
        text = json.dumps(value, cls=self._encoder, separators=(",", ":"), sort_keys=True)
        return drafted(Payload(metadata={"encoding": self._encoding}, data=text.encode()))

    def from_payload(self, payload: Payload, type_hint: type[Any] | None = None) -> Any:
        """Return the value of a JSON payload.

        Raises:
            RuntimeError: it is no JSON.
            TypeError: it does not fit the hint.
            ValueError: the same.
        """
        if self._reads_by_json or not payload.is_json:
            try:
                plain = json.loads(payload.data, cls=self._decoder)
            except json.JSONDecodeError as error:
                raise RuntimeError(f"it is no JSON: {error}") from error
            return self._typed.value(type_hint, plain)
        return _json.from_payloads([Payload(payload.raw)], [type_hint])[0]


_json: Final = JsonConverter()


@public("understudy.converter")
class DefaultPayloadConverter(JsonConverter, CompositePayloadConverter):
    """The chain that is used when none is given: None, bytes, and everything else as JSON.

    A chain of one's own begins with its own links and ends with `default_encoding_payload_converters`.
    """

    default_encoding_payload_converters: ClassVar[tuple[EncodingPayloadConverter, ...]] = (
        BinaryNullPayloadConverter(),
        BinaryPlainPayloadConverter(),
        JSONPlainPayloadConverter(),
    )
    """The links, in order."""

    def __init__(self) -> None:
        JsonConverter.__init__(self)
        self._set_converters(*DefaultPayloadConverter.default_encoding_payload_converters)
