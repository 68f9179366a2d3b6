"""Restrictions of a sandbox of Temporal's, as values: kept as they were given, and not looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec
from msgspec import structs

from understudy.events.public import public

__all__ = ["SandboxMatcher", "SandboxRestrictions"]

_DOOR = "understudy.worker.workflow_sandbox"


@public(_DOOR)
class SandboxMatcher(msgspec.Struct, frozen=True):
    """A tree of names that a sandbox restricts; kept, and not looked at."""

    access: AbstractSet[str] = frozenset()
    use: AbstractSet[str] = frozenset()
    children: Mapping[str, SandboxMatcher] = msgspec.field(default_factory=dict[str, "SandboxMatcher"])
    match_self: bool = False
    only_runtime: bool = False
    leaf_message: str | None = None
    leaf_warning: type[Warning] | None = None
    exclude: AbstractSet[str] = frozenset()

    all: ClassVar[SandboxMatcher]
    all_runtime: ClassVar[SandboxMatcher]
    none: ClassVar[SandboxMatcher]
    all_uses: ClassVar[SandboxMatcher]
    all_uses_runtime: ClassVar[SandboxMatcher]

    @classmethod
    def nested_child(cls, path: Sequence[str], child: SandboxMatcher) -> SandboxMatcher:
        """Return a matcher that has `child` at the end of `path`."""
        for name in reversed(path):
            child = cls(children={name: child})
        return child

    def child_matcher(self, *child_path: str) -> SandboxMatcher | None:
        """Return the matcher at `child_path`, or None."""
        found: SandboxMatcher | None = self
        for name in child_path:
            found = found.children.get(name) if found is not None else None
        return found

    def with_child_unrestricted(self, *child_path: str) -> SandboxMatcher:
        """Return a copy without the child at `child_path`."""
        name, *rest = child_path
        child = self.children.get(name)
        if child is None:
            return self
        children = {other: matcher for other, matcher in self.children.items() if other != name}
        if rest:
            children[name] = child.with_child_unrestricted(*rest)
        return structs.replace(
            self,
            children=children,
            access=self.access if rest else self.access - {name},
            use=self.use if rest else self.use - {name},
        )

    def __or__(self, other: SandboxMatcher) -> SandboxMatcher:
        """Return a matcher of all that either of the two names."""
        children = dict(self.children)
        for name, child in other.children.items():
            children[name] = children[name] | child if name in children else child
        return structs.replace(
            self,
            access=self.access | other.access,
            use=self.use | other.use,
            exclude=self.exclude | other.exclude,
            children=children,
            match_self=self.match_self or other.match_self,
        )


_ANY = frozenset({"*"})
SandboxMatcher.none = SandboxMatcher()
SandboxMatcher.all = SandboxMatcher(access=_ANY)
SandboxMatcher.all_runtime = SandboxMatcher(access=_ANY, only_runtime=True)
SandboxMatcher.all_uses = SandboxMatcher(use=_ANY)
SandboxMatcher.all_uses_runtime = SandboxMatcher(use=_ANY, only_runtime=True)


@public(_DOOR)
@dataclass(frozen=True)
class SandboxRestrictions:
    """Modules that a sandbox lets through, and those that it restricts; kept, and not looked at."""

    passthrough_modules: AbstractSet[str]
    invalid_modules: SandboxMatcher
    invalid_module_members: SandboxMatcher
    import_notification_policy: Any = None
    passthrough_all_modules: bool = False
    disable_lazy_sys_module_passthrough: bool = False

    passthrough_modules_minimum: ClassVar[AbstractSet[str]] = frozenset()
    passthrough_modules_with_temporal: ClassVar[AbstractSet[str]] = frozenset()
    passthrough_modules_maximum: ClassVar[AbstractSet[str]] = frozenset()
    passthrough_modules_default: ClassVar[AbstractSet[str]] = frozenset()
    invalid_module_members_default: ClassVar[SandboxMatcher] = SandboxMatcher.none
    default: ClassVar[SandboxRestrictions]

    def with_passthrough_modules(self, *modules: str) -> SandboxRestrictions:
        """Return a copy with further modules let through."""
        return replace(self, passthrough_modules=self.passthrough_modules | set(modules))

    def with_passthrough_all_modules(self) -> SandboxRestrictions:
        """Return a copy with all modules let through."""
        return replace(self, passthrough_all_modules=True)

    def with_import_notification_policy(self, policy: Any) -> SandboxRestrictions:
        """Return a copy with another policy on imports."""
        return replace(self, import_notification_policy=policy)


SandboxRestrictions.default = SandboxRestrictions(frozenset(), SandboxMatcher.none, SandboxMatcher.none)
