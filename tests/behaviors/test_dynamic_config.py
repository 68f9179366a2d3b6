"""A dynamic workflow decides about its settings, run by run: with its instance made, in front of the run function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from tests.behaviors.rehearsal import Rehearsal, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.definitions.definition import workflow_of
from understudy.common import RawValue
from understudy.events.errors import DefinitionError
from understudy.exceptions import ApplicationError
from understudy.workflow import DynamicWorkflowConfig


class BrokenError(Exception):
    """A failure of some types."""


class OtherError(Exception):
    """What the decorator names."""


class WorkerError(Exception):
    """What a worker names."""


RAISES: dict[str, type[Exception]] = {"broken": BrokenError, "other": OtherError, "worker": WorkerError}


class Fails:
    """Raises what it is told."""

    def __init__(self) -> None:
        self.calls = ["init"]

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> None:
        self.calls.append("run")
        what: str = workflow.payload_converter().decode(args[0].payload, str, where="the argument")
        raise RAISES[what]

    @workflow.query
    def order(self) -> list[str]:
        return self.calls


@workflow.defn(dynamic=True, failure_exception_types=[OtherError])
class Decides(Fails):
    """Decides for itself."""

    @workflow.dynamic_config
    def settings(self) -> DynamicWorkflowConfig:
        self.calls.append(f"config of {workflow.info().workflow_type}")
        return DynamicWorkflowConfig(failure_exception_types=[BrokenError])


@workflow.defn(dynamic=True, failure_exception_types=[OtherError])
class LeavesItThere(Fails):
    """Leaves everything as the decorator says."""

    @workflow.dynamic_config
    def settings(self) -> DynamicWorkflowConfig:
        return DynamicWorkflowConfig()


def for_a_worker(code: type) -> Any:
    """A definition as a worker makes it that names a failure for all of its workflows."""
    definition = workflow_of(code)
    return replace(definition, failure_exception_types=(*definition.failure_exception_types, WorkerError))


def test_the_method_is_called_between_init_and_run() -> None:
    play = Rehearsal(Decides, "broken")
    assert play.query("order") == ["init", "config of (dynamic)", "run"]
    same_again(play)


@pytest.mark.parametrize(
    ("code", "what"), [(Decides, "broken"), (Decides, "worker"), (LeavesItThere, "other"), (LeavesItThere, "worker")]
)
def test_what_the_config_and_the_worker_name_ends_the_run_as_failed(code: type, what: str) -> None:
    play = Rehearsal(for_a_worker(code), what)
    assert topics(play.events) == ["workflow.started", "workflow.failed"]


@pytest.mark.parametrize(("code", "what"), [(Decides, "other"), (LeavesItThere, "broken")])
def test_what_nobody_names_is_a_bug(code: type, what: str) -> None:
    with pytest.raises(RAISES[what]):
        Rehearsal(for_a_worker(code), what)


def test_the_settings_are_those_of_one_run() -> None:
    definition = workflow_of(Decides)
    Rehearsal(definition, "broken")
    assert definition.failure_exception_types == (OtherError,)


def test_a_declared_failure_of_the_method_ends_the_run() -> None:
    @workflow.defn(dynamic=True)
    class Refuses(Fails):
        @workflow.dynamic_config
        def settings(self) -> DynamicWorkflowConfig:
            raise ApplicationError("there is no such type")

    assert topics(Rehearsal(Refuses, "broken").events) == ["workflow.started", "workflow.failed"]


def test_what_is_no_config_is_refused_with_the_place_of_the_method() -> None:
    @workflow.defn(dynamic=True)
    class Wrong(Fails):
        @workflow.dynamic_config
        def settings(self) -> Any:
            return {"failure_exception_types": [BrokenError]}

    with pytest.raises(
        DefinitionError, match=r"Wrong\.settings \(test_dynamic_config\.py:\d+\).*DynamicWorkflowConfig"
    ):
        Rehearsal(Wrong, "broken")


# -- definitions -----------------------------------------------------------------------------------------------------


def refused(make: Any) -> dict[str, Any]:
    """Why a definition is refused, and what its error tells to do."""
    with pytest.raises(DefinitionError) as caught:
        make()
    return caught.value.fields()


def test_a_base_class_may_decide() -> None:
    @workflow.defn(dynamic=True)
    class Child(Decides):
        @workflow.run
        async def run(self, args: Sequence[RawValue]) -> None:
            raise BrokenError

    assert topics(Rehearsal(Child, "broken").events) == ["workflow.started", "workflow.failed"]


def test_a_workflow_with_a_name_has_nothing_to_decide() -> None:
    class Named:
        @workflow.run
        async def run(self) -> None: ...

        @workflow.dynamic_config
        def settings(self) -> DynamicWorkflowConfig:
            return DynamicWorkflowConfig()

    fields = refused(lambda: workflow.defn(Named))
    assert fields["problem"] == "'settings' is for dynamic workflows, and this one has a name"
    assert "dynamic=True" in fields["fix"]


def test_two_methods_cannot_both_decide() -> None:
    class Two(Decides):
        @workflow.dynamic_config
        def more(self) -> DynamicWorkflowConfig:
            return DynamicWorkflowConfig()

    fields = refused(lambda: workflow.defn(dynamic=True)(Two))
    assert fields["problem"] == "it has two @workflow.dynamic_config methods, 'settings' and 'more'"


def test_the_method_decides_at_once() -> None:
    async def settings(self: Any) -> DynamicWorkflowConfig:
        del self
        return DynamicWorkflowConfig()

    marker: Any = workflow.dynamic_config
    assert "cannot be a coroutine function" in refused(lambda: marker(settings))["problem"]


def test_the_method_takes_nothing() -> None:
    def settings(self: Any, args: Any) -> DynamicWorkflowConfig:
        del self, args
        return DynamicWorkflowConfig()

    marker: Any = workflow.dynamic_config
    assert refused(lambda: marker(settings))["problem"] == "it takes ('args',), and nobody gives it any"
