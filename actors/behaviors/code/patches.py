"""Changes of the code while runs are open: patches and versions, each decided once in a run and the same for ever.

Whoever comes to a change for the first time goes the newest way and records that; a worker may decline a patch, which
is recorded as well. A replay goes the way that is recorded; where nothing is, the run is older than the change and goes
the old way, also in what comes behind the replay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from understudy.actors.behaviors.code.side_effects import live_only
from understudy.actors.behaviors.code.source_line import source_line
from understudy.events.errors import UnsupportedVersionError
from understudy.events.marker import PatchRecorded, VersionRecorded

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.recorder import Recorder
    from understudy.events.event import Event

__all__ = ["DEFAULT_VERSION", "Patches"]

DEFAULT_VERSION: Final = -1
"""The version of runs that are older than the first `get_version` of a change."""

_CALLBACK: Final = "a patch_activation_callback"
"""The name in the error of a callback that asks the workflow for something."""


class Patches:
    """The patches and versions that one run has decided upon; owned by its `Context`.

    Args:
        recorder: of the run.
        activates: the worker's say in a patch that the code comes to live; None: it takes all.
    """

    __slots__ = ("_activates", "_looked_in", "_patched", "_recorded", "_recorder", "_versions")

    def __init__(self, recorder: Recorder, activates: Callable[[str], bool] | None) -> None:
        """Begin without any decision."""
        self._recorder = recorder
        self._activates = activates
        self._patched: dict[str, bool] | None = None
        self._versions: dict[str, int] | None = None
        self._looked_in: Sequence[Event] = ()
        self._recorded: frozenset[tuple[type[Event], str]] = frozenset()

    def patched(self, patch_id: str, *, deprecated: bool = False) -> bool:
        """True if this run goes the new way.

        Raises:
            ReadOnlyContextError: a query or a condition came to the patch first, or the worker's callback did more than
                to decide.
            NondeterminismError: the replay comes to it at another place than the record says.
        """
        known = self._patched = {} if self._patched is None else self._patched
        if patch_id not in known:
            known[patch_id] = self._is_new(PatchRecorded, patch_id) and self._goes(patch_id, source_line(), deprecated)
        return known[patch_id]

    def _goes(self, patch_id: str, line: str, deprecated: bool) -> bool:  # noqa: FBT001 - a field of the record
        recorder = self._recorder
        activates = None if deprecated or recorder.is_replaying else self._activates
        declined = activates is not None and not live_only(recorder, lambda: activates(patch_id), _CALLBACK)
        asked: Any = recorder.ask(
            PatchRecorded(at=recorder.now, patch_id=patch_id, deprecated=deprecated, declined=declined, source=line)
        )
        return not asked.declined

    def version(self, change_id: str, least: int, most: int) -> int:
        """Return the version of a change that this run keeps to.

        Raises:
            UnsupportedVersionError: the code no longer knows that version, or does not know it yet.
            ReadOnlyContextError: a query or a condition came to the change first.
            NondeterminismError: the replay comes to it at another place than the record says.
        """
        known = self._versions = {} if self._versions is None else self._versions
        version = known.get(change_id)
        if version is None:
            version = DEFAULT_VERSION
            if self._is_new(VersionRecorded, change_id):
                recorder, line = self._recorder, source_line()
                asked: Any = recorder.ask(
                    VersionRecorded(at=recorder.now, change_id=change_id, version=most, source=line)
                )
                version = int(asked.version)
            known[change_id] = version
        if not least <= version <= most:
            raise UnsupportedVersionError(change_id=change_id, version=version, min_supported=least, max_supported=most)
        return version

    def _is_new(self, kind: type[Event], name: str) -> bool:
        """True if the run meets the change live, or has recorded it: then the run is not older than the change."""
        recorder = self._recorder
        if not recorder.is_replaying:
            return True
        if self._looked_in is not recorder.history:
            self._looked_in = recorder.history
            self._recorded = frozenset(_markers(recorder.history))
        return (kind, name) in self._recorded


def _markers(history: Sequence[Event]) -> set[tuple[type[Event], str]]:
    found: set[tuple[type[Event], str]] = set()
    for event in history:
        if isinstance(event, PatchRecorded):
            found.add((PatchRecorded, event.patch_id))
        elif isinstance(event, VersionRecorded):
            found.add((VersionRecorded, event.change_id))
    return found
