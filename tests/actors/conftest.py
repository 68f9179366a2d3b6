"""What the tests of attempts stand on: an office, where attempts are made and told of without an engine."""

from __future__ import annotations

import pytest

from tests.actors.office import Office


@pytest.fixture
async def office() -> Office:
    """An office of the test's own."""
    return Office()
