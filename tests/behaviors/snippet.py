"""Workflow code as text: a module that has no file, for the lint and the guard to be tried on."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from understudy.actors.behaviors.guard.lint import Finding, lint

__all__ = ["FILE", "body", "calls", "findings", "module"]

FILE = "/app/shop/orders.py"


def module(text: str, name: str = "shop.orders", *, file: str = FILE, **names: Any) -> ModuleType:
    """Make a module of a text."""
    made = ModuleType(name)
    vars(made).update(names)
    exec(compile(text, file, "exec", dont_inherit=True), vars(made))  # noqa: S102 - the text is the test's own
    return made


def body(*lines: str, head: str = "", args: str = "") -> str:
    """Write a workflow function around some lines."""
    return head + f"\nasync def run({args}):\n" + "\n".join(f"    {line}" for line in lines) + "\n"


def findings(text: str, target: str = "run", **names: Any) -> list[Finding]:
    """Lint one function or class of a text."""
    made = module(text, **names)

    def source(filename: str, _names: dict[str, Any]) -> str | None:
        return text if filename == FILE else None

    return lint(getattr(made, target), source_provider=source)


def calls(text: str, target: str = "run", **names: Any) -> list[str]:
    """Return what the lint finds, in the order of the lines."""
    return [finding.call for finding in findings(text, target, **names)]
