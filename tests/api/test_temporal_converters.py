"""Programs that were written for Temporal's converters run here with their imports changed, and do the same.

The program below is run twice, once on each package, and has to say the same.
"""

from __future__ import annotations

from typing import Any

import pytest

PROGRAM = """
import dataclasses
import zlib
from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Any

IMPORTS

class PointConverter(EncodingPayloadConverter):
    @property
    def encoding(self) -> str:
        return "text/point"

    def to_payload(self, value):
        if isinstance(value, complex):
            data = f"{value.real} {value.imag}".encode()
            return Payload(metadata={"encoding": self.encoding.encode(), "kind": b"\\xff"}, data=data)
        return None

    def from_payload(self, payload, type_hint=None):
        assert not type_hint or type_hint is complex
        assert payload.metadata["kind"] == b"\\xff"
        return complex(*map(float, payload.data.split()))


class AddressEncoder(AdvancedJSONEncoder):
    def default(self, o):
        if isinstance(o, IPv4Address):
            return "at " + str(o)
        return super().default(o)


class AddressType(JSONTypeConverter):
    def to_typed_value(self, hint, value):
        if isinstance(hint, type) and issubclass(hint, IPv4Address):
            return hint(value.removeprefix("at "))
        return JSONTypeConverter.Unhandled


class MyPayloadConverter(CompositePayloadConverter):
    def __init__(self) -> None:
        mine = JSONPlainPayloadConverter(encoder=AddressEncoder, custom_type_converters=[AddressType()])
        super().__init__(
            PointConverter(),
            *[
                mine if isinstance(converter, JSONPlainPayloadConverter) else converter
                for converter in DefaultPayloadConverter.default_encoding_payload_converters
            ],
        )


class ZipCodec(PayloadCodec):
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(metadata={"encoding": b"binary/zlib"}, data=zlib.compress(p.SerializeToString())) for p in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        ret: list[Payload] = []
        for p in payloads:
            if p.metadata.get("encoding", b"").decode() != "binary/zlib":
                ret.append(p)
                continue
            ret.append(Payload.FromString(zlib.decompress(p.data)))
        return ret


@dataclasses.dataclass
class Server:
    address: IPv4Address
    names: list[str]
    backup: IPv4Address | None = None


async def main() -> list[Any]:
    converter = dataclasses.replace(
        DataConverter.default, payload_converter_class=MyPayloadConverter, payload_codec=ZipCodec()
    )
    server = Server(IPv4Address("10.0.0.1"), ["a", "b"])
    values = [1 + 2j, None, b"\\x00", {"b": 1, "a": [server.address]}, server, "text"]
    payloads = await converter.encode(values)
    assert {p.metadata["encoding"] for p in payloads} == {b"binary/zlib"}
    hints = [complex, type(None), bytes, dict[str, Any], Server, str]
    back = await converter.decode(payloads, hints)
    assert back[4] == server
    plain = await ZipCodec().decode(payloads)
    said = [(p.metadata["encoding"], p.data) for p in plain]
    untyped = await converter.decode(payloads)
    wrapped = await converter.decode_wrapper(await converter.encode_wrapper([1, "x"]))
    typed = value_to_type(list[int], [1, 2])
    names = list(map(bytes, converter.payload_converter_class().converters))
    return [said, back[:4], back[5], untyped, wrapped, typed, [n for n in names if b"proto" not in n]]
"""

NAMES = (
    "AdvancedJSONEncoder, CompositePayloadConverter, DataConverter, DefaultPayloadConverter, EncodingPayloadConverter, "
    "JSONPlainPayloadConverter, JSONTypeConverter, PayloadCodec, value_to_type"
)
THEIRS = f"from temporalio.converter import {NAMES}\nfrom temporalio.api.common.v1 import Payload\n"
OURS = f"from understudy.converter import {NAMES}, Payload\n"


async def run(imports: str) -> list[Any]:
    program: dict[str, Any] = {"__name__": "program"}
    code = compile(PROGRAM.replace("IMPORTS", imports), "program", "exec", dont_inherit=True)
    exec(code, program)  # noqa: S102 - the program above
    said: list[Any] = await program["main"]()
    return said


async def test_a_program_with_its_own_converters_and_codec_does_the_same_on_both() -> None:
    theirs, ours = await run(THEIRS), await run(OURS)
    assert ours == theirs


@pytest.mark.parametrize("name", NAMES.split(", "))
def test_each_class_of_the_program_has_the_public_members_of_theirs(name: str) -> None:
    import temporalio.converter

    import understudy.converter

    theirs, ours = getattr(temporalio.converter, name), getattr(understudy.converter, name)
    missing = {member for member in dir(theirs) if not member.startswith("_")} - set(dir(ours))
    assert missing - {"external_storage"} == set()
