"""Modules that few programs need are imported when they are first asked for, whole, and nobody sees a difference."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from understudy import activity, client
from understudy.exceptions import CancelledError
from understudy.testing import ActivityEnvironment

pytestmark = pytest.mark.usefixtures("untraced")

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "first_result.py"

RARE = (
    "_activity.interceptors",
    "_client.handles.completion",
    "_client.handles.description",
    "_client.history.events",
    "_client.interceptors.chain",
    "_client.interceptors.inputs",
    "_client.interceptors.root",
    "_client.interceptors.start_inputs",
    "_client.jobs.start",
    "_metrics",
    "_temporal.poller_autoscaling",
    "_temporal.transport",
    "_temporal.versioning",
    "_workflow.interceptors.activity_inputs",
    "_workflow.children",
    "_workflow.interceptors.inputs",
    "_workflow.saga",
    "_workflow.select",
    "actors.activities.process_pool",
    "actors.behaviors.code.interceptors",
    "actors.behaviors.decisions.reset",
    "contrib",
    "events.options.search_attributes",
    "testing",
    "worker.replayer",
)
"""Modules behind the doors that a program of one workflow and one activity has no use for."""


def in_a_new_process(program: str) -> object:
    """What a program writes as JSON in its last line."""
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, timeout=50, check=True)  # noqa: S603 - our own
    return json.loads(done.stdout.splitlines()[-1])


def test_a_program_of_one_workflow_and_one_activity_imports_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    program = f"""
import json, runpy, sys
sys.argv = ["first_result", {str(tmp_path / "store.db")!r}]
runpy.run_path({str(PROGRAM)!r}, run_name="__main__")
print(json.dumps([name for name in sys.modules if name.startswith("understudy.")]))
"""
    loaded = in_a_new_process(program)
    assert isinstance(loaded, list)
    assert "understudy._client.handles.handle" in loaded
    assert [name for name in RARE if f"understudy.{name}" in loaded] == []


def test_a_name_is_imported_when_it_is_first_asked_for_and_stays() -> None:
    program = """
import json, sys
from understudy import client
before = "understudy._client.interceptors.inputs" in sys.modules, "StartWorkflowInput" in vars(client)
from understudy.client import StartWorkflowInput
same = vars(client)["StartWorkflowInput"] is StartWorkflowInput
after = "understudy._client.interceptors.inputs" in sys.modules, same
print(json.dumps([before, after]))
"""
    assert in_a_new_process(program) == [[False, False], [True, True]]


def test_everything_that_a_door_offers_is_listed_before_it_is_imported() -> None:
    program = """
import json
from understudy import activity, client, common, service, worker, workflow
doors = activity, client, common, service, worker, workflow
print(json.dumps([name for door in doors for name in door.__all__ if name not in dir(door)]))
"""
    assert in_a_new_process(program) == []


def test_a_star_import_gives_all_names() -> None:
    program = """
import json
from understudy.workflow import *
from understudy import workflow
print(json.dumps([name for name in workflow.__all__ if name not in globals()]))
"""
    assert in_a_new_process(program) == []


def test_a_name_that_a_door_does_not_have_is_refused_as_python_does_it() -> None:
    with pytest.raises(AttributeError, match=r"module 'understudy.client' has no attribute 'nothing'"):
        _ = client.nothing  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # on purpose
    assert not hasattr(client, "later_names")


def test_a_class_pickles_by_the_name_of_its_door() -> None:
    program = """
import json, pickle
from understudy.client import AsyncActivityIDReference
reference = AsyncActivityIDReference(workflow_id="w", run_id=None, activity_id="a")
print(json.dumps([pickle.loads(pickle.dumps(reference)) == reference, AsyncActivityIDReference.__module__]))
"""
    assert in_a_new_process(program) == [True, "understudy.client"]


def test_a_cancellation_of_code_in_a_thread_waits_for_the_end_of_such_an_import() -> None:
    seen: list[object] = []

    @activity.defn
    def asking() -> None:
        from tests.api import late_door

        try:
            seen.append(late_door.PART)
        except CancelledError:
            seen.append("tests.api.late_part" in sys.modules)  # what is cut off is taken out again
        seen.append(late_door.PART)

    ActivityEnvironment().run(asking)
    assert seen == [True, "a part"]
