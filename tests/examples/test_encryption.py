"""The encryption example, run as a reader runs it, and its codec alone."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from understudy.converter import DataConverter, Payload, PayloadCodec

pytestmark = pytest.mark.processes

FOLDER = Path(__file__).parents[2] / "examples" / "encryption"
KEY, OTHER = b"k" * 32, b"o" * 32

program: dict[str, Any] = runpy.run_path(str(FOLDER / "aes_codec.py"))
AesCodec: Callable[[dict[str, bytes], str], PayloadCodec] = program["AesCodec"]
MissingKeyError: type[Exception] = program["MissingKeyError"]


def test_the_example_holds_nothing_in_clear_and_goes_on_with_a_new_key(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own example
        [sys.executable, str(FOLDER / "rotation.py")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    half, missing, result, end = done.stdout.splitlines()
    assert half.endswith("In clear: nothing.")
    assert "cannot decode event 1" in missing
    assert "key '2025' is not among ['2026']" in missing
    assert result.endswith("4200 cents to IE29AIBK93115212345678, confirmed by Ada Kim.")
    assert end.endswith("In clear: nothing.")
    assert list(tmp_path.iterdir()) == []


async def test_the_codec_reads_by_every_key_it_has_and_writes_by_one() -> None:
    old, new = AesCodec({"old": KEY}, "old"), AesCodec({"old": KEY, "new": OTHER}, "new")
    values = [{"iban": "x"}, b"bytes", None]
    converter = DataConverter(payload_codec=new)
    for codec, name in ((old, b"old"), (new, b"new")):
        payloads = await DataConverter(payload_codec=codec).encode(values)
        assert {payload.metadata["encryption-key-id"] for payload in payloads} == {name}
        assert await converter.decode(payloads) == values
    plain = Payload(data=b"1")
    assert await old.decode([plain]) == [plain]
    with pytest.raises(MissingKeyError, match=r"key 'new' is not among \['old'\]"):
        await old.decode(await new.encode([plain]))
    with pytest.raises(MissingKeyError):
        AesCodec({"old": KEY}, "new")


async def test_what_was_changed_in_the_store_is_refused() -> None:
    codec = AesCodec({"k": KEY}, "k")
    (payload,) = await codec.encode([Payload(data=b"1")])
    changed = Payload(metadata=payload.metadata, data=payload.data[:-1] + bytes([payload.data[-1] ^ 1]))
    with pytest.raises(InvalidTag):
        await codec.decode([changed])
