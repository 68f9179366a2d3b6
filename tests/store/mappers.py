"""A compressor and a cipher written against eventsourcing's interfaces; the cipher is no secret."""

from __future__ import annotations

from eventsourcing.compressor import ZlibCompressor
from eventsourcing.persistence import Cipher
from eventsourcing.utils import Environment

from understudy.events.store.mapper import EventMapper

__all__ = ["Rot", "scrambling_mapper"]


class Rot(Cipher):
    """Adds a number to each byte, and a mark in front, so that what it did not write is refused."""

    def __init__(self, environment: Environment) -> None:
        self.shift = int(environment.get("SHIFT", "13") or 13)

    def encrypt(self, plaintext: bytes) -> bytes:
        return bytes([self.shift]) + bytes((byte + self.shift) % 256 for byte in plaintext)

    def decrypt(self, ciphertext: bytes) -> bytes:
        if ciphertext[:1] != bytes([self.shift]):
            raise ValueError("another key wrote this")
        return bytes((byte - self.shift) % 256 for byte in ciphertext[1:])


def scrambling_mapper(shift: int = 13) -> EventMapper:
    """A mapper that compresses and encrypts."""
    return EventMapper(ZlibCompressor(), Rot(Environment(env={"SHIFT": str(shift)})))
