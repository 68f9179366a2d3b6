"""Codecs for the tests: one that is easily seen, one that waits, one that fails; none of them is a secret."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from understudy.converter import (
    Payload,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

__all__ = ["Joining", "Masking", "PerWorkflow", "Waiting", "masked"]

ENCODING = b"binary/masked"


def masked(text: bytes) -> bytes:
    """Text with each of its bytes changed."""
    return bytes(byte ^ 0x55 for byte in text)


class Masking(PayloadCodec):
    """Changes each byte, and notes by which key it did; what another key wrote is refused.

    Args:
        key: the key to write with.
        *others: further keys to read with.
    """

    def __init__(self, key: str = "k1", *others: str) -> None:
        self.key = key
        self.keys = [key, *others]

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._masked(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._shown(payload) for payload in payloads]

    def _masked(self, payload: Payload) -> Payload:
        return Payload(
            metadata={"encoding": ENCODING, "key": self.key.encode()}, data=masked(payload.SerializeToString())
        )

    def _shown(self, payload: Payload) -> Payload:
        if payload.metadata["encoding"] != ENCODING:
            return payload
        key = payload.metadata["key"].decode()
        if key not in self.keys:
            raise KeyError(f"key {key!r} is not there")
        return Payload.FromString(masked(payload.data))


class Waiting(Masking):
    """Looks up its key on an event loop, as one does that has it from elsewhere."""

    loops: set[int]

    def __init__(self, key: str = "k1", *others: str) -> None:
        super().__init__(key, *others)
        self.loops = set()

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        self.loops.add(id(asyncio.get_running_loop()))
        return await super().encode(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        return await super().decode(payloads)


class Joining(PayloadCodec):
    """Makes one payload of many."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        data = b"\n".join(payload.SerializeToString() for payload in payloads)
        return [Payload(metadata={"encoding": b"binary/joined"}, data=data)]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload.FromString(line) for payload in payloads for line in payload.data.split(b"\n")]


class PerWorkflow(Masking, WithSerializationContext):
    """Masks with a key of each workflow's own."""

    def with_context(self, context: SerializationContext) -> PerWorkflow:
        assert isinstance(context, WorkflowSerializationContext)
        assert context.namespace == "default"
        return PerWorkflow(f"key of {context.workflow_id}")
