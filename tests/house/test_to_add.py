"""ARCHITECTURE.md says which files a new fact, request, message, projection or store needs: each list is walked here.

A list names one example that is there. Every file of it must be there, too, and speak of the example.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from tests.house.tree import ROOT

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

KINDS = {"A fact", "A request", "A message", "A projection", "A store"}


class Walk(NamedTuple):
    """One list: what is to be added, the example, and the files it needs."""

    kind: str
    example: str
    files: tuple[str, ...]


def walks() -> list[Walk]:
    """The lists of the section "To add"."""
    section = PAGE.split("\n## To add\n")[1].split("\n## ")[0]
    found = re.findall(r"^\*\*(.+?)\*\*, as `(\w+)`.*?\n\n((?:\|.*\n)+)", section, flags=re.MULTILINE)
    return [
        Walk(kind, example, tuple(re.findall(r"^\| `(\S+)` \|", table, re.MULTILINE))) for kind, example, table in found
    ]


def test_there_is_a_list_for_each_kind() -> None:
    assert {walk.kind for walk in walks()} == KINDS
    assert all(len(walk.files) > 2 for walk in walks())


@pytest.mark.parametrize("walk", walks(), ids=lambda walk: walk.kind)
def test_each_file_of_a_list_is_there_and_speaks_of_the_example(walk: Walk) -> None:
    silent = [file for file in walk.files if walk.example not in (ROOT / file).read_text(encoding="utf-8")]
    assert silent == []


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:api|actors|events|tests)/[\w/.]+\.py)`", PAGE))))
def test_every_file_that_the_page_names_is_there(path: str) -> None:
    assert (ROOT / path).is_file()
