"""The main job, run as a reader runs it: as a program, with a real crash, on the file that ships with it.

The example is made of scripts, not of a package, so the tests run them and look at what they print and leave behind.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.processes

FOLDER = Path(__file__).parents[2] / "examples" / "orders"
ENVIRONMENT = {**os.environ, "COLUMNS": "120", "PYTHONIOENCODING": "utf-8"}
ORDERS = 40
HEADER = "order,customer,item,quantity,amount,card,city"
GOOD = "order-1,Ada Kim,kettle,1,34.90,tok_visa,Cork"

MAKE_A_WORKER = """
import asyncio
from understudy import Client, Worker
from workflow import OrderWorkflow

async def main():
    async with await Client.connect("memory://") as client:
        print(Worker(client, task_queue="orders", workflows=[OrderWorkflow]))

asyncio.run(main())
"""

AUDIT = """
import asyncio, sys
from pathlib import Path
from audit import audit
from ledger import Ledger
from orders import read_orders

folder, orders = Path(sys.argv[1]), read_orders(Path("orders.csv"))[: int(sys.argv[2])]
ledger = Ledger(folder / "ledger.db")
found = asyncio.run(audit(folder, orders, ledger))
ledger.close()
print(len(found.charged_twice), len(found.lost), *found.faults, sep="\\n")
"""


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(FOLDER / "main.py"), *map(str, arguments)]


def run_demo(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the command is ours
        command(*arguments), env=ENVIRONMENT, capture_output=True, encoding="utf-8", timeout=55, check=False
    )


def run_code(code: str, *arguments: object) -> str:
    """What a piece of code prints when it is run beside the example's scripts."""
    words = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(words, cwd=FOLDER, stdout=subprocess.PIPE, encoding="utf-8", timeout=55, check=True)  # noqa: S603
    return done.stdout


