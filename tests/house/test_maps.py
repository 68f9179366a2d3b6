"""A folder's `__init__` is its map: what is in it, in reading order, and who may import it.

A map that misses a module, or shows one that is gone, is worse than none; so both are checked.
"""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.test_doors import DOORS, FACADE
from tests.house.tree import Module, exported, modules

LINES = 3
"""Lines of a map at least; the first says what the folder is."""

NAME = re.compile(r"`([a-z_]\w*)`")


def maps() -> list[Module]:
    """The `__init__` files that are maps: those of doors speak to users, not to who reads the source."""
    return [module for module in modules() if module.is_package and module.name not in {FACADE, *DOORS}]


def rooms(folder: Module) -> set[str]:
    """The modules and folders in a folder."""
    prefix = f"{folder.name}."
    return {
        module.name.removeprefix(prefix).partition(".")[0] for module in modules() if module.name.startswith(prefix)
    }


def everywhere() -> set[str]:
    """The modules and folders of the whole product: a map may say who imports its folder."""
    return {part for module in modules() for part in module.name.split(".")}


def faults(folder: Module) -> list[str]:
    """What is wrong with a map."""
    text = ast.get_docstring(folder.tree) or ""
    named = set(NAME.findall(text))
    short = [f"has fewer than {LINES} lines"] if len(text.splitlines()) < LINES else []
    missing = [f"does not name {room}" for room in sorted(rooms(folder) - named)]
    gone = [f"names {room}" for room in sorted(named - everywhere() - set(exported(folder) or ()))]
    return short + missing + gone


@pytest.mark.parametrize("folder", maps(), ids=lambda module: module.where)
def test_a_folder_says_what_is_in_it(folder: Module) -> None:
    assert faults(folder) == []
