"""The marks of a payload: text in the store, bytes to those who read them.

What the links of a chain of encodings make is still its caller's, who may mark it further, until the chain hands it on;
from then on it may be part of an event, and is read only.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Final, NoReturn

__all__ = ["DraftMarks", "DraftMetadata", "Metadata", "bytes_of", "text_of"]

_BASE64: Final = "base64:"
"""In front of a mark that is not text."""


class DraftMarks(dict[str, str]):
    """The marks of a payload that is still its maker's."""


class DraftMetadata(MutableMapping[str, bytes]):
    """The metadata of a payload that is still its maker's; it keeps nothing itself.

    Args:
        read: returns what it is now, to be changed.
        write: told what it is to be.
    """

    __slots__ = ("_read", "_write")

    def __init__(self, read: Callable[[], dict[str, bytes]], write: Callable[[dict[str, bytes]], None]) -> None:
        self._read = read
        self._write = write

    def __repr__(self) -> str:
        return repr(self._read())

    def __getitem__(self, name: str) -> bytes:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __setitem__(self, name: str, mark: bytes) -> None:
        self._write({**self._read(), name: mark})

    def __delitem__(self, name: str) -> None:
        marks = self._read()
        del marks[name]
        self._write(marks)


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
