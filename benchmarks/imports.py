"""How long from `import understudy` to the first durable result, in a new process with a new store?

Starting Python itself is not counted, since no library can do anything about it; the figure with it stands beside.
"""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.common import ROOT, Answer, Options, answer, folder

PROCESSES = 5


def _once(options: Options, found: Answer | None) -> None:
    with folder(options) as place:
        began = time.perf_counter()
        command = [sys.executable, str(ROOT / "benchmarks" / "first_result.py"), str(place / "store.db")]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own
        whole = time.perf_counter() - began
    imported, result = (float(word) * 1e3 for word in done.stdout.split())
    if found is not None:
        found.add("import", "ms", imported)
        found.add("first_result", "ms", result)
        found.add("process", "ms", whole * 1e3)


def measure(options: Options) -> Answer:
    """Measure ms, after one process that writes the compiled modules and warms the file cache."""
    count = options.sized(PROCESSES * options.runs, 1)
    found = Answer(facts={"processes": count})
    _once(options, None)
    for _ in range(count):
        _once(options, found)
    return found


if __name__ == "__main__":
    answer("imports", measure)
