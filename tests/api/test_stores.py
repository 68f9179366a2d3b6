"""What a client may connect to, and what it does once it is closed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.api.harness import QUEUE
from understudy import Client, workflow
from understudy.converter import DataConverter, DefaultPayloadConverter
from understudy.exceptions import (
    ClosedClientError,
    InvalidArgumentError,
    StoreFormatError,
    StoreUnavailableError,
    StoreVersionError,
)


@workflow.defn
async def ship(number: int) -> int:
    return number


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("orders.db", "Write the path as a URL: 'sqlite:///orders.db'"),
        ("sqlite://orders.db", "three slashes"),
        ("sqlite:///", "memory://"),
        ("mysql://host/db", "'memory://', 'sqlite:///relative.db' or"),
        ("", "url is ''"),
    ],
)
async def test_a_url_that_names_no_store_is_refused_with_one_that_does(url: str, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        await Client.connect(url)


async def test_three_slashes_are_relative_and_four_are_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with await Client.connect("sqlite:///orders.db"):
        assert (tmp_path / "orders.db").exists()
    async with await Client.connect(f"sqlite:///{tmp_path}/other.db"):
        assert (tmp_path / "other.db").exists()


class Shouting(DefaultPayloadConverter):
    """Another way to store values."""


async def test_all_clients_of_a_store_have_the_same_kind_of_converter(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/orders.db"
    async with await Client.connect(url):
        with pytest.raises(InvalidArgumentError, match="data_converter is one with Shouting") as caught:
            await Client.connect(url, data_converter=DataConverter(payload_converter_class=Shouting))
        assert "Give all clients of a store the same data converter" in str(caught.value)
        async with await Client.connect(url, data_converter=DataConverter()):
            pass


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="there is no folder"):
        await Client.connect(f"sqlite:///{tmp_path}/nowhere/orders.db")


async def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear Kim,\n" * 100)
    with pytest.raises(StoreFormatError, match="it is not an SQLite database"):
        await Client.connect(f"sqlite:///{file}")
    assert file.read_text() == "Dear Kim,\n" * 100
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE letters (text)")
    with pytest.raises(StoreFormatError, match="SQLite database of another program"):
        await Client.connect(f"sqlite:///{tmp_path}/other.db")


async def test_a_file_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/orders.db"
    async with await Client.connect(url):
        pass
    with closing(sqlite3.connect(tmp_path / "orders.db")) as file:
        file.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreVersionError, match="has layout 99, this release knows layouts up to"):
        await Client.connect(url)


async def test_there_is_one_namespace() -> None:
    with pytest.raises(InvalidArgumentError, match="namespace is 'other'"):
        await Client.connect("memory://", namespace="other")


async def test_a_closed_client_refuses_everything(tmp_path: Path) -> None:
    client = await Client.connect(f"sqlite:///{tmp_path}/orders.db")
    handle = client.get_workflow_handle("order")
    await client.close()
    await client.close()
    orders = (
        client.start_workflow(ship, 1, id="order", task_queue=QUEUE),
        handle.result(),
        handle.describe(),
        handle.signal("x"),
        handle.query("x"),
        handle.cancel(),
        handle.terminate(),
        handle.fetch_history(),
    )
    for order in orders:
        with pytest.raises(ClosedClientError, match=r"is closed\. Connect again"):
            await order
    with pytest.raises(ClosedClientError):
        client.start(ship, 1, id="order", task_queue=QUEUE)