@contextmanager
def running_demo(folder: Path) -> Generator[tuple[subprocess.Popen[str], int]]:
    """A demo whose shop has just been started, and the shop's process id."""
    with subprocess.Popen(  # noqa: S603
        command("--dir", folder), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as demo:
        try:
            assert demo.stdout is not None
            yield demo, int(demo.stdout.readline().rsplit(maxsplit=1)[-1])
        finally:
            if demo.poll() is None:
                demo.kill()


def rows() -> list[dict[str, str]]:
    with (FOLDER / "orders.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(output: str) -> dict[str, list[str]]:
    """The printed table: the label of each row to its other cells."""
    lines = (line.strip("│\n").split("│") for line in output.splitlines() if line.startswith("│"))
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def outcome(row: dict[str, str]) -> str:
    """How an order of the file must end."""
    if int(row["quantity"]) < 1 or float(row["amount"]) <= 0:
        return "invalid"
    if row["item"] in {"sundial", "sextant"}:
        return "out of stock"
    if row["card"] in {"tok_declined", "tok_no_funds"}:
        return "card declined"
    return "refunded" if row["city"] == "Atlantis" else "shipped"


def cents(amount: str) -> int:
    return int(amount.replace(".", "").replace(",", ""))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A demo of some orders that has run through its crash: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("orders") / "new"
    done = run_demo("--orders", ORDERS, "--dir", folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder, done.stdout


@pytest.fixture
def kept(finished: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of the finished demo's folder."""
    return shutil.copytree(finished[0], tmp_path / "kept")


# -- the file ----------------------------------------------------------------------------------------------------------


def test_the_file_has_500_orders_and_each_kind_of_trouble() -> None:
    orders = rows()
    assert len({row["order"] for row in orders}) == 500
    ends = Counter(map(outcome, orders))
    assert set(ends) == {"shipped", "refunded", "card declined", "out of stock", "invalid"}
    assert min(ends.values()) >= 10
    assert sum(row["card"] == "tok_flaky" for row in orders) >= 20
    assert set(map(outcome, orders[:ORDERS])) == set(ends)


def test_the_script_beside_the_file_writes_the_same_orders_again() -> None:
    made = run_code("import json, make_orders; print(json.dumps(make_orders.make_orders()))")
    assert json.loads(made) == rows()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([HEADER.replace(",card", ""), GOOD], 'line 1: no column "card"'),
        ([], 'line 1: no column "order"'),
        ([HEADER, GOOD, "order-2,Ada Kim,kettle,1,34.90"], "line 3: 5 values, but the header has 7 columns"),
        ([HEADER, GOOD.replace("34.90", "34,90")], "line 2: 8 values, but the header has 7 columns"),
        ([HEADER, GOOD.replace("34.90", "a lot")], "line 2, column \"amount\": 'a lot' is not an amount like 12.50"),
        ([HEADER, GOOD.replace(",1,", ",one,")], "line 2, column \"quantity\": 'one' is not a whole number"),
        ([HEADER, GOOD.replace("Cork", " ")], "line 2, column \"city\": ' ' is empty"),
        ([HEADER, GOOD, GOOD], "line 3, column \"order\": 'order-1' was there before"),
        ([HEADER, GOOD.replace("Ada", '"Ada')], "cannot be read: unexpected end of data"),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_column(tmp_path: Path, lines: list[str], message: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    done = run_demo("--csv", path, "--dir", tmp_path / "demo")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(str(path))
    assert message in done.stderr
    assert not (tmp_path / "demo").exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run_demo("--csv", tmp_path / "none.csv")
    assert done.returncode == 2
    assert f"{tmp_path / 'none.csv'} cannot be read" in done.stderr


@pytest.mark.parametrize("count", [-1, 0, 9, 501])
def test_too_few_or_too_many_orders_are_refused(count: int) -> None:
    done = run_demo("--orders", count)
    assert done.returncode == 2
    assert f"{count} orders will not do: at least 10 are needed" in done.stderr
    assert "orders.csv has 500" in done.stderr


# -- the run -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_crash_halfway_loses_no_order_and_charges_nothing_twice(finished: tuple[Path, str]) -> None:
    _, printed = finished
    numbers = table(printed)
    assert "killed with SIGKILL" in printed
    assert f"of {ORDERS} orders were closed" in printed
    assert f"{ORDERS}/{ORDERS}" in printed
    assert numbers["double charges"][0] == "0"
    assert numbers["orders lost"][0] == "0"
    assert float(numbers["workflows per second"][0]) > 0
    assert numbers["time to recover"][0].endswith(" s")


@pytest.mark.slow
def test_the_table_counts_what_the_file_asks_for(finished: tuple[Path, str]) -> None:
    orders, numbers = rows()[:ORDERS], table(finished[1])
    for status, count in Counter(map(outcome, orders)).items():
        amount = sum(cents(row["amount"]) for row in orders if outcome(row) == status)
        assert (int(numbers[status][0]), cents(numbers[status][1])) == (count, amount)


@pytest.mark.slow
def test_the_ledger_has_each_payment_once_though_it_was_asked_for_more_often(finished: tuple[Path, str]) -> None:
    with closing(sqlite3.connect(finished[0] / "ledger.db")) as ledger:
        charges = ledger.execute("SELECT order_id, cents FROM entries WHERE kind = 'charge' ORDER BY 1").fetchall()
        refunds = ledger.execute("SELECT order_id, -cents FROM entries WHERE kind = 'refund' ORDER BY 1").fetchall()
        (calls,) = ledger.execute("SELECT count(*) FROM calls WHERE kind = 'charge'").fetchone()
    orders = [(row["order"], cents(row["amount"]), outcome(row)) for row in rows()[:ORDERS]]
    assert charges == [(order, paid) for order, paid, end in orders if end in {"shipped", "refunded"}]
    assert refunds == [(order, paid) for order, paid, end in orders if end == "refunded"]
    assert calls > len(charges)


@pytest.mark.slow
def test_the_audit_sees_a_second_charge(kept: Path) -> None:
    assert run_code(AUDIT, kept, ORDERS).split() == ["0", "0"]
    with closing(sqlite3.connect(kept / "ledger.db")) as ledger, ledger:
        ledger.execute(
            "INSERT INTO entries SELECT 'again', kind, order_id, item, quantity, cents, note FROM entries"
            " WHERE kind = 'charge' AND order_id = (SELECT max(order_id) FROM entries WHERE kind = 'ship')"
        )
    twice, lost, *faults = run_code(AUDIT, kept, ORDERS).splitlines()
    assert (twice, lost) == ("1", "0")
    assert any("reserve, charge, ship, mail, charge" in fault for fault in faults)


@pytest.mark.slow
def test_the_audit_sees_an_order_that_nobody_worked_on(kept: Path) -> None:
    twice, lost, *faults = run_code(AUDIT, kept, ORDERS + 1).splitlines()
    assert (twice, lost) == ("0", "1")
    assert faults == [f"{rows()[ORDERS]['order']} is lost: no workflow of it has ended"]


def test_the_workflow_passes_the_lint_of_a_worker() -> None:
    assert "1 workflows" in run_code(MAKE_A_WORKER)


# -- the folder and the processes --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_folder_with_other_files_is_refused_and_left_as_it_is(kept: Path) -> None:
    (kept / "thesis.txt").write_text("two years of work", encoding="utf-8")
    before = sorted(path.name for path in kept.iterdir())
    done = run_demo("--orders", ORDERS, "--dir", kept)
    assert (done.returncode, done.stdout) == (2, "")
    assert "holds other files than a demo's, such as thesis.txt" in done.stderr
    assert sorted(path.name for path in kept.iterdir()) == before


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run_demo("--dir", tmp_path / "file")
    assert done.returncode == 2
    assert f"--dir {tmp_path / 'file'} cannot be used" in done.stderr


@pytest.mark.slow
def test_a_second_demo_in_the_same_folder_begins_afresh(kept: Path) -> None:
    done = run_demo("--orders", ORDERS, "--dir", kept)
    assert (done.returncode, done.stderr) == (0, "")
    assert table(done.stdout)["double charges"][0] == "0"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_demo_leaves_no_process_behind(tmp_path: Path, number: signal.Signals, status: int) -> None:
    with running_demo(tmp_path) as (demo, shop):
        assert psutil.pid_exists(shop)
        demo.send_signal(number)
        assert demo.wait(20) == status
        assert not psutil.pid_exists(shop)


def test_a_shop_that_dies_by_itself_is_reported(tmp_path: Path) -> None:
    with running_demo(tmp_path) as (demo, shop):
        os.kill(shop, signal.SIGTERM)
        _, errors = demo.communicate(timeout=20)
    assert demo.returncode == 1
    assert "the shop ended by itself, with exit status -15" in errors
