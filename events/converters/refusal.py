"""Errors for a value that becomes no payload, and a payload that becomes no value: the place, the types, the reason.

A converter that raises an `ApplicationError`, or any other declared failure, says itself what is wrong, and if
trying again is of use; that is passed on as it is, and does not come by here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from understudy.events.converters.json_hooks import class_of, type_name
from understudy.events.errors import PayloadDecodeError, PayloadEncodeError

__all__ = ["Where", "decode_error", "encode_error"]


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


def encode_error(error: Exception, value: Any, hint: Any, where: object) -> PayloadEncodeError:
    """Return the error for a value that cannot be stored."""
    return PayloadEncodeError(
        where=str(where), value_type=type_name(class_of(value)), hint=_hint_name(hint), reason=_reason(error)
    )


def decode_error(error: Exception, kind: str, hint: Any, where: object) -> PayloadDecodeError:
    """Return the error for a payload, of some kind, that cannot be read."""
    return PayloadDecodeError(where=str(where), got_type=kind, hint=_hint_name(hint), reason=_reason(error))


def _hint_name(hint: Any) -> str:
    return "" if hint is None or hint is Any else type_name(hint)


def _reason(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return text.rstrip(".") or type(error).__name__
