"""A payload codec that encrypts by AES-GCM, with keys that can change.

Each payload notes the id of the key that it was written by. New payloads are written by one key; all keys that are
given are read by. To change keys, add the new one, write by it, and keep the old one as long as runs are kept.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from understudy.converter import Payload, PayloadCodec

__all__ = ["AesCodec", "MissingKeyError"]

ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"
NONCE_BYTES = 12
"""Of random numbers in front of each payload: AES-GCM must never see one twice by the same key."""


class MissingKeyError(LookupError):
    """A payload was written by a key that is not among those given."""


class AesCodec(PayloadCodec):
    """Encrypts payloads.

    Args:
        keys: 16, 24 or 32 bytes each, by their ids.
        key_id: the one to write by.
    """

    def __init__(self, keys: Mapping[str, bytes], key_id: str) -> None:
        self.key_id = key_id
        self.ciphers = {name: AESGCM(key) for name, key in keys.items()}
        if key_id not in self.ciphers:
            raise MissingKeyError(f"key {key_id!r} is to be written by and not among {sorted(self.ciphers)}")

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads encrypted, their metadata included."""
        return [self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads decrypted; those that were written before there was a codec as they are."""
        return [self._decrypted(payload) for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        nonce = os.urandom(NONCE_BYTES)
        key_id = self.key_id.encode()
        secret = self.ciphers[self.key_id].encrypt(nonce, payload.SerializeToString(), key_id)
        return Payload(metadata={"encoding": ENCODING, KEY_ID: key_id}, data=nonce + secret)

    def _decrypted(self, payload: Payload) -> Payload:
        if payload.metadata["encoding"] != ENCODING:
            return payload
        key_id = payload.metadata[KEY_ID]
        cipher = self.ciphers.get(key_id.decode())
        if cipher is None:
            raise MissingKeyError(f"key {key_id.decode()!r} is not among {sorted(self.ciphers)}")
        nonce, secret = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        return Payload.FromString(cipher.decrypt(nonce, secret, key_id))
