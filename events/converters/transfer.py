"""Transfer types: a class says which other type travels in its place.

The converter stands on the class and is found there by whatever converter of payloads is used: a value is replaced on
its way in, and made again by the hint on its way out. Only the value itself is looked at, not what is inside of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, get_origin

from understudy.events.public import public

__all__ = ["TransferTypeConverter", "transfer_of", "transfer_type_convertible", "transferred"]

ValueT = TypeVar("ValueT")
TransferTypeT = TypeVar("TransferTypeT")

_MARK: Final = "__understudy_transfer__"


@public("understudy.converter")
class TransferTypeConverter(ABC, Generic[ValueT, TransferTypeT]):
    """Turns a value into another that travels in its place, and back."""

    transfer_type: type[TransferTypeT] | None = None
    """The hint by which what has travelled is read; None: whatever it is."""

    @abstractmethod
    def to_transfer_type(self, value: ValueT) -> TransferTypeT:
        """Return what travels in place of a value."""

    @abstractmethod
    def from_transfer_type(self, value: TransferTypeT, type_hint: type[ValueT]) -> ValueT:
        """Return the value; `type_hint` is what it is to be, with the arguments of a generic class."""


def transfer_type_convertible(
    converter_type: type[TransferTypeConverter[ValueT, TransferTypeT]],
) -> Callable[[type[ValueT]], type[ValueT]]:
    """Return a decorator for a class whose values travel as something else.

    Args:
        converter_type: says how; made without arguments, once.

    Raises:
        TypeError: the class has such a converter already.
    """

    def mark(cls: type[ValueT]) -> type[ValueT]:
        if transfer_of(cls) is not None:
            raise TypeError(f"{cls.__qualname__} has a transfer type converter already")
        setattr(cls, _MARK, converter_type())
        return cls

    return mark


def transfer_of(hint: Any) -> TransferTypeConverter[Any, Any] | None:
    """Return the converter that stands on a class, or on the class of a generic hint."""
    found: TransferTypeConverter[Any, Any] | None = getattr(get_origin(hint) or hint, _MARK, None)
    return found


def transferred(value: Any) -> Any:
    """Return what travels in place of a value, itself if nothing does."""
    converter = transfer_of(type(value))
    return value if converter is None else converter.to_transfer_type(value)
