"""Every Python block of the README and of docs/ runs as it stands, in an empty folder, in a process of its own.

What it prints is what the page says behind it; ids, folders and line breaks are those of another day.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.blocks import Block, blocks
from tests.house.tree import ROOT

pytestmark = pytest.mark.processes

README = ROOT / "README.md"
SECONDS = 50
"""A block that takes longer is no example; below pytest's own time-out, so that its output is shown."""


def pages() -> list[Path]:
    """The pages whose blocks are promises."""
    return [page for page in [README, *sorted((ROOT / "docs").rglob("*.md"))] if page.exists()]


def environment() -> dict[str, str]:
    """What a user's shell has: nothing that points at this checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTHON", "PYTEST_"))}


OF_ANOTHER_DAY = {
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b": "a run id",
    r"\bpid \d+": "a pid",
    r"'/[^']*/": "'/a folder/",
    r"\s+": " ",
}
"""What differs between two runs of a program, as patterns, and what stands for it."""


def comparable(text: str) -> str:
    """Output without what is of its day."""
    for pattern, same in OF_ANOTHER_DAY.items():
        text = re.sub(pattern, same, text)
    return text.strip()


@pytest.mark.parametrize("block", [block for page in pages() for block in blocks(page)], ids=lambda block: block.name)
def test_a_block_runs_as_it_stands(block: Block, tmp_path: Path) -> None:
    program = tmp_path / "block.py"
    program.write_text(block.program, encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - the program is our own page
        [sys.executable, program.name],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{block.name}\n{done.stdout}\n{done.stderr}"
    assert "may differ in a replay" not in done.stderr, "the lint warns of it, and users copy it"
    assert block.output is None or comparable(done.stdout) == comparable(block.output)


def test_the_readme_has_a_block_to_run() -> None:
    assert not README.exists() or blocks(README)


def test_a_block_keeps_the_line_it_has_on_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```python\nimport sys\nsys.exit()\n```\n\n```text\nno program\n```\n", encoding="utf-8")
    (block,) = blocks(page)
    assert block.line == 4
    assert block.output == "no program\n"
    assert block.program.splitlines()[3] == "import sys"
