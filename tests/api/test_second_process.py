"""One process owns a file; another one is told which."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from understudy import Client
from understudy.exceptions import StoreLockedError

pytestmark = pytest.mark.processes

OWNER = """
import sys
from understudy import Client
with Client.open(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A file that is not there yet."""
    return f"sqlite:///{tmp_path}/orders.db"


@pytest.fixture
def owner(store: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has the file open until it is told to go."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", OWNER, store], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


async def test_a_file_that_another_process_holds_is_refused_with_its_pid(
    store: str, owner: subprocess.Popen[str]
) -> None:
    with pytest.raises(StoreLockedError, match=f"is open in the process with pid {owner.pid}") as caught:
        await Client.connect(store)
    assert caught.value.pid == owner.pid
    with pytest.raises(StoreLockedError):
        Client.open(store)


async def test_a_file_is_free_once_its_process_has_closed_it(store: str, owner: subprocess.Popen[str]) -> None:
    owner.communicate("go\n", timeout=20)
    assert owner.returncode == 0
    async with await Client.connect(store):
        pass


async def test_a_file_is_free_once_its_process_was_killed(store: str, owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.wait(20)
    async with await Client.connect(store):
        pass
