"""What is kept with a run may be changed by its code: the memo, the search attributes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.behaviors.plays import pack
from tests.behaviors.rehearsal import Rehearsal, payload, value_of
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError, PayloadEncodeError
from understudy.events.options.search_attributes import to_stored

CITY = SearchAttributeKey.for_keyword("City")
WHEN = SearchAttributeKey.for_datetime("When")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@workflow.defn
class Kept:
    """Changes what is kept with it, step by step, and says how that stood each time."""

    @workflow.run
    async def run(self) -> list[Any]:
        told: list[Any] = [dict(workflow.memo())]
        workflow.upsert_memo({"stage": "packing", "first": None})
        told.append(dict(workflow.memo()))
        await workflow.execute_activity(pack, "a")
        workflow.upsert_memo({"stage": None, "boxes": 2})
        told.append([dict(workflow.memo()), workflow.memo_value("boxes", type_hint=float)])
        return told


@workflow.defn
class Found:
    """Changes what it is found by."""

    @workflow.run
    async def run(self) -> list[Any]:
        told = [len(workflow.info().typed_search_attributes)]
        workflow.upsert_search_attributes([CITY.value_set("Bonn"), WHEN.value_set(NOON)])
        told.append(len(workflow.info().typed_search_attributes))
        await workflow.execute_activity(pack, "a")
        workflow.upsert_search_attributes([WHEN.value_unset()])
        told.append(len(workflow.info().typed_search_attributes))
        workflow.upsert_search_attributes({"City": ["Ulm"], "Count": [3], "Gone": []})
        return told


def test_the_memo_is_what_it_was_started_with_and_what_the_code_made_of_it() -> None:
    run = Rehearsal(Kept, memo={"first": payload(1), "second": payload(2)})
    run.complete(1, "box")
    assert run.result == [
        {"first": 1, "second": 2},
        {"second": 2, "stage": "packing"},
        [{"second": 2, "boxes": 2}, 2.0],
    ]
    assert {name: value_of(value) for name, value in run.execution.memo.items()} == {"second": 2, "boxes": 2}


def test_a_replay_sees_the_memo_as_it_was_then_and_not_as_it_is_now() -> None:
    run = Rehearsal(Kept)
    run.complete(1, "box")
    same_again(run)


def test_search_attributes_are_what_the_run_was_started_with_and_what_the_code_made_of_them() -> None:
    started = TypedSearchAttributes([SearchAttributePair(CITY, "Köln")])
    run = Rehearsal(Found, search_attributes=to_stored(started))
    run.complete(1, "box")
    assert run.result == [1, 2, 1]
    found = run.execution.search_attributes
    assert found == {"City": {"type": "Keyword", "value": "Ulm"}, "Count": {"type": "Int", "value": 3}}
    same_again(run)


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "a memo that cannot be stored": (
        lambda: workflow.upsert_memo({"x": object()}),
        PayloadEncodeError,
        "memo 'x': a value of type object",
    ),
    "a name that is none": (lambda: workflow.upsert_memo({"": 1}), InvalidArgumentError, "a key of memo is ''"),
    "no update": (
        lambda: workflow.upsert_search_attributes(["City"]),  # type: ignore[list-item]  # what this is about
        ArgumentTypeError,
        "a search attribute update is 'City'",
    ),
    "no list": (
        lambda: workflow.upsert_search_attributes({"City": "Ulm"}),  # type: ignore[dict-item]  # what this is about
        ArgumentTypeError,
        "search attribute 'City' is 'Ulm', where a list of values is expected",
    ),
    "no patch id": (lambda: workflow.patched(""), InvalidArgumentError, "patch id is ''"),
    "a patch id of another type": (
        lambda: workflow.deprecate_patch(7),  # type: ignore[arg-type]  # what this is about
        ArgumentTypeError,
        "patch id is 7, where a str is expected",
    ),
    "versions the wrong way round": (
        lambda: workflow.get_version("tax", 3, 2),
        InvalidArgumentError,
        "max_supported is 2, where 3 or more is expected",
    ),
    "no version": (
        lambda: workflow.get_version("tax", "old", 2),  # type: ignore[arg-type]  # what this is about
        ArgumentTypeError,
        "min_supported is 'old', where an int is expected",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_is_refused_before_anything_is_asked(what: str) -> None:
    call, kind, message = WRONG[what]

    @workflow.defn
    async def wrong() -> None:
        with pytest.raises(kind, match=message):
            call()

    run = Rehearsal(wrong)
    assert run.topics == ["workflow.started", "workflow.completed"]
