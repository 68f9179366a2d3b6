"""Environments for the tests of environments: on each kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from understudy.testing import WorkflowEnvironment


@pytest.fixture(params=["memory", "sqlite"])
async def env(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WorkflowEnvironment]:
    """A time-skipping environment on each kind of store."""
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/engine.db"
    async with await WorkflowEnvironment.start_time_skipping(url=url) as env:
        yield env
