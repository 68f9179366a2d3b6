"""Classes of a program's own `__main__` cross to a process pool, also after msgspec has left its note on them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from understudy import Client, Worker, activity, workflow


@dataclass
class Matrix:
    rows: list[list[int]]


@activity.defn
def transpose(matrix: Matrix) -> Matrix:
    return Matrix([list(row) for row in zip(*matrix.rows, strict=True)])


@workflow.defn
async def twice(matrix: Matrix) -> Matrix:
    return await workflow.execute_activity(transpose, await workflow.execute_activity(transpose, matrix))


async def main() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        async with (
            await Client.connect("memory://") as client,
            Worker(client, task_queue="q", workflows=[twice], activities=[transpose], activity_executor=pool),
        ):
            print(await client.execute_workflow(twice, Matrix([[1, 2], [3, 4]]), id="m", task_queue="q"))


if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.processes
def test_a_dataclass_of_the_main_module_crosses_and_comes_back(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=50, check=False)  # noqa: S603 - our own
    assert (done.stdout.strip(), done.returncode) == ("Matrix(rows=[[1, 2], [3, 4]])", 0), done.stderr
