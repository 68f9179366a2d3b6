"""Search attributes keep their types through the store, and a value of another type is refused."""

from __future__ import annotations

import inspect
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
import temporalio.common
from hypothesis import given
from hypothesis import strategies as st

from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.options import search_attributes as search
from understudy.events.options.search_attributes import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    from_stored,
    to_stored,
    typed_search_attributes,
    untyped,
    with_updates,
)

CUSTOMER = SearchAttributeKey.for_keyword("CustomerId")
AMOUNT = SearchAttributeKey.for_float("Amount")
DUE = SearchAttributeKey.for_datetime("Due")

EARLY, LATE = datetime.min.replace(year=2), datetime.max.replace(year=9998)  # noqa: DTZ901 - the zones are generated
zones = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
VALUES: dict[SearchAttributeKey[Any], st.SearchStrategy[Any]] = {
    SearchAttributeKey.for_text("Text"): st.text(),
    SearchAttributeKey.for_keyword("Keyword"): st.text(),
    SearchAttributeKey.for_int("Int"): st.integers(),
    SearchAttributeKey.for_float("Float"): st.floats(allow_nan=False, allow_infinity=False),
    SearchAttributeKey.for_bool("Bool"): st.booleans(),
    SearchAttributeKey.for_datetime("Datetime"): st.datetimes(
        EARLY,
        LATE,
        timezones=zones,
    ),
    SearchAttributeKey.for_keyword_list("List"): st.lists(st.text()),
}
attributes = st.fixed_dictionaries({}, optional=VALUES).map(
    lambda values: TypedSearchAttributes([SearchAttributePair(key, value) for key, value in values.items()])
)


@given(attributes)
def test_attributes_come_back_from_the_store_with_their_types(typed: TypedSearchAttributes) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(to_stored(typed)))
    assert from_stored(stored) == typed
    assert pickle.loads(pickle.dumps(typed)) == typed  # noqa: S301 - our own pickle


def test_what_is_stored_says_its_type_and_is_read_with_sql() -> None:
    due = datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1)))
    typed = TypedSearchAttributes([SearchAttributePair(DUE, due), SearchAttributePair(CUSTOMER, "c-17")])
    assert to_stored(typed) == {
        "CustomerId": {"type": "Keyword", "value": "c-17"},
        "Due": {"type": "Datetime", "value": "2026-01-02T02:00:00.000000+00:00"},
    }


@given(*[st.datetimes(EARLY, LATE, timezones=zones)] * 2)
def test_stored_times_sort_like_the_times(one: datetime, other: datetime) -> None:
    def stored(at: datetime) -> str:
        attribute: Any = to_stored({"Due": [at]})["Due"]
        return str(attribute["value"])

    assert (stored(one) < stored(other)) == (one < other)


def test_pairs_are_sorted_and_found_by_their_key() -> None:
    typed = TypedSearchAttributes([SearchAttributePair(CUSTOMER, "c"), SearchAttributePair(AMOUNT, 2.5)])
    assert [pair.key.name for pair in typed] == ["Amount", "CustomerId"]
    assert len(typed) == 2
    keys: list[Any] = [CUSTOMER, SearchAttributeKey.for_text("CustomerId")]
    there, elsewhere = keys
    assert there in typed
    assert elsewhere not in typed
    assert typed[AMOUNT] == 2.5
    assert typed.get(DUE) is None
    assert typed.get(DUE, 3) == 3
    with pytest.raises(KeyError):
        typed[DUE]


def test_the_empty_collection_is_empty() -> None:
    assert len(TypedSearchAttributes.empty) == 0
    assert typed_search_attributes(None) is TypedSearchAttributes.empty
    assert to_stored(None) == {}


def test_two_pairs_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="'CustomerId' is given twice"):
        TypedSearchAttributes([SearchAttributePair(CUSTOMER, "a"), SearchAttributePair(CUSTOMER, "b")])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (CUSTOMER, 3),
        (AMOUNT, "3"),
        (AMOUNT, True),
        (SearchAttributeKey.for_int("Int"), True),
        (SearchAttributeKey.for_int("Int"), 1.5),
        (SearchAttributeKey.for_bool("Bool"), 1),
        (SearchAttributeKey.for_keyword_list("List"), "abc"),
        (SearchAttributeKey.for_keyword_list("List"), [1]),
        (DUE, datetime(2026, 1, 1)),  # noqa: DTZ001 - without a zone, on purpose
        (DUE, "2026-01-01"),
    ],
)
def test_a_value_of_another_type_is_refused(key: SearchAttributeKey[Any], value: Any) -> None:
    with pytest.raises((ArgumentTypeError, InvalidArgumentError), match=repr(key.name)):
        key.value_set(value)
    with pytest.raises((ArgumentTypeError, InvalidArgumentError), match=repr(key.name)):
        TypedSearchAttributes([SearchAttributePair(key, value)])


def test_an_integer_will_do_for_a_number() -> None:
    assert TypedSearchAttributes([SearchAttributePair(AMOUNT, 3)])[AMOUNT] == 3


def test_updates_set_replace_and_take_away() -> None:
    typed = TypedSearchAttributes([SearchAttributePair(CUSTOMER, "a"), SearchAttributePair(AMOUNT, 1.0)])
    changed = with_updates(typed, [CUSTOMER.value_set("b"), AMOUNT.value_unset(), DUE.value_unset()])
    assert list(changed) == [SearchAttributePair(CUSTOMER, "b")]
    assert list(typed.updated(SearchAttributePair(AMOUNT, 2.0))) == [
        SearchAttributePair(AMOUNT, 2.0),
        SearchAttributePair(CUSTOMER, "a"),
    ]


@pytest.mark.parametrize(
    ("values", "key", "value"),
    [
        (["a"], SearchAttributeKey.for_keyword("X"), "a"),
        (["a", "b"], SearchAttributeKey.for_keyword_list("X"), ["a", "b"]),
        ([True], SearchAttributeKey.for_bool("X"), True),
        ([3], SearchAttributeKey.for_int("X"), 3),
        ([3.5], SearchAttributeKey.for_float("X"), 3.5),
        ([datetime(2026, 1, 1, tzinfo=UTC)], SearchAttributeKey.for_datetime("X"), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_untyped_list_gets_the_type_of_its_values(
    values: list[Any], key: SearchAttributeKey[Any], value: Any
) -> None:
    assert typed_search_attributes({"X": values, "Empty": []})[key] == value


@pytest.mark.parametrize("values", ["abc", [1, 2], [None], 3])
def test_an_untyped_value_that_cannot_be_is_refused(values: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="'X'"):
        typed_search_attributes({"X": values})


def test_the_names_are_those_of_the_interface_that_is_followed() -> None:
    for name in search.__all__:
        ours, theirs = getattr(search, name), getattr(temporalio.common, name, None)
        if inspect.isclass(ours) and inspect.isclass(theirs):
            public = {member for member in dir(theirs) if not member.startswith("_")}
            assert public <= {member for member in dir(ours) if not member.startswith("_")} | {"name", "value_type"} | {
                "indexed_value_type",
                "key",
                "value",
                "search_attributes",
            }
    assert CUSTOMER.origin_value_type is str


def test_the_untyped_form_has_a_list_for_each_name() -> None:
    tags, size = SearchAttributeKey.for_keyword_list("Tags"), SearchAttributeKey.for_int("Size")
    pairs: list[SearchAttributePair[Any]] = [SearchAttributePair(tags, ["a", "b"]), SearchAttributePair(size, 3)]
    assert untyped(TypedSearchAttributes(pairs)) == {"Tags": ["a", "b"], "Size": [3]}
