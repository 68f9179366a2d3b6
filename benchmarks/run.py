"""The runner: asks the questions one after the other, and says how the answers stand to the targets.

Each question runs in a process of its own. R and C drift on a machine that others use too, so they are measured right
before and right after each question that is judged by them, and the table shows how far they moved. Nothing is
asserted: a figure on a busy machine is no error. The process fails only if a question does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that `python benchmarks/run.py` finds what `python -m benchmarks.run` finds

from rich.console import Console  # noqa: E402 - behind the line above, which it would stand before otherwise
from rich.table import Table  # noqa: E402

from benchmarks.targets import Found, Row, rows  # noqa: E402

QUESTIONS = (
    "w1",
    "w1_latency",
    "w4",
    "update",
    "w2",
    "w3",
    "children",
    "w5",
    "replay",
    "replay_mixed",
    "memory",
    "imports",
    "peer_dbos",
)
PEERS = frozenset({"peer_dbos"})
BY_LIMITS = frozenset({"w1", "w1_latency", "w4", "update"})
"""Questions that are judged by R or C."""
WIDTH = 140
"""Of the table where it goes to a file."""
PACKAGES = ("understudy", "eventsourcing", "msgspec", "pykka", "dbos", "SQLAlchemy")


class Runner:
    """Asks questions, each in a process of its own, and keeps their answers."""

    def __init__(self, arguments: argparse.Namespace, console: Console) -> None:
        self.arguments = arguments
        self.console = console
        self.answers: dict[str, dict[str, Any]] = {}
        self.limits: list[dict[str, Any]] = []
        self.around: dict[str, list[dict[str, Any]]] = {}

    def run(self, questions: list[str]) -> Found:
        """Ask, with the limits before and after each question that is judged by them."""
        fresh: dict[str, Any] | None = None
        for question in questions:
            if question not in BY_LIMITS:
                self.answers[question] = self._ask(question)
                fresh = None
                continue
            before = fresh if fresh is not None else self._measure_limits()
            self.answers[question] = self._ask(question)
            fresh = self._measure_limits()
            self.around[question] = [before, fresh]
        return Found(self.answers, self.around)

    def _measure_limits(self) -> dict[str, Any]:
        known = ["--event-bytes", str(self.limits[0]["facts"]["event_bytes"])] if self.limits else []
        found = self._ask("limits", *known)
        self.limits.append(found)
        return found

    def _ask(self, question: str, *more: str) -> dict[str, Any]:
        given = self.arguments
        with tempfile.TemporaryDirectory(prefix="understudy-answer-") as place:
            target = Path(place) / "answer.json"
            command = [sys.executable, "-m", f"benchmarks.{question}", "--json", str(target), "--dir", str(given.dir)]
            command += ["--runs", str(given.runs), *(["--small"] if given.small else []), *more]
            with self.console.status(question):
                subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - our own
            found: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
        self.console.print(f"{question}: {found['seconds']:.0f} s, load {found['load_after'][0]:.2f}", style="dim")
        return found


# -- what is shown ---------------------------------------------------------------------------------------------------


def number(value: float | None) -> str:
    """Return a figure as a person reads it."""
    if value is None:
        return ""
    if abs(value) >= 100:  # noqa: PLR2004 - where decimals say nothing
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _verdict(row: Row) -> str:
    return {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[row.is_met]


def table(found: Found) -> Table:
    """Return the table of figures and verdicts."""
    shown = Table(title="Understudy, benchmarks")
    for column in ("question", "measured", "unit", "min", "max", "target", "bound", "ratio", "verdict"):
        words = column in {"question", "unit", "target", "verdict"}
        shown.add_column(column, justify="left" if words else "right", no_wrap=True)
    for row in rows(found):
        shown.add_row(
            row.target.text,
            number(row.measured),
            row.unit,
            number(row.smallest),
            number(row.largest),
            row.target.rule,
            number(row.bound),
            number(row.ratio),
            _verdict(row),
        )
    return shown


def limits_table(limits: list[dict[str, Any]]) -> Table:
    """Return the table of R and C over the run, which shows their drift."""
    shown = Table(title="R and C, in the order they were measured")
    for column in ("R, events/s", "min", "max", "C, ms", "min", "max", "event, bytes", "load"):
        shown.add_column(column, justify="right")
    for each in limits:
        figures = each["figures"]
        columns = [number(figures[name][part]) for name in ("recorder", "commit") for part in ("median", "min", "max")]
        shown.add_row(*columns, str(each["facts"]["event_bytes"]), f"{each['load_after'][0]:.2f}")
    return shown


# -- what the figures depend on --------------------------------------------------------------------------------------


def machine(place: Path) -> dict[str, Any]:
    """Return what this runs on; a Python that was not built with its own profile is a quarter slower."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "optimized": "--enable-optimizations" in str(sysconfig.get_config_var("CONFIG_ARGS")),
        "sqlite": sqlite3.sqlite_version,
        "os": platform.platform(),
        "directory": str(place),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def versions() -> dict[str, str]:
    """Return the versions of what takes part."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found


# -- the command line ------------------------------------------------------------------------------------------------


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How fast is Understudy?")
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, metavar="QUESTION", help=", ".join(QUESTIONS))
    parser.add_argument("--small", action="store_true", help="few of everything, once: to see that all of it runs")
    parser.add_argument("--runs", type=int, default=0, help="how often each is measured; 3, with --small 1")
    parser.add_argument("--no-peers", action="store_true", help="measure no other system")
    parser.add_argument("--json", type=Path, help="where the results go; default: benchmarks/results/latest.json")
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "bench", help="where stores are made")
    return parser.parse_args()


def main() -> None:
    """Ask, print, write."""
    arguments = _arguments()
    arguments.dir.mkdir(parents=True, exist_ok=True)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    chosen = [each for each in QUESTIONS if not arguments.only or each in arguments.only]
    questions = [each for each in chosen if not (arguments.no_peers and each in PEERS)]
    runner, before = Runner(arguments, console), os.getloadavg()
    found = runner.run(questions)
    about = machine(arguments.dir.resolve())
    console.print(table(found))
    if runner.limits:
        console.print(limits_table(runner.limits))
    console.print(f"{about['cpu']}, {about['cores']} cores, {about['python']}, SQLite {about['sqlite']}, {about['os']}")
    document = {
        "machine": about,
        "versions": versions(),
        "small": arguments.small,
        "load_before": before,
        "load_after": os.getloadavg(),
        "rows": [row.to_json() for row in rows(found)],
        "limits": runner.limits,
        "questions": runner.answers,
    }
    target = arguments.json or ROOT / "benchmarks" / "results" / "latest.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {target}")


if __name__ == "__main__":
    main()
