"""A refused start names what is there already, and what to do."""

from __future__ import annotations

import pickle

import pytest

from understudy.events.failures.already_started import ActivityAlreadyStartedError, InvalidVersioningOverrideError


@pytest.mark.parametrize(("run_id", "of_run"), [(None, "started."), ("r-1", "started (run 'r-1').")])
def test_an_activity_that_was_started_before_is_named(run_id: str | None, of_run: str) -> None:
    error = ActivityAlreadyStartedError("a-1", "charge", run_id=run_id)
    assert f"activity 'a-1' of type 'charge' was already {of_run}" in str(error)
    assert "id_conflict_policy" in str(error)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own pickle
    assert (again.activity_id, again.activity_type, again.run_id) == ("a-1", "charge", run_id)
    assert type(error).__module__ == "understudy.exceptions"


def test_an_override_that_is_none_has_its_error() -> None:
    assert str(InvalidVersioningOverrideError()) == "invalid versioning override"
