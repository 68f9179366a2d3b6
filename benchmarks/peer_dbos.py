"""The same work by DBOS Transact on SQLite: W1 with 50 and with one in flight, and W2.

Its file lies on the same file system. It has two ways to run a workflow, a call of the decorated function and
`start_workflow` with a handle, and one is faster here, the other there: both are measured, and the better one is what
ours is compared with. 50 in flight is where it is at its best; more make it slower.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig

from benchmarks.common import ROOT, Answer, Options, answer, drive, folder, percentile

STEPS = 10
IN_FLIGHT = 50

Workflow = Callable[[int], Coroutine[Any, Any, str]]


@DBOS.step()
async def charge(number: int) -> str:
    """Do next to nothing."""
    return f"charged {number}"


@DBOS.workflow()
async def one_step(number: int) -> str:
    """Charge."""
    return await charge(number)


@DBOS.workflow()
async def ten_steps(number: int) -> str:
    """Charge ten times, one after the other."""
    result = ""
    for _ in range(STEPS):
        result = await charge(number)
    return result


async def _call(fn: Workflow, number: int) -> None:
    await fn(number)


async def _start(fn: Workflow, number: int) -> None:
    handle = await DBOS.start_workflow_async(fn, number)
    await handle.get_result()


async def _rate(fn: Workflow, count: int, in_flight: int) -> float:
    """Return workflows/s of the better way."""
    calls = await drive(count, in_flight, lambda n: _call(fn, n))
    starts = await drive(count, in_flight, lambda n: _start(fn, n))
    return count / min(calls, starts)


async def _latencies(count: int) -> list[float]:
    taken = list[float]()
    for number in range(count):
        began = time.perf_counter()
        await one_step(number)
        taken.append(time.perf_counter() - began)
    return taken


async def _measure(options: Options) -> dict[str, float]:
    await _rate(one_step, 5, 1)
    taken = await _latencies(options.sized(150, 5))
    return {
        "w1": await _rate(one_step, options.sized(200, 10), IN_FLIGHT),
        "w1_one": await _rate(one_step, options.sized(100, 5), 1),
        "w1_p50": percentile(taken, 50) * 1e3,
        "w2": STEPS * await _rate(ten_steps, options.sized(60, 3), IN_FLIGHT),
    }


def _launch(place: Path, options: Options) -> None:
    """Be the process that runs DBOS on one file: it is a singleton of its process."""
    config: DBOSConfig = {
        "name": "peer",
        "system_database_url": f"sqlite:///{place / 'dbos.sqlite'}",
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()
    sys.stdout.write(json.dumps(asyncio.run(_measure(options))) + "\n")
    DBOS.destroy()


UNITS = {"w1": "workflows/s", "w1_one": "workflows/s", "w1_p50": "ms", "w2": "steps/s"}


def measure(options: Options) -> Answer:
    """Measure in one process a run, or be that process."""
    if options.role == "peer":
        _launch(options.directory, options)
        sys.exit()
    found = Answer(facts={"in_flight": IN_FLIGHT})
    for _ in range(options.runs):
        with folder(options) as place:
            command = [sys.executable, "-m", "benchmarks.peer_dbos", "--role", "peer", "--dir", str(place)]
            command += ["--small"] if options.small else []
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own
        for name, value in json.loads(done.stdout).items():
            found.add(name, UNITS[name], value)
    return found


if __name__ == "__main__":
    answer("peer_dbos", measure)
