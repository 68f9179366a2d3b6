"""What each run of the load is to do, drawn from the seed and its number, so that every life of the child agrees."""

from __future__ import annotations

from random import Random
from typing import Any, Final, NamedTuple

from tests.recovery.load import CHAIN_LENGTH, WORKFLOWS

__all__ = ["CANCELED", "FAILED", "Plan", "plan", "workflow_id"]

CANCELED: Final = "canceled"
FAILED: Final = "failed"
"""How a run ended that has no result."""


class Plan(NamedTuple):
    """One run of the load."""

    number: int
    workflow: Any
    args: tuple[Any, ...]
    expected: Any
    signals: int = 0
    cancel: bool = False


def workflow_id(number: int) -> str:
    """Return the workflow id of a plan."""
    return f"load-{number:05}"


def plan(seed: int, number: int) -> Plan:
    """Return plan number `number` of a seed."""
    dice = Random(f"{seed}/{number}")  # noqa: S311 - repeatable, not secret
    workflow = dice.choice(WORKFLOWS)
    args, expected = _DRAWN[workflow.__name__](dice)
    signals = args[0] if workflow.__name__ == "Mailbox" else 0
    return Plan(number, workflow, args, expected, signals, cancel=expected == CANCELED)


def _amounts(dice: Random, least: int, most: int) -> list[int]:
    return [dice.randrange(1_000) for _ in range(dice.randint(least, most))]


def _steps(dice: Random) -> tuple[tuple[Any, ...], Any]:
    amounts = _amounts(dice, 2, 6)
    return (amounts,), sum(amounts)


def _retries(dice: Random) -> tuple[tuple[Any, ...], Any]:
    failures, amount = dice.randrange(4), dice.randrange(1_000)
    return (failures, amount), f"{amount}, Never: never {amount}"


def _local(dice: Random) -> tuple[tuple[Any, ...], Any]:
    numbers = _amounts(dice, 1, 3)
    return (numbers,), sum(numbers) * 2 + 1


def _timers(dice: Random) -> tuple[tuple[Any, ...], Any]:
    waits = [dice.randint(1, 20) for _ in range(dice.randint(1, 4))]
    return (waits,), [*(f"slept {wait}" for wait in waits), "timed out", "waited", "same value", "36 characters"]


def _mailbox(dice: Random) -> tuple[tuple[Any, ...], Any]:
    count = dice.randint(1, 5)
    return (count,), list(range(count))


def _fan_out(dice: Random) -> tuple[tuple[Any, ...], Any]:
    amounts = _amounts(dice, 3, 9)
    return (amounts,), sum(amounts)


def _canceled(dice: Random) -> tuple[tuple[Any, ...], Any]:
    return (dice.choice(["asleep", "at work"]),), CANCELED


def _drops(dice: Random) -> tuple[tuple[Any, ...], Any]:
    return (dice.randint(1, 4),), ["stopped", "ended"]


def _beats(dice: Random) -> tuple[tuple[Any, ...], Any]:
    return (dice.randint(2, 40),), "went on"


def _chain(dice: Random) -> tuple[tuple[Any, ...], Any]:
    amount = dice.randrange(1_000)
    return (amount,), amount + CHAIN_LENGTH


def _fails(dice: Random) -> tuple[tuple[Any, ...], Any]:
    return (dice.randrange(1_000),), FAILED


_DRAWN: Final[dict[str, Any]] = {
    "Steps": _steps,
    "Retries": _retries,
    "Local": _local,
    "Timers": _timers,
    "Mailbox": _mailbox,
    "FanOut": _fan_out,
    "Canceled": _canceled,
    "Drops": _drops,
    "Beats": _beats,
    "chain": _chain,
    "fails": _fails,
}
