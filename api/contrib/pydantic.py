"""Values by pydantic's own rules: whatever it reads and writes, validated when it is read.

Pydantic models work without this (`understudy.converter`). It is for programs that want all values, dataclasses and
containers too, to go through pydantic: its validators in `Annotated`, its lax conversions, its forms of dates.

    client = await Client.connect("sqlite:///orders.db", data_converter=pydantic_data_converter)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import SchemaSerializer, to_json
from pydantic_core.core_schema import any_schema

from understudy.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
    Payload,
)
from understudy.events.payloads.payload import drafted

__all__ = [
    "PydanticJSONPlainPayloadConverter",
    "PydanticPayloadConverter",
    "ToJsonOptions",
    "pydantic_data_converter",
]


@dataclass
class ToJsonOptions:
    """Options for the way in which pydantic writes values.

    Args:
        exclude_unset: True to leave out the fields of models that nobody has set.
    """

    exclude_unset: bool = False


class PydanticJSONPlainPayloadConverter(EncodingPayloadConverter):
    """Turns every value into JSON by pydantic's rules; it belongs at the end of a chain.

    Args:
        to_json_options: how values are written; None: as pydantic does it.
        max_cached_type_adapters: how many hints are kept ready to be read by; None: all, 0: none.

    Raises:
        ValueError: `max_cached_type_adapters` is negative.
    """

    def __init__(
        self, to_json_options: ToJsonOptions | None = None, *, max_cached_type_adapters: int | None = 1024
    ) -> None:
        if max_cached_type_adapters is not None and max_cached_type_adapters < 0:
            raise ValueError(f"max_cached_type_adapters is {max_cached_type_adapters}, it cannot be below 0")
        self._options = to_json_options
        self._most = max_cached_type_adapters
        self._prepare()

    def _prepare(self) -> None:
        self._serializer = SchemaSerializer(any_schema())
        self._adapter = lru_cache(self._most)(_new_adapter)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the settings; the rest is made anew of them."""
        return {"_options": self._options, "_most": self._most}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the settings of a pickle."""
        self._options, self._most = state["_options"], state["_most"]
        self._prepare()

    @property
    def encoding(self) -> str:
        """The encoding of JSON."""
        return "json/plain"

    def to_payload(self, value: Any) -> Payload | None:
        """Return the payload of any value.

        Raises:
            pydantic_core.PydanticSerializationError: pydantic does not know how it becomes JSON.
        """
        if self._options is None:
            data = to_json(value)
        else:
            data = self._serializer.to_json(value, exclude_unset=self._options.exclude_unset)
        return drafted(Payload(metadata={"encoding": self.encoding.encode()}, data=data))

    def from_payload(self, payload: Payload, type_hint: type[Any] | None = None) -> Any:
        """Return the value of a JSON payload, validated.

        Raises:
            pydantic.ValidationError: it does not fit the hint.
        """
        hint: Any = Any if type_hint is None else type_hint
        try:
            hash(hint)
        except TypeError:
            return _new_adapter(hint).validate_json(payload.data)
        return self._adapter(hint).validate_json(payload.data)


def _new_adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


class PydanticPayloadConverter(CompositePayloadConverter):
    """The default chain, with pydantic's way to JSON at its end.

    Args:
        to_json_options: how values are written; None: as pydantic does it.
        max_cached_type_adapters: how many hints are kept ready to be read by; None: all, 0: none. To give it to a data
            converter, derive a class whose `__init__` needs no arguments.
    """

    def __init__(
        self, to_json_options: ToJsonOptions | None = None, *, max_cached_type_adapters: int | None = 1024
    ) -> None:
        json = PydanticJSONPlainPayloadConverter(to_json_options, max_cached_type_adapters=max_cached_type_adapters)
        links = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(json if isinstance(link, JSONPlainPayloadConverter) else link for link in links))


pydantic_data_converter = DataConverter(payload_converter_class=PydanticPayloadConverter)
"""Values by pydantic's own rules."""
