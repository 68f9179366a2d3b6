"""Changes of the code while runs are open: a run goes the way that it went when it first came to the change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.behaviors.plays import charge, pack
from tests.behaviors.rehearsal import Rehearsal, lead
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.errors import NondeterminismError, QueryRefusedError, UnsupportedVersionError
from understudy.events.marker import PatchRecorded, VersionRecorded

OLD, NEW = "activity.scheduled", "timer.started"


def code(body: Callable[[], Any]) -> Any:
    """A workflow that packs, and then does this."""

    @workflow.defn(name="order")
    async def run() -> list[Any]:
        await workflow.execute_activity(pack, "a")
        found = await body()
        await workflow.execute_activity(pack, "z")
        return [found]

    return run


async def old() -> Any:
    return await workflow.execute_activity(charge, 1)


async def both() -> Any:
    if workflow.patched("slow"):
        await workflow.sleep(5)
        return "new"
    return await old()


async def twice() -> Any:
    first = await both()
    return first if workflow.patched("slow") == (first == "new") else "torn"


async def deprecated() -> Any:
    workflow.deprecate_patch("slow")
    await workflow.sleep(5)
    return "new"


async def new() -> Any:
    await workflow.sleep(5)
    return "new"


def play(run: Rehearsal) -> Rehearsal:
    """Lead a run to its end: activities return, timers fire."""
    while run.execution.is_open:
        waiting = next(iter(run.execution.activities), None)
        if waiting is None:
            run.fire()
        else:
            run.complete(waiting, 1 if run.pending(waiting).scheduled.activity_type == "charge" else "box")
    return run


# -- patches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [both, twice])
def test_a_run_that_comes_to_a_patch_for_the_first_time_goes_the_new_way_and_records_it_once(body: Any) -> None:
    run = play(Rehearsal(code(body)))
    assert run.result == ["new"]
    assert [event.patch_id for event in run.events if isinstance(event, PatchRecorded)] == ["slow"]
    same_again(run)


@pytest.mark.parametrize("body", [both, twice])
def test_a_run_that_was_there_before_the_patch_goes_the_old_way_for_ever(body: Any) -> None:
    run = Rehearsal(code(old))
    run.complete(1, "box")
    run.rebuild(code(body))
    assert play(run).result == [1]
    assert "patch.recorded" not in run.topics
    lead(code(body), run.events).close()


def test_a_run_that_has_not_come_to_the_patch_yet_goes_the_new_way_when_it_does() -> None:
    run = Rehearsal(code(old))
    run.rebuild(code(both))
    assert play(run).result == ["new"]
    lead(code(both), run.events).close()


def test_each_change_is_decided_on_its_own() -> None:
    async def one() -> Any:
        return [workflow.patched("first")]

    async def more() -> Any:
        return [workflow.patched("first"), workflow.patched("second"), workflow.get_version("third", -1, 3)]

    run = Rehearsal(code(one))
    run.complete(1, "box")
    run.rebuild(code(more))
    assert play(run).result == [[True, False, -1]]
    fresh = play(Rehearsal(code(more)))
    assert fresh.result == [[True, True, 3]]
    same_again(fresh)


def test_a_run_that_went_the_new_way_keeps_to_it_in_every_replay() -> None:
    run = Rehearsal(code(both))
    run.complete(1, "box")
    run.rebuild()
    assert play(run).result == ["new"]


@pytest.mark.parametrize("later", [both, deprecated])
def test_a_patch_may_be_deprecated_when_no_run_goes_the_old_way(later: Any) -> None:
    run = Rehearsal(code(both))
    run.complete(1, "box")
    run.rebuild(code(deprecated))
    run.rebuild(code(later))
    assert play(run).result == ["new"]
    lead(code(later), run.events).close()


def test_a_deprecated_patch_may_be_taken_out_of_the_code() -> None:
    run = Rehearsal(code(deprecated))
    run.complete(1, "box")
    assert [event.deprecated for event in run.events if isinstance(event, PatchRecorded)] == [True]
    run.rebuild(code(new))
    assert play(run).result == ["new"]
    lead(code(new), run.events).close()


def test_a_deprecated_patch_behind_which_nothing_was_asked_may_be_taken_out_of_the_code() -> None:
    async def last() -> None:
        workflow.deprecate_patch("slow")

    async def nothing() -> None:
        """Do nothing."""

    run = play(Rehearsal(code(last)))
    lead(code(nothing), run.events).close()


def test_a_deprecated_patch_at_the_end_of_the_history_may_be_taken_out_of_the_code() -> None:
    async def waiting() -> None:
        workflow.deprecate_patch("slow")
        await workflow.wait_condition(lambda: False)

    async def only_waiting() -> None:
        await workflow.wait_condition(lambda: False)

    run = Rehearsal(code(waiting))
    run.complete(1, "box")
    assert run.topics[-1] == "patch.recorded"
    run.rebuild(code(only_waiting))
    assert run.run.phase is Phase.RUNNING


def test_a_patch_that_is_not_deprecated_may_not_be_taken_out_of_the_code() -> None:
    run = Rehearsal(code(both))
    run.complete(1, "box")
    with pytest.raises(NondeterminismError) as caught:
        run.rebuild(code(new))
    assert caught.value.recorded == "patch.recorded patch_id='slow'"
    assert caught.value.recorded_source.startswith("test_changes.py:")


def test_a_patch_that_moved_is_an_error_that_names_it() -> None:
    async def moved() -> Any:
        await workflow.sleep(5)
        return workflow.patched("slow")

    run = play(Rehearsal(code(both)))
    with pytest.raises(NondeterminismError, match=r"patch\.recorded patch_id='slow'"):
        lead(code(moved), run.events)


def test_a_run_whose_facts_waited_for_code_comes_to_the_patch_with_the_new_code() -> None:
    run = Rehearsal(code(old))
    run.defer(*[event for event in _completed(run) if event.topic == "activity.completed"])
    run.rebuild(code(both))
    run.resume()
    assert run.topics[-2:] == ["patch.recorded", NEW]
    same_again(run)


def _completed(run: Rehearsal) -> list[Any]:
    other = Rehearsal(run.code)
    return other.complete(1, "box")


# -- versions --------------------------------------------------------------------------------------------------------


def versions(least: int, most: int) -> Any:
    """Code that keeps to a version of a change, and returns it."""

    async def body() -> int:
        found = workflow.get_version("tax", least, most)
        assert workflow.get_version("tax", least, most) == found
        return found

    return code(body)


async def nothing() -> None:
    """Do nothing."""


def test_a_run_keeps_to_the_version_that_was_the_newest_when_it_came_there() -> None:
    run = play(Rehearsal(versions(-1, 2)))
    assert run.result == [2]
    assert [event.version for event in run.events if isinstance(event, VersionRecorded)] == [2]
    same_again(run)
    lead(versions(-1, 2), run.events).close()


def test_a_newer_version_of_the_code_does_not_change_a_run_that_was_there() -> None:
    run = Rehearsal(versions(-1, 2))
    run.complete(1, "box")
    run.rebuild(versions(1, 7))
    assert play(run).result == [2]


def test_a_run_that_is_older_than_the_change_has_the_default_version() -> None:
    run = Rehearsal(code(nothing))
    run.complete(1, "box")
    run.rebuild(versions(workflow.DEFAULT_VERSION, 3))
    assert play(run).result == [workflow.DEFAULT_VERSION]
    assert "version.recorded" not in run.topics


@pytest.mark.parametrize(("first", "least", "most", "kept"), [(2, 3, 4, 2), (2, 0, 1, 2), (None, 0, 1, -1)])
def test_code_that_lost_a_version_says_which_a_run_needs(first: int | None, least: int, most: int, kept: int) -> None:
    run = Rehearsal(code(nothing) if first is None else versions(-1, first))
    run.complete(1, "box")
    with pytest.raises(UnsupportedVersionError) as caught:
        run.rebuild(versions(least, most))
    error = caught.value
    assert (error.change_id, error.version, error.min_supported, error.max_supported) == ("tax", kept, least, most)
    assert f"keeps to version {kept} of change 'tax'" in str(error)


def test_a_version_may_be_taken_out_of_the_code() -> None:
    run = Rehearsal(versions(-1, 2))
    run.complete(1, "box")
    run.rebuild(code(nothing))
    assert play(run).result == [None]
    lead(code(nothing), run.events).close()


# -- where they may not be -------------------------------------------------------------------------------------------


@workflow.defn
class Asking:
    """Comes to changes in a query."""

    @workflow.run
    async def run(self) -> None:
        assert workflow.patched("known")
        await workflow.wait_condition(lambda: False)

    @workflow.query
    def look(self, name: str) -> bool:
        return workflow.patched(name)


def test_a_query_may_ask_for_what_is_decided_and_decides_nothing() -> None:
    run = Rehearsal(Asking)
    assert run.query("look", "known") is True
    with pytest.raises(QueryRefusedError, match=r"asked for patch\.recorded"):
        run.query("look", "new")
    assert run.query("look", "known") is True
    assert run.run.phase is Phase.RUNNING
