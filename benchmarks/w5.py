"""W5: 10,000 runs wait for a signal, and their process is killed: when does the next give the first answer, and all?

Three processes. One starts the runs and says so once every start is acknowledged; it is killed with SIGKILL. A second
one opens the same store, signals every run and awaits its result. The third, this one, looks at the clock: from the
moment it asks for the second process, so that starting Python and importing count, and again from the moment the second
one connects.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.common import QUEUE, ROOT, Answer, Options, answer, drive, engine, folder
from benchmarks.w4 import Approval

IN_FLIGHT = 500


# -- the process that is killed --------------------------------------------------------------------------------------


async def _fill(options: Options, count: int) -> None:
    async with engine(options.directory / "store.db", [Approval], max_cached_workflows=count + 1) as client:

        async def start(number: int) -> None:
            await client.start_workflow(Approval.run, "an order", id=f"run-{number}", task_queue=QUEUE)

        seconds = await drive(count, IN_FLIGHT, start)
        sys.stdout.write(json.dumps({"starts": count / seconds}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


# -- the process that answers ----------------------------------------------------------------------------------------


async def _answer(options: Options, count: int) -> None:
    connecting = time.monotonic()
    first = 0.0
    async with engine(options.directory / "store.db", [Approval]) as client:
        connected = time.monotonic()

        async def ask(number: int) -> None:
            nonlocal first
            handle = client.get_workflow_handle_for(Approval.run, f"run-{number}")
            await handle.signal(Approval.approve, "kim")
            await handle.result()
            first = first or time.monotonic()

        await drive(count, IN_FLIGHT, ask)
        last = time.monotonic()
    figures = {
        "first": first - options.since,
        "all": last - options.since,
        "first_from_connect": first - connecting,
        "all_from_connect": last - connecting,
        "connect": connected - connecting,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


# -- the process that looks at the clock -----------------------------------------------------------------------------


def _command(role: str, place: Path, options: Options) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.w5", "--role", role, "--dir", str(place)]
    return [*command, "--small"] if options.small else command


def _killed(place: Path, options: Options) -> dict[str, Any]:
    """Start the runs, wait until all are acknowledged, and kill the process that holds them."""
    with subprocess.Popen(_command("fill", place, options), cwd=ROOT, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        try:
            line = process.stdout.readline() if process.stdout is not None else b""
        finally:
            process.kill()
    found: dict[str, Any] = json.loads(line)
    return found


def _answered(place: Path, options: Options) -> dict[str, float]:
    command = [*_command("answer", place, options), "--since", repr(time.monotonic())]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measure(options: Options) -> Answer:
    """Measure the seconds to the first answer and to all."""
    count = options.sized(10_000, 100)
    found = Answer(facts={"workflows": count, "in_flight": IN_FLIGHT})
    for _ in range(options.runs):
        with folder(options) as place:
            found.add("starts", "workflows/s", _killed(place, options)["starts"])
            for name, seconds in _answered(place, options).items():
                found.add(name, "s", seconds)
    return found


def play(options: Options) -> Answer:
    """Play a part, or ask the question."""
    count = options.sized(10_000, 100)
    if options.role == "fill":
        asyncio.run(_fill(options, count))
    elif options.role == "answer":
        asyncio.run(_answer(options, count))
        sys.exit()
    return measure(options)


if __name__ == "__main__":
    answer("w5", play)
