"""What the questions share: options, figures, the load, and the form of an answer.

Each question is a program of its own (`python -m benchmarks.w1`), so that no question runs in what another left behind:
warm caches, grown heaps, finished threads. It measures several times, keeps every figure, and says the median with the
smallest and the largest beside it: one figure says nothing about how much it may be off.

A rate is measured with a fixed number in flight, a closed loop: each of so many clients starts its next workflow when
it has the result of its last. Beside a rate stands the processor time that each took, all threads together: on a
machine that others use, too, the rate falls much with their load and this little. Every run gets a new store in a new
folder, and a warm-up that is not counted: the first activations of a workflow type are looked at more closely than all
later ones, and statements are prepared once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from understudy import Client, Worker

__all__ = [
    "QUEUE",
    "ROOT",
    "Answer",
    "Figure",
    "Load",
    "Options",
    "answer",
    "drive",
    "engine",
    "folder",
    "percentile",
    "rate",
]

ROOT = Path(__file__).resolve().parents[1]
QUEUE = "benchmark"


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure.

    Args:
        directory: where stores are made; its file system is what is measured.
        small: few of everything, to see that it runs.
        runs: how often to measure.
        event_bytes: the size of the events that the recorder is measured with; 0: find it out.
        role: which part of the question this process plays; empty: the question itself.
        since: when the process that asks began to wait, seconds of the monotonic clock.
    """

    directory: Path
    small: bool
    runs: int
    event_bytes: int = 0
    role: str = ""
    since: float = 0.0

    def sized(self, full: int, small: int) -> int:
        """Return how many to do."""
        return small if self.small else full


@dataclass(slots=True)
class Figure:
    """What was measured, once a run."""

    unit: str
    values: list[float]

    def to_json(self) -> dict[str, Any]:
        """Return the median, the smallest, the largest and all values."""
        values = self.values
        return {
            "unit": self.unit,
            "median": median(values),
            "min": min(values),
            "max": max(values),
            "values": values,
        }


@dataclass(slots=True)
class Answer:
    """The figures of one question by name, and the numbers that they rest on."""

    figures: dict[str, Figure] = field(default_factory=dict[str, Figure])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    def add(self, name: str, unit: str, value: float) -> None:
        """Note the figure of one run."""
        self.figures.setdefault(name, Figure(unit, [])).values.append(value)


@dataclass(frozen=True, slots=True)
class Load:
    """What a rate is measured with.

    Args:
        workflows: how many are counted.
        in_flight: how many at a time.
        steps: how many each of them counts for; 1: the unit is a workflow.
    """

    workflows: int
    in_flight: int
    steps: int = 1


# -- the program around a question ----------------------------------------------------------------------------------


def answer(question: str, measure: Callable[[Options], Answer]) -> None:
    """Measure as the command line says, and write the answer as JSON: to a file, or to standard output."""
    options, target = _command_line(question)
    before, began = os.getloadavg(), time.perf_counter()
    found = measure(options)
    document = {
        "question": question,
        "seconds": round(time.perf_counter() - began, 3),
        "load_before": before,
        "load_after": os.getloadavg(),
        "facts": found.facts,
        "figures": {name: figure.to_json() for name, figure in found.figures.items()},
    }
    text = json.dumps(document, indent=2)
    if target is None:
        sys.stdout.write(text + "\n")
    else:
        target.write_text(text + "\n", encoding="utf-8")


def _command_line(question: str) -> tuple[Options, Path | None]:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{question}")
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "bench", help="where stores are made")
    parser.add_argument("--small", action="store_true", help="few of everything, once")
    parser.add_argument("--runs", type=int, default=0, help="how often to measure; 3, with --small 1")
    parser.add_argument("--json", type=Path, help="where the answer is written; default: standard output")
    parser.add_argument("--event-bytes", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--role", default="", help=argparse.SUPPRESS)
    parser.add_argument("--since", type=float, default=0.0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.dir.mkdir(parents=True, exist_ok=True)
    runs = given.runs or (1 if given.small else 3)
    options = Options(given.dir.resolve(), given.small, runs, given.event_bytes, given.role, given.since)
    return options, given.json


# -- places and engines ---------------------------------------------------------------------------------------------


@contextmanager
def folder(options: Options) -> Generator[Path]:
    """Make a new folder for a store, and take it away again."""
    with tempfile.TemporaryDirectory(prefix="understudy-bench-", dir=options.directory) as path:
        yield Path(path)


@asynccontextmanager
async def engine(
    store: Path, workflows: Sequence[type], activities: Sequence[Callable[..., Any]] = (), **options: Any
) -> AsyncGenerator[Client]:
    """Open the engine on `store` with one worker for the queue `QUEUE`; `options` are the worker's."""
    client = await Client.connect(f"sqlite:///{store}")
    async with client, Worker(client, task_queue=QUEUE, workflows=workflows, activities=activities, **options):
        yield client


# -- load -----------------------------------------------------------------------------------------------------------


async def drive(count: int, in_flight: int, one: Callable[[int], Awaitable[object]]) -> float:
    """Do `one(0)` to `one(count - 1)`, so many at a time; return how many seconds it took."""
    numbers = iter(range(count))

    async def client() -> None:
        for number in numbers:
            await one(number)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(min(in_flight, count)):
            group.create_task(client())
    return time.perf_counter() - began


def rate(
    options: Options,
    execute: Callable[[Client, str, int], Awaitable[object]],
    definitions: tuple[Sequence[type], Sequence[Callable[..., Any]]],
    load: Load,
) -> Answer:
    """Run workflows on a new store, and say how many steps/s.

    Args:
        options: how to measure.
        execute: runs one workflow to its end; takes the client, a workflow id, and the number of the workflow.
        definitions: the workflows and the activities for the worker.
        load: how many; as many as are in flight run before, not counted.
    """
    count, in_flight, steps = load.workflows, load.in_flight, load.steps
    unit = "step" if steps > 1 else "workflow"
    found = Answer(facts=asdict(load))

    async def measure(place: Path) -> None:
        async with engine(place / "store.db", *definitions) as client:
            await drive(in_flight, in_flight, lambda n: execute(client, f"warm-up-{n}", n))
            began = time.process_time()
            seconds = await drive(count, in_flight, lambda n: execute(client, f"run-{n}", n))
            found.add("rate", f"{unit}s/s", count * steps / seconds)
            found.add("cpu", f"us/{unit}", (time.process_time() - began) / (count * steps) * 1e6)

    for _ in range(options.runs):
        with folder(options) as place:
            asyncio.run(measure(place))
    return found


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
