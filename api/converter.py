"""How values and errors become what is stored: converters, codecs, payloads.

`DataConverter` holds them together and is given to `Client.connect(data_converter=...)`. `JsonConverter` is the
default, `DefaultPayloadConverter` the same as a chain of encodings, which is Temporal's way to add one's own.
"""

from __future__ import annotations

from understudy.events.codec import PayloadCodec
from understudy.events.converters import (
    CloudpickleConverter,
    DataConverter,
    create_payload_validation_error,
    default,
)
from understudy.events.encodings import (
    BinaryNullPayloadConverter,
    BinaryPlainPayloadConverter,
    CompositePayloadConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
)
from understudy.events.failure import (
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    Failure,
    FailureConverter,
)
from understudy.events.json_converter import JsonConverter
from understudy.events.json_types import (
    AdvancedJSONEncoder,
    JSONTypeConverter,
    JSONTypeConverterUnhandled,
    value_to_type,
)
from understudy.events.payload import Payload, PayloadConverter, Payloads, binary_of, binary_payload
from understudy.events.serialization import WithSerializationContext
from understudy.events.serialization_contexts import (
    ActivitySerializationContext,
    SerializationContext,
    WorkflowSerializationContext,
)
from understudy.events.transfer import TransferTypeConverter, transfer_type_convertible

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
