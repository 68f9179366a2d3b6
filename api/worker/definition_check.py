"""Checks of definitions by the lint: refuse code that would not replay, and warn of code that may differ."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from understudy.events.errors import DefinitionError

if TYPE_CHECKING:
    from understudy.actors.behaviors.definitions.definition import WorkflowDefinition
    from understudy.actors.behaviors.guard.lint import Finding

__all__ = ["refuse_what_cannot_replay", "warn_of_what_may_differ"]

_log: Final = logging.getLogger("understudy.lint")
_warned: Final[WeakSet[Any]] = WeakSet()
"""Workflows whose warnings were logged: another worker of the same code has nothing new to say."""


def refuse_what_cannot_replay(definition: WorkflowDefinition) -> list[Finding]:
    """Lint a definition, unless it says `sandboxed=False`; return the findings that are only warnings.

    Raises:
        DefinitionError: it calls what would give another result in a replay.
    """
    from understudy.actors.behaviors.guard.lint import lint
    from understudy.actors.guard.seams import module_source

    if not definition.sandboxed:
        return []
    findings = lint(definition.target, source_provider=module_source)
    errors = [found for found in findings if found.severity == "error"]
    if errors:
        raise DefinitionError(
            subject=f"workflow {definition.label!r}",
            problem="; ".join(f"{found.file}:{found.line} calls {found.call}" for found in errors),
            fix=f"use {errors[0].instead}, or switch the check off with @workflow.defn(sandboxed=False)",
        )
    return findings


def warn_of_what_may_differ(definition: WorkflowDefinition, findings: Sequence[Finding]) -> None:
    """Log the findings that may differ in a replay, once for each workflow."""
    if definition.target in _warned:
        return
    _warned.add(definition.target)
    for found in findings:
        text = "%s:%d: %s in workflow %r may differ in a replay; use %s"
        _log.warning(text, found.file, found.line, found.call, definition.label, found.instead)
