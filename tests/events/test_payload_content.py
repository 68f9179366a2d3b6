"""A payload as those see it who write converters and codecs: content and metadata, as bytes, under Temporal's names."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.events.converters.encodings import (
    CompositePayloadConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
)
from understudy.events.converters.json_converter import JsonConverter
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.payloads.payload import Payload, binary_payload, drafted, taken

ENCODINGS = st.sampled_from([b"json/plain", b"json/odd", b"binary/plain", b"x", b""])


@given(st.binary() | st.sampled_from([b"1", b" 1", b'"x"', b"{}\n", b"NaN", b'"\xff"', b'"AAE="', b"1 2"]), ENCODINGS)
def test_any_content_of_any_encoding_comes_back_to_the_byte(data: bytes, encoding: bytes) -> None:
    payload = Payload(metadata={"encoding": encoding}, data=data)
    assert payload.data == data
    assert payload.metadata == {"encoding": encoding}
    stored = msgspec.json.decode(msgspec.json.encode(payload), type=Payload)
    assert stored == payload
    assert stored.data == data
    assert stored.metadata == payload.metadata
    assert Payload.FromString(payload.SerializeToString()) == payload


@given(st.dictionaries(st.text(), st.binary() | st.sampled_from([b"base64:", b"base64:AA==", b"base64"])))
def test_any_metadata_comes_back_to_the_byte(metadata: dict[str, bytes]) -> None:
    metadata = {**metadata, "encoding": b"binary/x"}
    metadata.pop("understudy/form", None)
    payload = Payload(metadata=metadata, data=b"x")
    assert payload.metadata == metadata
    assert Payload.FromString(payload.SerializeToString()).metadata == metadata


def test_json_is_embedded_and_its_encoding_goes_without_saying() -> None:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b'{"a":1}')
    assert payload == JsonConverter().encode({"a": 1}) == Payload(data=b'{"a":1}')
    assert msgspec.json.encode(payload) == b'{"data":{"a":1}}'
    assert payload.metadata == {"encoding": b"json/plain"}
    assert payload.is_json


def test_what_is_not_json_is_a_string_in_base64() -> None:
    assert Payload(metadata={"encoding": b"binary/plain"}, data=b"x") == binary_payload(b"x")
    odd = Payload(metadata={"encoding": b"json/plain"}, data=b"NaN")
    assert json.loads(msgspec.json.encode(odd))["data"] == "TmFO"
    assert not odd.is_json


def test_a_payload_without_anything_is_empty_content() -> None:
    assert Payload().data == b""
    assert Payload(metadata={"encoding": "binary/null"}).data == b""


def test_raw_json_is_taken_as_it_is_to_stand_in_the_store() -> None:
    payload = Payload(msgspec.Raw(b"[1.0,2.0]"), {"encoding": "complex"})
    assert payload.data == b"[1.0,2.0]"
    assert payload.metadata == {"encoding": b"complex"}


def _set(metadata: Any) -> None:
    metadata["key"] = b"k"


def _del(metadata: Any) -> None:
    del metadata["encoding"]


@pytest.mark.parametrize(
    "change",
    [_set, _del, lambda m: m.update(key=b"k"), lambda m: m.pop("encoding"), lambda m: m.clear()],
    ids=["set", "del", "update", "pop", "clear"],
)
def test_metadata_is_read_only_and_says_how_to_make_another_payload(change: Any) -> None:
    payload = Payload(data=b"1")
    with pytest.raises(TypeError, match="read-only; make another payload"):
        change(payload.metadata)
    other = Payload(payload.data, {**payload.metadata, "key": b"k"})
    assert other.metadata == {"encoding": b"json/plain", "key": b"k"}
    copied = deepcopy(other.metadata)
    assert copied == other.metadata
    assert type(copied) is dict


class Marking(JSONPlainPayloadConverter):
    """Marks what the link that it extends has made."""

    def to_payload(self, value: Any) -> Payload | None:
        """Mark it, under an encoding of its own."""
        payload = super().to_payload(value)
        assert payload is not None
        payload.metadata["mine"] = b"yes"
        return payload


def test_what_a_link_makes_is_its_callers_to_mark_until_a_chain_has_it() -> None:
    chain = CompositePayloadConverter(Marking())
    payload = chain.encode({"a": 1})
    assert payload == Payload(b'{"a":1}', {"mine": b"yes"})
    assert chain.decode(payload) == {"a": 1}
    with pytest.raises(TypeError, match="read-only"):
        payload.metadata["mine"] = b"no"


@pytest.mark.parametrize(
    ("link", "value"),
    list(zip(DefaultPayloadConverter.default_encoding_payload_converters, [None, b"bytes", [1]], strict=True)),
)
def test_each_link_makes_what_may_be_marked(link: EncodingPayloadConverter, value: Any) -> None:
    payload = link.to_payload(value)
    assert payload is not None
    payload.metadata["mine"] = b"yes"
    assert payload.metadata["mine"] == b"yes"
    assert link.from_payload(payload) == value


def test_a_draft_shows_its_metadata_and_keeps_its_content_whatever_its_encoding() -> None:
    payload = drafted(Payload(b"1"))
    metadata = payload.metadata
    metadata["key"] = b"k"
    assert payload == Payload(b"1", {"key": b"k"})
    assert (len(metadata), repr(metadata)) == (2, "{'encoding': b'json/plain', 'key': b'k'}")
    assert dict(metadata) == {"encoding": b"json/plain", "key": b"k"}
    del metadata["key"]
    assert payload == Payload(b"1")
    payload.metadata.update({"encoding": b"mine", "salt": b"\xff"})
    assert (payload.data, payload.encoding) == (b"1", "mine")
    assert payload == Payload(b"1", {"encoding": "mine", "salt": b"\xff"})
    assert taken(payload) == payload
    assert type(taken(payload).marks) is dict


def test_all_that_hold_a_drafts_metadata_see_and_keep_each_others_marks() -> None:
    payload = drafted(Payload(b"1"))
    one, other = payload.metadata, payload.metadata
    one["a"], other["b"] = b"1", b"2"
    del one["b"]
    one["c"] = b"3"
    assert dict(other) == dict(one) == {"encoding": b"json/plain", "a": b"1", "c": b"3"}


def test_a_converter_of_ones_own_may_mark_what_it_got_from_a_link() -> None:
    class Own(PayloadConverter):
        """All JSON, with a mark."""

        def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
            payloads = [JSONPlainPayloadConverter().to_payload(value) for value in values]
            for payload in payloads:
                assert payload is not None
                payload.metadata["mine"] = b"yes"
            return [payload for payload in payloads if payload is not None]

        def from_payloads(self, payloads: Sequence[Payload], type_hints: list[Any] | None = None) -> list[Any]:
            return [json.loads(payload.data) for payload in payloads]

    payload = Own().encode([1])
    assert payload == Payload(b"[1]", {"mine": b"yes"})
    with pytest.raises(TypeError, match="read-only"):
        payload.metadata.clear()


def test_the_mark_of_the_store_is_refused_from_others() -> None:
    with pytest.raises(ValueError, match="take another name"):
        Payload(metadata={"understudy/form": b"base64"}, data=b"x")
    odd = Payload(metadata={"encoding": b"json/plain"}, data=b"NaN")
    assert "understudy/form" not in odd.metadata
    assert pickle.loads(pickle.dumps(odd)) == odd  # noqa: S301 - our own pickle


def test_a_payload_pickles_and_compares() -> None:
    payload = Payload(metadata={"encoding": b"binary/x", "nonce": b"\xff"}, data=b"x")
    assert pickle.loads(pickle.dumps(payload)) == payload  # noqa: S301 - our own pickle
    assert payload != Payload(metadata={"encoding": b"binary/x"}, data=b"x")


def test_bytes_that_are_no_payload_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON is malformed"):
        Payload.FromString(b"\x0a\x02")
