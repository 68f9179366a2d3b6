"""Report coverage against its marks: what is pure is covered to the last branch, the whole nearly so.

Run by `make test` after pytest has written its data. Statements and branches count together. Without --strict a
floor below its mark is said, with it the run fails.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from coverage import Coverage

__all__ = ["MARKS", "Mark", "main"]


class Mark(NamedTuple):
    """A part of the product and the percentage of it that tests must run."""

    part: str
    percent: float
    inside: tuple[str, ...]
    outside: tuple[str, ...] = ()

    def covers(self, file: str) -> bool:
        """Whether a file of the package, named from `understudy/`, belongs to the part."""
        return file.startswith(self.inside) and not file.startswith(self.outside)


MARKS = (
    # The store is a border: a disk that fails in each of its ways is not worth simulating in full.
    Mark("events", 100, ("understudy/events/",), ("understudy/events/store/",)),
    Mark("actors.behaviors", 100, ("understudy/actors/behaviors/",)),
    Mark("the whole", 95, ("understudy/",)),
)


def counts() -> dict[str, tuple[int, int]]:
    """For each file, named from `understudy/`: (covered, all) statements and branches."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "coverage.json")
        coverage = Coverage()
        coverage.load()
        coverage.json_report(outfile=str(report))
        files = json.loads(report.read_text(encoding="utf-8"))["files"]
    found: dict[str, tuple[int, int]] = {}
    for file, data in files.items():
        total = data["summary"]
        name = "understudy/" + Path(file).as_posix().rpartition("/understudy/")[2]
        found[name] = (
            total["covered_lines"] + total["covered_branches"],
            total["num_statements"] + total["num_branches"],
        )
    return found


def say(line: str) -> None:
    """Write one line of the report."""
    sys.stdout.write(line + "\n")


def main() -> int:
    """Print one line for each mark and the worst files below it; 1 if --strict is given and a mark is missed."""
    files = counts()
    missed = False
    for mark in MARKS:
        part = {file: count for file, count in files.items() if mark.covers(file)}
        covered, everything = (sum(column) for column in zip((0, 0), *part.values(), strict=True))
        percent = 100 * covered / everything if everything else 100.0
        short = percent < mark.percent
        missed = missed or short
        say(f"coverage of {mark.part:<16} {percent:6.2f} %  mark {mark.percent:g} %  {'BELOW' if short else 'kept'}")
        worst = sorted((done - full, file) for file, (done, full) in part.items() if done < full) if short else []
        for gap, file in worst[:10]:
            say(f"    {-gap:5d} missed in {file}")
    return int(missed and "--strict" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
