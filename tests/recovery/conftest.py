"""How often the crash test kills, and with which dice; and where lives are kept."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def crash_rounds() -> int:
    """How often the process is killed: UNDERSTUDY_CRASH_ROUNDS, or few times."""
    return int(os.environ.get("UNDERSTUDY_CRASH_ROUNDS", "6"))


@pytest.fixture(scope="session")
def crash_seed() -> int:
    """Draws the load and the moments of the kills: UNDERSTUDY_CRASH_SEED, or any; the test prints it."""
    return int(os.environ.get("UNDERSTUDY_CRASH_SEED") or random.SystemRandom().randrange(1_000_000))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that outlives the engine."""
    return tmp_path / "lives.db"
