"""A converter is told whose values it converts if it asks, and nothing is made for one that does not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from understudy.converter import (
    ActivitySerializationContext,
    DataConverter,
    DefaultPayloadConverter,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)
from understudy.events.converters.in_context import for_activity, for_workflow, in_context, takes_context


@dataclass(frozen=True)
class Knowing(WithSerializationContext):
    context: SerializationContext | None = None

    def with_context(self, context: SerializationContext) -> Knowing:
        return replace(self, context=context)


def test_who_asks_is_told_of_the_workflow() -> None:
    assert takes_context(Knowing())
    assert for_workflow(Knowing(), "w") == Knowing(WorkflowSerializationContext("default", "w"))
    assert for_workflow(Knowing(), "w", "shop").context == WorkflowSerializationContext("shop", "w")


def test_who_asks_is_told_of_the_activity() -> None:
    told = for_activity(
        Knowing(), activity_id="1", activity_type="a", task_queue="q", workflow_id="w", workflow_type="W"
    )
    assert told.context == ActivitySerializationContext("default", "1", "a", "q", "w", "W", is_local=False)


@pytest.mark.parametrize("plain", [object(), None, DefaultPayloadConverter(), DataConverter.default])
def test_who_does_not_ask_stays_the_same_object(plain: object) -> None:
    assert not takes_context(plain)
    assert for_workflow(plain, "w") is plain
    of_activity = for_activity(
        plain, activity_id="1", activity_type="a", task_queue="q", workflow_id=None, workflow_type=None
    )
    assert of_activity is plain
    assert in_context(plain, WorkflowSerializationContext("default", "w")) is plain


def test_a_class_that_asks_and_does_not_say_how_is_named() -> None:
    class Silent(WithSerializationContext): ...

    with pytest.raises(NotImplementedError, match=r"Silent\.with_context\(WorkflowSerializationContext\)"):
        for_workflow(Silent(), "w")
