"""The interface of payload converters: they turn users' values into payloads, and back.

A converter has two methods of its own; the engine calls the others, which rest on these two. Their errors name the
place (`Where`) and both types. A value that does not fit the hint of its reader can be refused when it is stored
(`fit=True`): then its sender is still there to hear of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from understudy.events.converters.refusal import Where, decode_error, encode_error
from understudy.events.converters.transfer import transfer_of, transferred
from understudy.events.failures.exceptions import FailureError
from understudy.events.payloads.payload import JSON, KINDS_OF_JSON, NOWHERE, Payload, Payloads, RawValue, taken
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy.events.converters.signature import Signature

__all__ = ["PayloadConverter"]


@public("understudy.converter")
class PayloadConverter(ABC):
    """Turns values into payloads and back; called on any thread, so it keeps no state that a call changes.

    A converter of one's own writes `to_payloads` and `from_payloads`; the engine calls the rest, which says in its
    errors what value it was about.
    """

    default: ClassVar[PayloadConverter]
    """The one that is used when none is given."""

    @abstractmethod
    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Return one payload for each value; a RawValue is its own.

        Raises:
            Exception: a value cannot be converted.
        """

    @abstractmethod
    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[Any] | None = None) -> list[Any]:
        """Return one value for each payload.

        Args:
            payloads: what to convert.
            type_hints: what each is to be, None or Any for whatever it is; None: nothing is known.

        Raises:
            Exception: a payload cannot be converted.
        """

    def to_payloads_wrapper(self, values: Sequence[Any]) -> Payloads:
        """Return one payload for each value, in a wrapper."""
        return Payloads(self.to_payloads(values))

    def from_payloads_wrapper(self, payloads: Payloads | None) -> list[Any]:
        """Return one value for each payload in a wrapper; none if there is none."""
        return self.from_payloads(payloads.payloads) if payloads is not None and payloads.payloads else []

    def to_payload(self, value: Any) -> Payload:
        """Return the payload of one value."""
        return self.to_payloads([value])[0]

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Return the value of one payload."""
        return self.from_payloads([payload], None if type_hint is None else [type_hint])[0]

    def encode(self, value: Any, hint: Any = None, *, where: object = NOWHERE, fit: bool = False) -> Payload:
        """Return the payload of one value.

        Args:
            value: what to store.
            hint: what it will be read as; None: not known.
            where: names the value in an error; its `str` is taken only then.
            fit: True to refuse a value that does not fit the hint.

        Raises:
            FailureError: the converter declares one.
            PayloadEncodeError: the value cannot be stored, or does not fit.
        """
        try:
            return self._encode(value, hint, fit=fit)
        except FailureError:
            raise
        except Exception as error:
            raise encode_error(error, value, hint, where) from error

    def decode(self, payload: Payload, hint: Any = None, *, where: object = NOWHERE) -> Any:
        """Return the value of one payload.

        Args:
            payload: what was stored.
            hint: what it is to be; None or Any: whatever JSON says.
            where: names the value in an error; its `str` is taken only then.

        Raises:
            FailureError: the converter declares one.
            PayloadDecodeError: it cannot be read, or not as the hint says.
        """
        try:
            return self._decode(payload, hint)
        except FailureError:
            raise
        except Exception as error:
            raise decode_error(error, _kind_of(payload), hint, where) from error

    def encode_args(
        self, values: Sequence[Any], signature: Signature | None = None, *, where: object = NOWHERE, fit: bool = False
    ) -> tuple[Payload, ...]:
        """Return the payloads of the arguments of a call; `where` names what is called. See `encode`."""
        payloads: list[Payload] = []
        value = hint = None
        try:
            for value in values:
                hint = signature.hint_at(len(payloads)) if signature is not None else None
                payloads.append(self._encode(value, hint, fit=fit))
        except FailureError:
            raise
        except Exception as error:
            raise encode_error(error, value, hint, _place(where, len(payloads), signature)) from error
        return tuple(payloads)

    def decode_args(
        self, payloads: Sequence[Payload], signature: Signature | None = None, *, where: object = NOWHERE
    ) -> list[Any]:
        """Return the arguments for a call; `where` names what is called. See `decode`."""
        values: list[Any] = []
        payload = hint = None
        try:
            for payload in payloads:
                hint = signature.hint_at(len(values)) if signature is not None else None
                values.append(self._decode(payload, hint))
        except FailureError:
            raise
        except Exception as error:
            place = _place(where, len(values), signature)
            raise decode_error(error, _kind_of(payloads[len(values)]), hint, place) from error
        return values

    def raw(self, payloads: Sequence[Payload]) -> list[RawValue]:
        """Return the payloads as values that are passed on as they are."""
        return [RawValue(payload) for payload in payloads]

    def fits(self, subject: Any, hint: Any) -> bool:
        """True if `subject`, a value or a payload, can be read as `hint`."""
        try:
            if isinstance(subject, Payload):
                self._decode(subject, hint)
            else:
                self._encode(subject, hint, fit=True)
        except Exception:  # noqa: BLE001 - whatever it is, it does not fit
            return False
        return True

    def _encode(self, value: Any, hint: Any, *, fit: bool) -> Payload:
        payload = taken(self.to_payloads([transferred(value)])[0])
        if fit:
            try:  # noqa: SIM105 - a context manager costs more than the rest
                self._decode(payload, hint)
            except FailureError:  # the reader's to fail by
                pass
        return payload

    def _decode(self, payload: Payload, hint: Any) -> Any:
        if hint is RawValue:
            return RawValue(payload)
        transfer = transfer_of(hint)
        if transfer is not None:
            return transfer.from_transfer_type(self._decode(payload, transfer.transfer_type), hint)
        return self.from_payloads([payload], None if hint is None else [hint])[0]


def _place(where: object, index: int, signature: Signature | None) -> Where:
    return Where(where, index, signature.name_at(index) if signature is not None else "")


def _kind_of(payload: Payload) -> str:
    if payload.encoding != JSON:
        return payload.encoding
    return KINDS_OF_JSON.get(bytes(payload.raw)[:1].decode(errors="replace"), "number")
