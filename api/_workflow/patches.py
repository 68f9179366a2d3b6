"""Changing code while runs are open: `patched` and its kin, which `understudy.workflow` shows to users.

A run keeps to the way that it went when it first came to a change: that is recorded there, and every replay goes it
again.
"""

from __future__ import annotations

from typing import Final

from understudy.actors.behaviors.code.context import current
from understudy.actors.behaviors.code.patches import DEFAULT_VERSION
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError

__all__ = ["deprecate_patch", "get_version", "patched"]

_LARGEST: Final = 2**31 - 1


def patched(id: str) -> bool:
    """Return True if this run goes the new way of a change.

    True for runs that come here for the first time with code that has this call, unless their worker's
    `patch_activation_callback` declines; False for those that were here before.

    ```python
    if workflow.patched("charge-in-euros"):
        await workflow.execute_activity(charge_in_euros, order)
    else:
        await workflow.execute_activity(charge, order)
    ```

    Args:
        id: the name of the change; the same one means the same decision everywhere in the run.

    Raises:
        ReadOnlyContextError: a query or a condition came to the change first.
    """
    return current().patches.patched(_checked(id, "patch id"))


def deprecate_patch(id: str) -> None:
    """Say that the old way of a change is gone from the code, since no open run needs that way any more.

    The last step but one: `patched`, then this in its place, then nothing. Runs that have recorded the change replay
    with and without this call.

    Args:
        id: as it was given to `patched`.
    """
    current().patches.patched(_checked(id, "patch id"), deprecated=True)


def get_version(change_id: str, min_supported: int, max_supported: int) -> int:
    """Return the version of a change that this run keeps to, for changes that have more than two ways.

    The newest for runs that come here for the first time, `DEFAULT_VERSION` (-1) for those that were here before the
    call was.

    Args:
        change_id: the name of the change.
        min_supported: the oldest version that the code still has; `DEFAULT_VERSION` where it has the way of before.
        max_supported: the newest.

    Raises:
        UnsupportedVersionError: the run keeps to a version outside of these; it waits for code that has it.
        InvalidArgumentError: the two are no versions, or the wrong way round.
        ReadOnlyContextError: a query or a condition came to the change first.
    """
    least = _checked_version(min_supported, "min_supported", DEFAULT_VERSION)
    most = _checked_version(max_supported, "max_supported", least)
    return current().patches.version(_checked(change_id, "change_id"), least, most)


def _checked(name: object, what: str) -> str:
    if not isinstance(name, str):
        raise ArgumentTypeError(what=what, got=repr(name), expected="a str")
    if not name:
        raise InvalidArgumentError(what=what, got="''", expected="a name")
    return name


def _checked_version(version: object, what: str, least: int) -> int:
    if isinstance(version, bool) or not isinstance(version, int):
        raise ArgumentTypeError(what=what, got=repr(version), expected="an int")
    if not least <= version <= _LARGEST:
        raise InvalidArgumentError(what=what, got=repr(version), expected=f"{least} or more")
    return version
