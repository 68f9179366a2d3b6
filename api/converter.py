"""How values and errors become what is stored: converters, codecs, payloads.

`DataConverter` holds them together and is given to `Client.connect(data_converter=...)`. `JsonConverter` is the
default, also under Temporal's name for it, `DefaultPayloadConverter`.
"""

from __future__ import annotations

from understudy.events.converters import (
    BinaryPlainPayloadConverter,
    CloudpickleConverter,
    CompositePayloadConverter,
    DataConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
    PayloadCodec,
    default,
)
from understudy.events.failure import (
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    Failure,
    FailureConverter,
)
from understudy.events.payload import JsonConverter, Payload, PayloadConverter, binary_of, binary_payload

DefaultPayloadConverter = JsonConverter

__all__ = [
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
    "JsonConverter",
    "Payload",
    "PayloadCodec",
    "PayloadConverter",
    "binary_of",
    "binary_payload",
    "default",
]
