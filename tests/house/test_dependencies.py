"""What an install brings along: each dependency of the core is used by the core, and the core uses nothing else.

What only examples, benchmarks or tests use belongs into an extra, so that a user of the engine does not pay for it.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib.metadata import packages_distributions

from tests.house.tree import Module, imports, modules, pyproject

KEPT: dict[str, str] = {
    "opentelemetry-sdk": "it stays until the telemetry uses it",
}
"""Dependencies of the core that no product code imports, and why they stay."""

CONTRIB: dict[str, str] = {
    "understudy.contrib.pydantic": "pydantic",
}
"""Modules that need an extra, and the extra that they need."""


def names(requirements: list[str]) -> set[str]:
    """The names of required distributions, without versions and extras."""
    return {re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0].lower() for line in requirements}


def core() -> set[str]:
    """The distributions that every install brings along."""
    return names(pyproject()["project"]["dependencies"])


def extra(name: str) -> set[str]:
    """The distributions that an extra brings along."""
    return names(pyproject()["project"]["optional-dependencies"][name])


@cache
def distributions() -> dict[str, set[str]]:
    """The distributions that each importable top-level name comes from."""
    return {name: {each.lower() for each in found} for name, found in packages_distributions().items()}


def foreign(module: Module) -> set[str]:
    """The top-level names that a module imports and that are neither Python's nor ours."""
    tops = {seen.target.partition(".")[0] for seen in imports(module)}
    return {top for top in tops if top != "understudy" and top not in sys.stdlib_module_names}


def test_each_dependency_of_the_core_is_imported_by_product_code() -> None:
    found = [distributions()[top] for module in modules() if module.name not in CONTRIB for top in foreign(module)]
    used: set[str] = set().union(*found)
    assert sorted(core() - used - KEPT.keys()) == [], "it belongs into an extra"
    assert sorted(KEPT.keys() & used | KEPT.keys() - core()) == [], "a row that is not needed any more"


def test_product_code_imports_what_the_core_or_its_extra_installs() -> None:
    missing = {
        f"{module.where}: {top}"
        for module in modules()
        for top in foreign(module)
        if not (core() | (extra(CONTRIB[module.name]) if module.name in CONTRIB else set())) & requirers(top)
    }
    assert missing == set()
    assert CONTRIB.keys() - {module.name for module in modules() if foreign(module)} == set()


def requirers(top: str) -> set[str]:
    """The distributions that bring a top-level name: its own, and the one that it is the core of."""
    return distributions()[top] | {top.removesuffix("_core")}
