"""The example of interceptors, run as a reader runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

PROGRAM = Path(__file__).parents[2] / "examples" / "context_propagation" / "two_users.py"


def test_each_part_of_an_order_knows_whose_it_is(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own example
        [sys.executable, str(PROGRAM)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"order of {user}; {what} packed for {user}; delivered for {user} to Main Street 1, as {user} said"
        for user, what in (("kim", "a book"), ("lee", "tea"))
    ]
