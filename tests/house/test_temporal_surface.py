"""Our surface is Temporal's, but for what two tables list with a reason; and the tables list nothing that agrees.

A program that moves over changes its imports and its address. So every name, member and parameter of theirs is there,
with the same kind and the same default, or a row says why not; `tests/house/temporal_surface.py` says what counts.
"""

from __future__ import annotations

import dataclasses
import enum
import types
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.house.temporal_differences import BEING_BUILT, DELIBERATE, LATER, table
from tests.house.temporal_surface import differences, of_function, of_thing
from tests.house.tree import ROOT

PAGE = ROOT / "docs" / "moving-from-temporal.md"
ROWS = (*DELIBERATE, *LATER)


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    """Every difference that there is."""
    return differences()


# -- the tables ------------------------------------------------------------------------------------------------------


def test_every_difference_stands_in_a_table_with_its_reason(found: dict[str, str]) -> None:
    rows = (*ROWS, *BEING_BUILT)
    unlisted = {place: amiss for place, amiss in found.items() if not any(row.covers(place) for row in rows)}
    assert unlisted == {}, "add what is missing, or a row to tests/house/temporal_differences.py and to the page"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_every_place_of_a_row_still_differs(found: dict[str, str], row: Any) -> None:
    idle = [pattern for pattern in row.places if not any(fnmatchcase(place, pattern) for place in found)]
    assert idle == [], "what is the same now needs no row: take it out of the table, and of the page"
    assert row.why.strip()


@pytest.mark.parametrize("rows", [DELIBERATE, LATER], ids=["deliberate", "later"])
def test_the_page_on_moving_has_the_same_table(rows: Any) -> None:
    assert table(rows) in PAGE.read_text(encoding="utf-8"), f"the page needs this table:\n\n{table(rows)}"


def test_the_page_on_moving_does_not_tell_of_what_is_being_built() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert not any(row.title in page for row in BEING_BUILT)


# -- the comparison itself -------------------------------------------------------------------------------------------


def like_theirs(cls: type) -> type:
    """A class that seems to be one of Temporal's."""
    cls.__module__ = "temporalio.example"
    return cls


@like_theirs
@dataclasses.dataclass
class Theirs:
    """Stands for a class of theirs."""

    size: int
    colour: str = "red"

    @property
    def area(self) -> int:
        return self.size

    async def paint(self, colour: str, *, coats: int = 2) -> None: ...

    @staticmethod
    def of(size: int) -> Theirs:
        return Theirs(size)


class Ours:
    """Falls short of it in every way."""

    def __init__(self, colour: str, size: int, place: str) -> None:
        self.of = colour, size, place

    def paint(self, colour: str = "red", coats: int = 2) -> None: ...


UNSET, ALSO_UNSET = object(), object()


def test_what_a_class_lacks_and_asks_for_is_found() -> None:
    assert dict(of_thing("m.C", Theirs, Ours)) == {
        "m.C.area": "missing",
        "m.C.of": "missing",
        "m.C.size": "missing",
        "m.C.colour": "missing",
        "m.C.paint": "it is awaited in one, and not in the other",
        "m.C.paint(colour)": "'red' instead of required",
        "m.C.paint(coats)": "positional or keyword instead of keyword-only",
        "m.C(size)": "argument 2 instead of 1",
        "m.C(colour)": "argument 1 instead of 2",
        "m.C(place)": "required, where the other has none",
    }


def test_what_is_the_same_is_no_difference() -> None:
    assert dict(of_thing("m.C", Theirs, Theirs)) == {}


def test_a_method_of_an_instance_is_no_static_one() -> None:
    @dataclasses.dataclass
    class Near(Theirs):
        def of(self, size: int) -> Theirs:  # type: ignore[misc]  # pyright: ignore[reportIncompatibleMethodOverride]  # on purpose
            return Theirs(size)

    assert dict(of_thing("m.C", Theirs, Near)) == {"m.C.of": "it is called on the class"}


def test_a_class_that_is_none_is_found() -> None:
    assert "a class is expected" in dict(of_thing("m.C", Theirs, len))["m.C"]
    assert "a function is expected" in dict(of_thing("m.f", len, 3))["m.f"]


def test_a_choice_with_another_number_is_found() -> None:
    @like_theirs
    class Choice(enum.IntEnum):
        ONE = 1
        TWO = 2

    class Other(enum.IntEnum):
        ONE = 2

    assert sorted(dict(of_thing("m.Choice", Choice, Other))) == ["m.Choice.ONE", "m.Choice.TWO"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (lambda a=[]: a, lambda a=(): a),
        (lambda a={}: a, lambda a=types.MappingProxyType({}): a),
        (lambda a=UNSET: a, lambda a=ALSO_UNSET: a),
    ],
)
def test_a_default_that_means_the_same_is_the_same(theirs: Any, ours: Any) -> None:
    assert dict(of_function("m.f", theirs, ours, skip=0)) == {}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (lambda a=1: a, lambda a=2: a),
        (lambda a=1: a, lambda a: a),
        (lambda a: a, lambda *a: a),
        (lambda a, **b: (a, b), lambda a: a),
        (lambda a: a, lambda b, a: (a, b)),
    ],
)
def test_a_parameter_that_means_something_else_is_found(theirs: Any, ours: Any) -> None:
    assert dict(of_function("m.f", theirs, ours, skip=0)) != {}
