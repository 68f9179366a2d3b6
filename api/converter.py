"""The way of values and errors into the store and back: converters, codecs, payloads.

`DataConverter` holds them together and is given to `Client.connect(data_converter=...)`. `JsonConverter` is the
default, `DefaultPayloadConverter` the same as a chain of encodings, which is Temporal's way to add one's own.
"""

from __future__ import annotations

from understudy.events.converters.codec import PayloadCodec
from understudy.events.converters.contexts import (
    ActivitySerializationContext,
    SerializationContext,
    WorkflowSerializationContext,
)
from understudy.events.converters.data_converter import (
    CloudpickleConverter,
    DataConverter,
    create_payload_validation_error,
    default,
)
from understudy.events.converters.encodings import (
    BinaryNullPayloadConverter,
    BinaryPlainPayloadConverter,
    CompositePayloadConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
)
from understudy.events.converters.failure_converter import (
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    FailureConverter,
)
from understudy.events.converters.in_context import WithSerializationContext
from understudy.events.converters.json_converter import JsonConverter
from understudy.events.converters.json_types import (
    AdvancedJSONEncoder,
    JSONTypeConverter,
    JSONTypeConverterUnhandled,
    value_to_type,
)
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.converters.transfer import TransferTypeConverter, transfer_type_convertible
from understudy.events.failures.failure import Failure
from understudy.events.payloads.payload import Payload, Payloads, binary_of, binary_payload

__all__ = [
    "ActivitySerializationContext",
    "AdvancedJSONEncoder",
    "BinaryNullPayloadConverter",
    "BinaryPlainPayloadConverter",
    "CloudpickleConverter",
    "CompositePayloadConverter",
    "DataConverter",
    "DefaultFailureConverter",
    "DefaultFailureConverterWithEncodedAttributes",
    "DefaultPayloadConverter",
    "EncodingPayloadConverter",
    "Failure",
    "FailureConverter",
    "JSONPlainPayloadConverter",
    "JSONTypeConverter",
    "JSONTypeConverterUnhandled",
    "JsonConverter",
    "Payload",
    "PayloadCodec",
    "PayloadConverter",
    "Payloads",
    "SerializationContext",
    "TransferTypeConverter",
    "WithSerializationContext",
    "WorkflowSerializationContext",
    "binary_of",
    "binary_payload",
    "create_payload_validation_error",
    "default",
    "transfer_type_convertible",
    "value_to_type",
]
