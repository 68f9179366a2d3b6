"""The values that programs bring along from Temporal: restrictions, versions, metrics that count nothing."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
import temporalio.common
from temporalio import client as their_client
from temporalio import workflow as their_workflow

from understudy import client, exceptions, workflow
from understudy.common import (
    AutoUpgradeVersioningOverride,
    MetricMeter,
    OneTimeVersioningOverride,
    PinnedVersioningOverride,
    VersioningOverride,
    WorkerDeploymentVersion,
)
from understudy.exceptions import DeterminismError, InvalidArgumentError, TemporalError, UnderstudyError
from understudy.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from understudy.worker.workflow_sandbox import (
    RestrictedWorkflowAccessError,
    SandboxedWorkflowRunner,
    SandboxMatcher,
    SandboxRestrictions,
)

# -- the sandbox -----------------------------------------------------------------------------------------------------


def test_restrictions_are_built_as_programs_build_them() -> None:
    restrictions = SandboxRestrictions.default.with_passthrough_modules("pydantic", "httpx")
    assert restrictions.passthrough_modules >= {"pydantic", "httpx"}
    assert restrictions.with_passthrough_all_modules().passthrough_all_modules
    assert restrictions.with_import_notification_policy("silent").import_notification_policy == "silent"
    members = SandboxRestrictions.invalid_module_members_default.with_child_unrestricted("datetime", "date", "today")
    replaced = dataclasses.replace(SandboxRestrictions.default, invalid_module_members=members)
    assert SandboxedWorkflowRunner(restrictions=replaced).restrictions is replaced


def test_matchers_are_put_together_and_taken_apart() -> None:
    clock = SandboxMatcher(access={"today"}, use={"now"})
    tree = SandboxMatcher.nested_child(["datetime", "date"], clock)
    assert tree.child_matcher("datetime", "date") is clock
    assert tree.child_matcher("datetime", "time", "now") is None
    freed = tree.with_child_unrestricted("datetime", "date", "today").child_matcher("datetime", "date")
    assert freed == clock, "what is no child is let be"
    assert tree.with_child_unrestricted("datetime", "date").child_matcher("datetime", "date") is None
    both = tree | SandboxMatcher.nested_child(["datetime", "date"], SandboxMatcher(access={"fromtimestamp"}))
    found = both.child_matcher("datetime", "date")
    assert found is not None
    assert found.access == {"today", "fromtimestamp"}
    assert (SandboxMatcher.none | tree).child_matcher("datetime", "date") is clock


def test_a_runner_is_one_of_two_kinds() -> None:
    assert isinstance(UnsandboxedWorkflowRunner(), WorkflowRunner)
    assert isinstance(SandboxedWorkflowRunner(), WorkflowRunner)
    assert SandboxedWorkflowRunner.__module__ == "understudy.worker.workflow_sandbox"


def test_what_a_guard_raises_has_the_other_name_too() -> None:
    assert RestrictedWorkflowAccessError is DeterminismError


# -- versions --------------------------------------------------------------------------------------------------------


def test_a_version_comes_back_from_its_text() -> None:
    version = WorkerDeploymentVersion("shop", "b.1")
    assert version.to_canonical_string() == "shop.b.1"
    assert WorkerDeploymentVersion.from_canonical_string("shop.b.1") == version
    with pytest.raises(InvalidArgumentError, match="canonical is 'shop'"):
        WorkerDeploymentVersion.from_canonical_string("shop")


def test_overrides_are_values() -> None:
    version = WorkerDeploymentVersion("shop", "b1")
    overrides = [PinnedVersioningOverride(version), AutoUpgradeVersioningOverride(), OneTimeVersioningOverride(version)]
    assert all(isinstance(override, VersioningOverride) for override in overrides)
    assert overrides[0] == PinnedVersioningOverride(version)


# -- metrics ---------------------------------------------------------------------------------------------------------

MEASURED: list[tuple[str, str, Any]] = [
    ("create_counter", "add", 1),
    ("create_histogram", "record", 1),
    ("create_histogram_float", "record", 1.5),
    ("create_histogram_timedelta", "record", timedelta(seconds=1)),
    ("create_gauge", "set", 1),
    ("create_gauge_float", "set", 1.5),
]


@pytest.mark.parametrize(("create", "measure", "value"), MEASURED, ids=[create for create, _, _ in MEASURED])
def test_a_metric_of_the_meter_that_does_nothing_is_what_theirs_is(create: str, measure: str, value: Any) -> None:
    ours, theirs = (
        getattr(meter.with_additional_attributes({"of": "tests"}), create)("name", "description", "unit")
        for meter in (MetricMeter.noop, temporalio.common.MetricMeter.noop)
    )
    assert (ours.name, ours.description, ours.unit) == (theirs.name, theirs.description, theirs.unit)
    assert getattr(ours.with_additional_attributes({}), measure)(value, {"colour": "red"}) is None
    assert create.removeprefix("create_").replace("_", "") in type(ours).__name__.lower()


# -- errors ----------------------------------------------------------------------------------------------------------


def test_the_root_of_all_errors_has_both_names() -> None:
    assert TemporalError is UnderstudyError
    with pytest.raises(TemporalError):
        raise exceptions.ApplicationError("no")


# -- handles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (client.WithStartWorkflowOperation, their_client.WithStartWorkflowOperation),
        (client.WorkflowHandle, their_client.WorkflowHandle),
        (client.WorkflowUpdateHandle, their_client.WorkflowUpdateHandle),
        (workflow.ActivityHandle, their_workflow.ActivityHandle),
        (workflow.ChildWorkflowHandle, their_workflow.ChildWorkflowHandle),
        (workflow.ExternalWorkflowHandle, their_workflow.ExternalWorkflowHandle),
    ],
    ids=lambda kind: str(kind.__name__),
)
def test_what_annotations_say_about_a_handle_may_be_said_here(ours: Any, theirs: Any) -> None:
    assert ours[*[int] * len(theirs.__parameters__)]
