"""Five hundred orders and a crash: run the shop, kill it halfway, start it again, and audit what it did.

    python examples/orders/main.py [--orders N] [--csv FILE] [--dir FOLDER]

The shop is a process of its own (shop.py), which a supervisor kills (supervisor.py). Its workflows are in workflow.py:
that is the file to read first.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from audit import Audit, audit
from ledger import STOCK, Ledger
from orders import Order, OrdersFileError, Status, money, read_orders
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from shop import PICKS_PER_SECOND
from supervisor import ShopError, Supervisor, Times

__all__ = ["main"]

ORDERS_CSV: Final = Path(__file__).with_name("orders.csv")
FEWEST: Final = 10
"""Orders that it takes to have a half to crash at."""
FILES: Final = ("engine.db", "ledger.db", "shop.log")
"""What a demo leaves in its folder, apart from what is put beside a database."""


class UsageError(Exception):
    """The demo was asked for what cannot be; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit status: 0 if all is well, 1 if not, 2 if it was asked for what cannot be."""
    options = parse(arguments)
    # What ends this process must end the shop as well: turn it into an exception.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        orders = wanted_orders(options)
        with work_folder(options.dir) as folder:
            return demo(options.csv, orders, folder, Console())
    except (OrdersFileError, UsageError) as error:
        print(error, file=sys.stderr)
        return 2
    except ShopError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the shop was stopped.", file=sys.stderr)
        return 130


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description="Run 500 orders through a crash, and audit what became of them.")
    parser.add_argument("--orders", type=int, metavar="N", help="take only the first N orders of the file")
    parser.add_argument("--csv", type=Path, default=ORDERS_CSV, metavar="FILE", help="take other orders than ours")
    parser.add_argument("--dir", type=Path, metavar="FOLDER", help="work here, and keep the files")
    return parser.parse_args(arguments)


def demo(csv: Path, orders: Sequence[Order], folder: Path, console: Console) -> int:
    """Run the shop through its crash, and print what the audit found."""
    ledger = Ledger.create(folder / "ledger.db", STOCK)
    with progress_bar(console) as progress:
        times = Supervisor(folder, csv, len(orders), ledger, progress).run()
    found = asyncio.run(audit(folder, orders, ledger))
    console.print(table(found, ledger, times))
    ledger.close()
    for fault in found.faults:
        print(f"The books are wrong: {fault}.", file=sys.stderr)
    return 1 if found.faults else 0


def wanted_orders(options: argparse.Namespace) -> list[Order]:
    """Return the orders to take.

    Raises:
        OrdersFileError: the file cannot be read.
        UsageError: there are fewer than wanted, or too few to crash halfway.
    """
    orders = read_orders(options.csv)
    wanted = len(orders) if options.orders is None else options.orders
    if not FEWEST <= wanted <= len(orders):
        raise UsageError(
            f"{wanted} orders will not do: at least {FEWEST} are needed, and {options.csv} has {len(orders)}"
        )
    return orders[:wanted]


@contextmanager
def work_folder(wanted: Path | None) -> Generator[Path]:
    """Give an empty folder: the wanted one, wiped if a demo was there before, or one that is gone afterwards.

    Raises:
        UsageError: the wanted one cannot be had, or holds what is not ours to delete.
    """
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="understudy-orders-") as folder:
            yield Path(folder)
        return
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        found = sorted(wanted.iterdir())
    except OSError as error:
        raise UsageError(f"--dir {wanted} cannot be used: {error}") from error
    foreign = [path.name for path in found if not path.name.startswith(FILES) or not path.is_file()]
    if foreign:
        raise UsageError(f"--dir {wanted} holds other files than a demo's, such as {foreign[0]}: name an empty folder")
    for path in found:
        path.unlink()
    yield wanted


def progress_bar(console: Console) -> Progress:
    """Return the bar that shows how many orders are closed."""
    return Progress(
        TextColumn("orders closed"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def table(found: Audit, ledger: Ledger, times: Times) -> Table:
    """Return the table of what happened."""
    rows = Table("", "number", "", title="What became of the orders", title_justify="left")
    rows.columns[1].justify = rows.columns[2].justify = "right"
    for status in Status:
        rows.add_row(status, f"{found.orders[status]}", money(found.cents[status]))
    rows.add_section()
    rows.add_row("charges on the payment ledger", f"{ledger.count('charge')}", money(ledger.cents("charge")))
    rows.add_row("refunds", f"{ledger.count('refund')}", money(ledger.cents("refund")))
    rows.add_row("calls that asked for a charge", f"{ledger.calls('charge')}", "a repeated one is known by its key")
    rows.add_row("double charges", f"{len(found.charged_twice)}")
    rows.add_row("orders lost", f"{len(found.lost)}")
    rows.add_section()
    speed = sum(found.orders.values()) / times.working
    rows.add_row("workflows per second", f"{speed:.1f}", f"the warehouse packs at most {PICKS_PER_SECOND}")
    again = ledger.called_again(times.restarted)
    rows.add_row(
        "time to recover", f"{times.recovered - times.restarted:.2f} s", f"{again} steps were cut off and ran again"
    )
    return rows


if __name__ == "__main__":
    sys.exit(main())
