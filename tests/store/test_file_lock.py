"""One process per store, and the kernel's word for it: these tests run real processes and kill them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.store.examples import run_unit, stored_units
from understudy.events.errors import StoreLockedError
from understudy.events.errors.store import StoreUnavailableError
from understudy.events.store.sqlite.file_lock import FileLock
from understudy.events.store.sqlite.store import SqliteStore

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX has flock, fork and SIGKILL"),
]

ROOT = Path(__file__).resolve().parents[2]

HOLD = """
import sys
from understudy.events.store.sqlite.store import SqliteStore
store = SqliteStore(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""

HOLD_AND_FORK = """
import os, sys
from understudy.events.store.sqlite.store import SqliteStore
store = SqliteStore(sys.argv[1])
if not os.fork():
    print(os.getpid(), flush=True)
sys.stdin.read()
"""

COMMIT_FOREVER = """
import sys
from itertools import count
from tests.store.examples import run_unit
from understudy.events.store.sqlite.store import SqliteStore
store = SqliteStore(sys.argv[1])
for number in count(step=3):
    assert store.commit([run_unit(number), run_unit(number + 1), run_unit(number + 2)]) == [None] * 3
    print(number + 2, flush=True)
"""


@contextmanager
def running(program: str, path: Path) -> Generator[subprocess.Popen[str]]:
    """A process that runs a program on a store, killed in the end."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def line(process: subprocess.Popen[str]) -> str:
    """The next line a process writes."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def lock_file(path: Path) -> Path:
    """What is locked in place of a database."""
    return Path(f"{path}.lock")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store.db"


def test_a_second_process_is_told_who_has_the_store_open(path: Path) -> None:
    with running(HOLD, path) as process:
        assert line(process) == "open"
        with pytest.raises(StoreLockedError) as caught:
            SqliteStore(path)
        assert caught.value.pid == process.pid


def test_a_second_opening_in_this_process_is_refused(path: Path) -> None:
    with closing(SqliteStore(path)), pytest.raises(StoreLockedError) as caught:
        SqliteStore(path)
    assert caught.value.pid == os.getpid()
    assert "is open in this process already" in str(caught.value)
    SqliteStore(path).close()


def test_a_process_of_the_same_number_in_another_container_is_not_this_one(path: Path) -> None:
    with closing(SqliteStore(path)):
        lock_file(path).write_text(f"{os.getpid()}\nthe token of another process\n")
        with pytest.raises(StoreLockedError) as caught:
            SqliteStore(path)
    assert not caught.value.in_this_process
    assert f"is open in the process with pid {os.getpid()}" in str(caught.value)


def test_a_killed_process_lets_go_and_its_number_means_nothing(path: Path) -> None:
    with running(HOLD, path) as process:
        assert line(process) == "open"
    assert lock_file(path).read_text().splitlines()[0] == str(process.pid)
    with closing(SqliteStore(path)):
        assert lock_file(path).read_text().splitlines()[0] == str(os.getpid())


def test_an_orphaned_child_does_not_keep_the_lock_of_its_killed_parent(path: Path) -> None:
    with running(HOLD_AND_FORK, path) as process:
        child = int(line(process))
        process.kill()
        process.wait()
        os.kill(child, 0)  # it is alive
        SqliteStore(path).close()
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("text", ["", "no number"])
def test_an_owner_that_has_not_written_its_number_is_unknown(path: Path, text: str) -> None:
    lock = FileLock(str(path))
    lock_file(path).write_text(text)
    with pytest.raises(StoreLockedError) as caught:
        FileLock(str(path))
    assert caught.value.pid == 0
    assert repr(lock) == "<FileLock held>"
    lock.release()
    lock.release()
    assert repr(lock) == "<FileLock released>"
    FileLock(str(path)).release()


def test_a_lock_file_that_cannot_be_written_is_told(path: Path) -> None:
    os.mkfifo(lock_file(path))
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="lock file"):
            FileLock(str(path))


def test_a_lock_that_is_withdrawn_leaves_no_file_that_it_made_itself(path: Path) -> None:
    lock = FileLock(str(path))
    lock.withdraw()
    assert repr(lock) == "<FileLock released>"
    assert not lock_file(path).exists()
    lock_file(path).touch()
    FileLock(str(path)).withdraw()
    assert lock_file(path).exists()


def test_a_lock_that_is_withdrawn_leaves_a_file_that_took_the_place_of_its_own(path: Path) -> None:
    lock = FileLock(str(path))
    lock_file(path).unlink()
    other = FileLock(str(path))
    lock.withdraw()
    assert lock_file(path).exists()
    other.release()


def test_a_lock_whose_file_was_withdrawn_after_it_was_opened_is_taken_on_the_next_one(path: Path) -> None:
    first = FileLock(str(path))

    class Late(FileLock):
        """Comes to lock its file when the first one has just withdrawn it."""

        def _open(self) -> int:
            handle = super()._open()
            first.withdraw()
            return handle

    late = Late(str(path))
    with pytest.raises(StoreLockedError):
        FileLock(str(path))
    late.release()


def test_a_lock_file_that_is_gone_each_time_is_told(path: Path) -> None:
    class Unlucky(FileLock):
        """Comes to lock its file when somebody has just deleted it."""

        def _open(self) -> int:
            handle = super()._open()
            lock_file(path).unlink()
            return handle

    with pytest.raises(StoreUnavailableError, match="was gone each time"):
        Unlucky(str(path))


@pytest.mark.crash
def test_acked_what_a_killed_process_reported_is_on_disk_and_every_unit_is_whole(path: Path, crash_rounds: int) -> None:
    for round_ in range(crash_rounds):
        place = path.with_name(f"store-{round_}.db")
        with running(COMMIT_FOREVER, place) as process:
            acked = [int(line(process)) for _ in range(5 + 7 * round_)]
        with closing(SqliteStore(place)) as store:
            stored = stored_units(store, range(acked[-1] + 100))
            assert stored == list(range(len(stored)))
            assert stored[-1] >= acked[-1]
            assert store.commit([run_unit(len(stored))]) == [None]
