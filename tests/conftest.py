"""What every test can count on: which Understudy is tested, and how hard generated tests try.

`make test` sets UNDERSTUDY_TEST_WHEEL: then the run refuses to start on anything but the installed wheel, because a
suite that tested the source by accident would pass with files that the wheel forgot.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

pytest.register_assert_rewrite("tests.recovery.again", "tests.recovery.audit")

# Machines that run tests are busy ones: a slow example says nothing about the code.
hypothesis.settings.register_profile("understudy", deadline=None, print_blob=True)
hypothesis.settings.load_profile("understudy")


def installation() -> Path:
    """The folder `understudy` is in; found without importing it, so that a broken module fails only its own tests."""
    found = importlib.util.find_spec("understudy")
    if found is None or found.origin is None:
        raise pytest.UsageError("understudy is not installed: `make test-fast` and `make test` do that")
    return Path(found.origin).parent


def pytest_report_header() -> str:
    """Say which installation is tested."""
    return f"understudy: {installation()}"


def pytest_configure() -> None:
    """Refuse to test the source where the wheel is meant."""
    found = installation()
    if os.environ.get("UNDERSTUDY_TEST_WHEEL") and "site-packages" not in found.parts:
        msg = f"UNDERSTUDY_TEST_WHEEL is set, but understudy comes from {found}: install the wheel first"
        raise pytest.UsageError(msg)


@pytest.fixture
def untraced() -> Iterator[None]:
    """Run a test in which threads are struck without coverage, in threads that it starts, too.

    Coverage takes a lock at calls of ours, and a thread that is struck between its lock and its release keeps it. (The
    marker `no_cover` stops one collector of it; in a worker process there are two.)
    """
    here, new = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]  # that is how it is switched off
    try:
        yield
    finally:
        threading.settrace(new)  # type: ignore[arg-type]  # as it was
        sys.settrace(here)


@pytest.fixture(scope="session")
def crash_rounds() -> int:
    """How often a crash test kills and recovers: few times in CI, `make soak` asks for more."""
    return int(os.environ.get("UNDERSTUDY_CRASH_ROUNDS", "3"))
