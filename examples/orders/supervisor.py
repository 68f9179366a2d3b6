"""The supervisor: starts the shop, kills it halfway with SIGKILL, starts it again and sees it through.

All it knows of the shop's progress is what it sees on the ledger, like any bystander: the shop does not help.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger import Ledger
from rich.progress import Progress

__all__ = ["ShopError", "Supervisor", "Times"]

SHOP: Final = Path(__file__).with_name("shop.py")

PATIENCE: Final = 20.0
"""Seconds without progress after which something is wrong."""


class ShopError(Exception):
    """The shop did not get to its end; the message says how and shows its last words."""


@dataclass(frozen=True)
class Times:
    """Moments of a run, in seconds since the epoch."""

    started: float
    killed: float
    restarted: float
    recovered: float
    finished: float

    @property
    def working(self) -> float:
        """How long there was a shop, in seconds."""
        return (self.killed - self.started) + (self.finished - self.restarted)


class Supervisor:
    """Runs the shop twice: once until half of the orders are closed, and once until all of them are."""

    def __init__(self, folder: Path, csv: Path, orders: int, ledger: Ledger, progress: Progress) -> None:
        self._command = [sys.executable, str(SHOP), str(folder), str(csv), str(orders)]
        self._log = folder / "shop.log"
        self._orders = orders
        self._ledger = ledger
        self._progress = progress
        self._bar = progress.add_task("orders", total=orders)

    def run(self) -> Times:
        """Run, kill and run again.

        Raises:
            ShopError: the shop ended by itself, or does not get on.
        """
        started = time.time()
        with self._shop() as shop:
            self._watch(shop, lambda: self._closed() >= self._orders // 2)
            shop.send_signal(signal.SIGKILL)
            shop.wait()
            killed = time.time()
        self._say(f"[red]killed with SIGKILL[/red] when {self._closed()} of {self._orders} orders were closed")
        restarted = time.time()
        with self._shop() as shop:
            self._watch(shop, lambda: self._ledger.first_call(restarted) is not None)
            recovered = self._ledger.first_call(restarted) or restarted
            self._say(f"[green]at work again[/green] {recovered - restarted:.2f} s after the restart")
            self._watch(shop, lambda: self._closed() >= self._orders)
            finished = time.time()
            self._watch_the_end(shop)
        return Times(started, killed, restarted, recovered, finished)

    @contextmanager
    def _shop(self) -> Generator[subprocess.Popen[bytes]]:
        """Start the shop in a process group of its own, of which nothing outlives this block."""
        with self._log.open("ab") as log:
            shop = subprocess.Popen(  # noqa: S603 - the command is ours
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._say(f"the shop runs as process {shop.pid}")
            yield shop
        finally:
            if shop.poll() is None:
                os.killpg(shop.pid, signal.SIGKILL)
                shop.wait()

    def _watch(self, shop: subprocess.Popen[bytes], reached: Callable[[], bool]) -> None:
        """Move the bar until something is reached."""
        closed, since = -1, time.monotonic()
        while True:
            ended = shop.poll() is not None
            if self._closed() != closed:
                closed, since = self._closed(), time.monotonic()
                self._progress.update(self._bar, completed=closed)
            if reached():
                return
            if ended:
                raise ShopError(f"the shop ended by itself, with exit status {shop.returncode}; {self._last_words()}")
            if time.monotonic() - since > PATIENCE:
                raise ShopError(f"the shop has not closed an order for {PATIENCE:.0f} s; {self._last_words()}")
            time.sleep(0.02)

    def _watch_the_end(self, shop: subprocess.Popen[bytes]) -> None:
        try:
            status = shop.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise ShopError(f"all orders are closed, but the shop does not end; {self._last_words()}") from None
        if status != 0:
            raise ShopError(f"the shop ended with exit status {status}; {self._last_words()}")

    def _closed(self) -> int:
        """Return how many customers were told how their order ended, the last thing a workflow does."""
        return self._ledger.count("mail")

    def _say(self, text: str) -> None:
        self._progress.console.print(text, highlight=False)

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        return "\n".join([f"the end of {self._log}:", *lines]) if lines else f"{self._log} is empty"
