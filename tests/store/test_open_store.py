"""The door: which URLs open which store, and what the others are told."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.examples import run_unit
from tests.store.mappers import scrambling_mapper
from understudy.events.errors import InvalidArgumentError
from understudy.events.errors.store import StoreUnavailableError
from understudy.events.store import open_store


def test_memory_opens_a_new_store_each_time() -> None:
    first, second = open_store("memory://"), open_store("memory://")
    first.commit([run_unit(1)])
    assert (first.url, first.last_position(), second.last_position()) == ("memory://", 2, 0)


def test_four_slashes_are_an_absolute_path(tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/orders.db")) as store:
        assert store.url == f"sqlite:///{tmp_path}/orders.db"
        assert store.url.startswith("sqlite:////")
    assert (tmp_path / "orders.db").exists()


def test_three_slashes_are_a_path_below_the_working_folder(tmp_path: Path) -> None:
    folder = Path(os.path.relpath(tmp_path))
    with closing(open_store(f"sqlite:///{folder}/orders.db")) as store:
        assert store.url == f"sqlite:///{tmp_path.resolve()}/orders.db"


def test_the_url_of_a_store_opens_it_again(tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/orders.db")) as store:
        store.commit([run_unit(1)])
        url = store.url
    with closing(open_store(url)) as store:
        assert store.last_position() == 2


def test_a_store_is_opened_with_a_mapper(tmp_path: Path) -> None:
    for url in ("memory://", f"sqlite:///{tmp_path}/orders.db"):
        with closing(open_store(url, scrambling_mapper())) as store:
            store.commit([run_unit(1)])
            assert len(store.load("run-00001")) == 2


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", ":memory:", "sqlite:///:memory:", "sqlite://:memory:"])
def test_sqlite_in_memory_is_sent_to_memory(url: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Write 'memory://'"):
        open_store(url)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("orders.db", "Write the path as a URL: 'sqlite:///orders.db'"),
        ("/data/orders.db", "Write the path as a URL: 'sqlite:////data/orders.db'"),
        ("sqlite://orders.db", "Write three slashes and a path: 'sqlite:///orders.db'"),
        ("sqlite:///orders.db?mode=ro", "Leave out the options"),
        ("mysql://localhost", "Pass 'memory://', 'sqlite:///relative.db' or 'sqlite:////absolute/path.db'"),
        ("memory://shared", "Pass 'memory://'"),
        ("", "Pass 'memory://'"),
    ],
)
def test_other_urls_are_told_what_is_accepted(url: str, advice: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        open_store(url)
    assert advice in str(caught.value)
    assert repr(url) in str(caught.value)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="there is no folder"):
        open_store(f"sqlite:///{tmp_path}/missing/orders.db")


@pytest.mark.processes
def test_sqlite_is_imported_only_when_it_is_opened() -> None:
    program = "import sys; from understudy.events.store import open_store; open_store('memory://'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()  # noqa: S603 - our own program
    assert "eventsourcing.popo" in loaded
    assert {"sqlite3", "eventsourcing.sqlite"}.isdisjoint(loaded)
