"""Engines for the behaviour tests: on each store, on a file that outlives the engine, or with time that jumps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.harness import Harness, Skipping
from understudy.testing import WorkflowEnvironment


@pytest.fixture(params=["memory", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new store of each kind."""
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/engine.db"


@pytest.fixture
async def engine(url: str) -> AsyncIterator[Harness]:
    """An engine on each kind of store."""
    harness = Harness(url)
    await harness.open()
    yield harness
    await harness.close()


@pytest.fixture
async def durable(tmp_path: Path) -> AsyncIterator[Harness]:
    """An engine that can be restarted."""
    harness = Harness(f"sqlite:///{tmp_path}/engine.db")
    await harness.open()
    yield harness
    await harness.close()


@pytest.fixture
async def skipping(url: str) -> AsyncIterator[Skipping]:
    """An engine on each kind of store, whose time the test turns."""
    harness = Skipping(url)
    await harness.open()
    yield harness
    await harness.close()


@pytest.fixture
async def durable_skipping(tmp_path: Path) -> AsyncIterator[Skipping]:
    """An engine that can be restarted, whose time the test turns."""
    harness = Skipping(f"sqlite:///{tmp_path}/engine.db")
    await harness.open()
    yield harness
    await harness.close()


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    """An environment in which time jumps."""
    async with await WorkflowEnvironment.start_time_skipping() as env:
        yield env
