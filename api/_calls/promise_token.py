"""Tokens of durable promises: whoever has one can resolve the promise, from anywhere that reaches the store.

A token names the workflow and carries a secret, made by chance once and recorded; nobody guesses it. What resolves the
promise travels as a signal of a reserved name, so it is durable, in order, and counted once like any signal.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Final, NamedTuple

from understudy.events.errors import InvalidArgumentError
from understudy.events.signal import PROMISE_PREFIX

__all__ = ["PromiseToken", "read_token"]

_SEPARATOR: Final = "\n"


class PromiseToken(NamedTuple):
    """The parts of a token: a secret, and the workflow that waits."""

    secret: str
    workflow_id: str

    @property
    def signal(self) -> str:
        """The name of the signal that resolves the promise."""
        return f"{PROMISE_PREFIX}{self.secret}"

    def __str__(self) -> str:
        """Return the token as it is handed out: letters, digits, `-` and `_`."""
        return urlsafe_b64encode(_SEPARATOR.join(self).encode()).decode().rstrip("=")


def read_token(token: object) -> PromiseToken:
    """Return the parts of a token.

    Raises:
        InvalidArgumentError: it is none.
    """
    try:
        text = urlsafe_b64decode(f"{token}{'=' * (-len(str(token)) % 4)}").decode()
        secret, separator, workflow_id = text.partition(_SEPARATOR)
    except (Error, UnicodeDecodeError, ValueError):
        secret = separator = workflow_id = ""
    if not (isinstance(token, str) and secret and separator and workflow_id):
        raise InvalidArgumentError(
            what="token", got=repr(token), expected="the token of a promise", fix="Pass on promise.token as it is"
        )
    return PromiseToken(secret, workflow_id)
