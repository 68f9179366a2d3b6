"""The marks of a payload: text in the store, bytes to those who read them."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import Any, Final, NoReturn

__all__ = ["Metadata", "bytes_of", "text_of"]

_BASE64: Final = "base64:"
"""In front of a mark that is not text."""


def _refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
    raise TypeError(
        "a payload's metadata is read-only; make another payload: Payload(payload.data, {**payload.metadata, ...})"
    )


class Metadata(dict[str, bytes]):
    """Marks to be read. A payload does not change: it may be part of an event."""

    def __reduce__(self) -> tuple[type[dict[str, bytes]], tuple[dict[str, bytes]]]:
        """Be copied and pickled as a dict, which may be changed."""
        return dict, (dict(self),)

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


def text_of(value: bytes | str) -> str:
    """Return a mark as text; what is not UTF-8 is base64, and says so."""
    if isinstance(value, str):
        return value
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = _BASE64
    return f"{_BASE64}{b2a_base64(value, newline=False).decode()}" if text.startswith(_BASE64) else text


def bytes_of(mark: str) -> bytes:
    """Return a mark as it was given."""
    return a2b_base64(mark.removeprefix(_BASE64)) if mark.startswith(_BASE64) else mark.encode()
