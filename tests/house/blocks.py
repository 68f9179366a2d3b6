"""Code blocks of a Markdown page, ready to be run as they stand.

A block that opens with exactly ```python is a whole program. Its text is padded to the line it stands on, so that a
traceback names the line of the page. Any other word behind the fence (`pycon`, `text`, `console`) is for reading only;
but a `text` block that follows at once is what the program prints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "blocks"]

FENCE = re.compile(
    r"^```python[ \t]*\n(?P<code>.*?)^```[ \t]*$(?:\n\n```text\n(?P<output>.*?)^```[ \t]*$)?", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """One program of a page; `line` is its first line of code, counted from 1; `output` what it prints, if told."""

    page: Path
    line: int
    code: str
    output: str | None = None

    @property
    def name(self) -> str:
        """Where it stands, as an editor understands it."""
        return f"{self.page.name}:{self.line}"

    @property
    def program(self) -> str:
        """The code, on the lines that it has in the page."""
        return "\n" * (self.line - 1) + self.code


def blocks(page: Path) -> list[Block]:
    """The programs of one page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start("code")) + 1, found["code"], found["output"])
        for found in FENCE.finditer(text)
    ]
