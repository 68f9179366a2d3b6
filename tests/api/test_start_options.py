"""The options of a start stand in one table; signatures, typed dictionaries and inputs say the same."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import pytest

from understudy._client.jobs.start import JOB_DEFAULTS, ActivityStartOptions
from understudy._client.starts.start import START_DEFAULTS, StartOptions
from understudy.client import (
    Client,
    StartActivityInput,
    StartWorkflowInput,
    UpdateWithStartStartWorkflowInput,
    WithStartWorkflowOperation,
)

NO_OPTIONS = {"args", "id", "task_queue", "stack_level"}
"""Keywords of a start that are none of its options, or mean nothing and are shown to nobody."""


def said(call: Callable[..., Any]) -> Mapping[str, Any]:
    """The options in a signature, with their defaults."""
    parameters = inspect.signature(call).parameters.values()
    keywords = [each for each in parameters if each.kind is each.KEYWORD_ONLY and each.name not in NO_OPTIONS]
    return {each.name: each.default for each in keywords}


@pytest.mark.parametrize(
    ("call", "table", "typed"),
    [
        (Client.__dict__["start_workflow"], START_DEFAULTS, StartOptions),
        (inspect.getattr_static(Client, "start_activity"), JOB_DEFAULTS, ActivityStartOptions),
    ],
    ids=["workflow", "activity"],
)
def test_the_table_has_the_options_of_the_signature(
    call: Callable[..., Any], table: Mapping[str, Any], typed: type[Any]
) -> None:
    assert said(call) == table
    assert typed.__annotations__.keys() - NO_OPTIONS == table.keys()


def test_the_start_of_an_update_with_start_has_the_same_defaults() -> None:
    own = dict(said(WithStartWorkflowOperation.__init__))
    assert own.pop("id_conflict_policy") is inspect.Parameter.empty
    assert own == {name: START_DEFAULTS[name] for name in own}  # type: ignore[literal-required]  # each is one


@pytest.mark.parametrize(
    ("seen", "table", "hidden"),
    [
        (StartWorkflowInput, START_DEFAULTS, {"result_type", "request_id"}),
        (
            UpdateWithStartStartWorkflowInput,
            START_DEFAULTS,
            {"result_type", "request_id", "start_signal", "start_signal_args"}
            | {"rpc_metadata", "rpc_timeout", "request_eager_start"},
        ),
        (StartActivityInput, JOB_DEFAULTS, {"request_id"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_interceptors_see_all_options_but_those_that_have_another_place(
    seen: type[Any], table: Mapping[str, Any], hidden: set[str]
) -> None:
    assert table.keys() - {field.name for field in fields(seen)} == hidden
