"""What a worker and a replayer refuse alike: workflows whose source says that they would not replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.events.errors import DefinitionError

if TYPE_CHECKING:
    from understudy.actors.behaviors.definition import WorkflowDefinition
    from understudy.actors.behaviors.lint import Finding

__all__ = ["refuse_what_cannot_replay"]


def refuse_what_cannot_replay(definition: WorkflowDefinition) -> list[Finding]:
    """Lint a definition, unless it says `sandboxed=False`; return what is only to be warned of.

    Raises:
        DefinitionError: it calls what would give another result in a replay.
    """
    from understudy.actors.behaviors.lint import lint
    from understudy.actors.guard import module_source

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
