"""The data converter, which holds one converter of values, one of failures and a codec; and pickled values.

`JsonConverter` is in `events.converters.json_converter`, chains of encodings in `events.converters.encodings`, codecs
in `events.converters.codec`. A `DataConverter` names one of each, and is what a client is given.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from understudy.events.converters.codec import PayloadCodec
from understudy.events.converters.encodings import DefaultPayloadConverter
from understudy.events.converters.failure_converter import DefaultFailureConverter, FailureConverter
from understudy.events.converters.in_context import WithSerializationContext, in_context, takes_context
from understudy.events.converters.json_converter import JsonConverter
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.failures.exceptions import ApplicationError
from understudy.events.failures.failure import Failure
from understudy.events.payloads.payload import Payload, Payloads, RawValue, binary_of, binary_payload
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy.events.converters.contexts import SerializationContext

__all__ = [
    "CLOUDPICKLE",
    "CloudpickleConverter",
    "DataConverter",
    "create_payload_validation_error",
    "default",
]

CLOUDPICKLE: Final = "python/cloudpickle"


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


@public("understudy.converter")
@dataclasses.dataclass(frozen=True)
class DataConverter(WithSerializationContext):
    """The converters and the codec that values and errors pass on their way to the store and back.

    Args:
        payload_converter_class: makes the converter of values.
        payload_codec: comes after it; None: nothing does.
        failure_converter_class: makes the converter of errors.
    """

    payload_converter_class: type[PayloadConverter] = DefaultPayloadConverter
    payload_codec: PayloadCodec | None = None
    failure_converter_class: type[FailureConverter] = DefaultFailureConverter
    payload_converter: PayloadConverter = dataclasses.field(init=False)
    """Made of its class."""
    failure_converter: FailureConverter = dataclasses.field(init=False)
    """Made of its class."""

    default: ClassVar[DataConverter]
    """JSON, no codec, failures in plain sight."""

    def __post_init__(self) -> None:
        """Make the converters of their classes."""
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

    async def encode_wrapper(self, values: Sequence[Any]) -> Payloads:
        """Return what `encode` returns, in a wrapper."""
        return Payloads(await self.encode(values))

    async def decode_wrapper(self, payloads: Payloads | None, type_hints: list[Any] | None = None) -> list[Any]:
        """Return the values of the payloads in a wrapper; none if there is none."""
        return await self.decode(payloads.payloads, type_hints) if payloads is not None and payloads.payloads else []

    async def encode_failure(self, exception: BaseException) -> Failure:
        """Return what is stored of an exception, through converter and codec."""
        failure = self.failure_converter.to_failure(exception, self.payload_converter)
        return failure if self.payload_codec is None else await self.payload_codec.encode_failure(failure)

    async def decode_failure(self, failure: Failure) -> BaseException:
        """Return the exception of a failure, through codec and converter."""
        plain = failure if self.payload_codec is None else await self.payload_codec.decode_failure(failure)
        return self.failure_converter.from_failure(plain, self.payload_converter)

    @property
    def takes_context(self) -> bool:
        """True if its class or one of its parts asks for a context."""
        asks = type(self).with_context is not DataConverter.with_context
        return asks or any(map(takes_context, (self.payload_converter, self.payload_codec, self.failure_converter)))

    def with_context(self, context: SerializationContext) -> Self:
        """Return one whose parts know the context, or itself if none asks for it."""
        values, codec = in_context(self.payload_converter, context), in_context(self.payload_codec, context)
        failures = in_context(self.failure_converter, context)
        if values is self.payload_converter and codec is self.payload_codec and failures is self.failure_converter:
            return self
        made = dataclasses.replace(self, payload_codec=codec)
        object.__setattr__(made, "payload_converter", values)
        object.__setattr__(made, "failure_converter", failures)
        return made


DataConverter.default = DataConverter()
PayloadConverter.default = DataConverter.default.payload_converter


def default() -> DataConverter:
    """Return the data converter that is used when none is given."""
    return DataConverter.default


def create_payload_validation_error(details: Any) -> ApplicationError:
    """Return the error for a payload that is read and found not to be valid: a failure that is not tried again.

    Args:
        details: what is amiss; None: nothing to say.
    """
    return ApplicationError(
        "Payload validation failed",
        *(() if details is None else (details,)),
        type="PayloadValidationError",
        non_retryable=True,
    )
