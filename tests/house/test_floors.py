"""Who may import whom: api -> actors | projections -> actors.behaviors -> events, and no circle anywhere.

import-linter checks the floors with its contracts; that the contracts are there and cover every package is checked
here, and the arrows once more by the syntax trees, which need no installation.
"""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from typing import Any

import pytest

from tests.house.tree import FOLDERS, Module, imports, modules, pyproject, under

BEHAVIORS = "understudy.actors.behaviors"

BELOW = {
    "understudy.events": ("understudy.events",),
    BEHAVIORS: (BEHAVIORS, "understudy.events"),
    "understudy.actors": ("understudy.actors", "understudy.events"),
    "understudy.projections": ("understudy.projections", BEHAVIORS, "understudy.events"),
}
"""What a floor may import of ours; the first floor that fits a module's name counts, and the doors may import all."""


LAYERED: dict[str, str] = {
    "actors": "understudy.actors",
    "behaviors-layers": "understudy.actors.behaviors",
    "events": "understudy.events",
    "relations": "understudy.actors.relations",
    "requests": "understudy.actors.requests",
    "runs": "understudy.actors.runs",
}
"""Rooms whose modules stand in layers, by the id of the contract that says which."""


def contracts() -> dict[str, dict[str, Any]]:
    """The import-linter contracts by id."""
    return {contract["id"]: contract for contract in pyproject()["tool"]["importlinter"]["contracts"]}


def floor_of(module: Module) -> str | None:
    """The floor a module stands on, or None for the doors."""
    return next((floor for floor in BELOW if under(module.name, floor)), None)


def test_every_contract_of_the_floors_is_configured() -> None:
    assert set(contracts()) == {"behaviors", "client", "doors", "floors", "purity", "rooms", "store"} | LAYERED.keys()


def test_a_contract_counts_all_imports_those_for_type_checkers_too() -> None:
    linter = pyproject()["tool"]["importlinter"]
    assert "exclude_type_checking_imports" not in linter


@pytest.mark.parametrize("room", sorted(LAYERED))
def test_the_layers_of_a_room_name_each_of_its_modules_and_folders_once(room: str) -> None:
    contract, package = contracts()[room], LAYERED[room]
    depth = package.count(".") + 1
    inside = {module.name.split(".")[depth] for module in modules() if module.name.startswith(f"{package}.")}
    named = re.findall(r"\w+", " ".join(contract["layers"]))
    assert sorted(named) == sorted(inside)
    assert contract["containers"] == [package]
    assert contract["exhaustive"] is True


def test_the_floors_contract_names_every_floor_below_the_doors() -> None:
    named = set(re.findall(r"\w+", " ".join(contracts()["floors"]["layers"])))
    assert named == {folder for folder in FOLDERS if folder != "api"}


def test_the_doors_are_closed_to_every_floor_below_them() -> None:
    doors = contracts()["doors"]
    assert {name.removesuffix(".**") for name in doors["source_modules"]} == set(FOLDERS.values()) - {"understudy"}
    assert doors["forbidden_modules"] == ["understudy.*"]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_a_module_imports_only_its_own_floor_and_those_below(module: Module) -> None:
    floor = floor_of(module)
    if floor is None:
        return
    upward = [
        f"line {seen.line}: {seen.target}"
        for seen in imports(module)
        if under(seen.target, "understudy") and not any(under(seen.target, allowed) for allowed in BELOW[floor])
    ]
    assert upward == []


def test_every_room_behind_the_doors_has_its_place_in_the_layers() -> None:
    rooms = contracts()["rooms"]
    named = set(re.findall(r"\w+", " ".join(rooms["layers"]))) | set(rooms["exhaustive_ignores"])
    found = {module.name.split(".")[1] for module in modules() if "." in module.name}
    assert rooms["exhaustive"]
    assert named - {"projections"} == found


def test_no_modules_import_each_other_in_a_circle() -> None:
    """All imports count: those for type checkers and those inside functions tie two modules together, too."""
    known = {module.name for module in modules()}
    # A package's own __init__ runs before its modules do; what it re-exports is not a circle of theirs.
    graph = {
        module.name: {
            seen.target
            for seen in imports(module)
            if seen.target in known and seen.target != module.name and not under(module.name, seen.target)
        }
        for module in modules()
    }
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))
