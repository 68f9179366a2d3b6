"""What is good enough: one row for each target, as a rule over the figures of one run.

A target that is a multiple of something measured (of R, of C, of a peer, of another question) is judged by what was
measured in the same run, on the same machine and file system, so that it means the same on a fast one and a slow one. R
and C are those measured right before and right after the question. Where a figure that a rule needs was not asked for,
there is no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

__all__ = ["TARGETS", "Found", "Row", "Target", "rows"]

EVENTS_OF_W1 = 4


@dataclass(frozen=True, slots=True)
class Found:
    """All that one run of the benchmarks has measured.

    Args:
        answers: the documents that the questions wrote, by question.
        limits: the documents of `limits` right before and right after a question, by question.
    """

    answers: Mapping[str, Mapping[str, Any]]
    limits: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict[str, Any])

    def median(self, question: str, figure: str) -> float:
        """Return the median of a figure.

        Raises:
            KeyError: the question was not asked.
        """
        return float(self.answers[question]["figures"][figure]["median"])

    def limit(self, question: str, figure: str) -> float:
        """Return R (`recorder`, events/s) or C (`commit`, ms), as measured around a question.

        Raises:
            KeyError: it was not measured there.
        """
        return mean(float(each["figures"][figure]["median"]) for each in self.limits[question])


@dataclass(frozen=True, slots=True)
class Target:
    """One figure and where it has to be.

    Args:
        question: whose figure.
        figure: which.
        text: the figure in words.
        rule: the bound in words.
        bound: the bound; it raises KeyError where something that it needs was not measured.
        at_least: whether the figure has to be at least the bound; else at most.
    """

    question: str
    figure: str
    text: str
    rule: str
    bound: Callable[[Found], float] | None = None
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: a figure, judged."""

    target: Target
    unit: str
    measured: float
    smallest: float
    largest: float
    bound: float | None

    @property
    def ratio(self) -> float | None:
        """How many times the bound the figure is."""
        return self.measured / self.bound if self.bound else None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None: nothing to judge by."""
        if self.bound is None:
            return None
        return self.measured >= self.bound if self.target.at_least else self.measured <= self.bound

    def to_json(self) -> dict[str, Any]:
        """Return the row for a machine."""
        return {
            "question": self.target.question,
            "figure": self.target.figure,
            "text": self.target.text,
            "unit": self.unit,
            "measured": self.measured,
            "min": self.smallest,
            "max": self.largest,
            "target": self.target.rule,
            "bound": self.bound,
            "ratio": self.ratio,
            "met": self.is_met,
        }


def rows(found: Found) -> list[Row]:
    """Return a row for each target whose question was asked, in the order of `TARGETS`."""
    return [_row(found, target) for target in TARGETS if target.question in found.answers]


def _row(found: Found, target: Target) -> Row:
    figure = found.answers[target.question]["figures"][target.figure]
    bound = None
    if target.bound is not None:
        try:
            bound = target.bound(found)
        except KeyError:
            bound = None
    return Row(target, figure["unit"], figure["median"], figure["min"], figure["max"], bound)


def _more(question: str, figure: str, text: str, rule: str, bound: Callable[[Found], float]) -> Target:
    return Target(question, figure, text, rule, bound, at_least=True)


def _less(question: str, figure: str, text: str, rule: str, bound: Callable[[Found], float]) -> Target:
    return Target(question, figure, text, rule, bound)


TARGETS = (
    _more("w1", "rate", "W1", ">= 0.2 of R/4", lambda f: 0.2 * f.limit("w1", "recorder") / EVENTS_OF_W1),
    _more("w1", "rate", "W1", ">= 50 x DBOS", lambda f: 50 * f.median("peer_dbos", "w1")),
    Target("w1", "cpu", "W1, processor time", ""),
    _less("w1_latency", "p50", "W1, one in flight, p50", "<= 4 C", lambda f: 4 * f.limit("w1_latency", "commit")),
    Target("w1_latency", "p99", "W1, one in flight, p99", ""),
    _more("w2", "rate", "W2", ">= 1.5 x W1", lambda f: 1.5 * f.median("w1", "rate")),
    _more("w2", "rate", "W2", ">= 50 x DBOS", lambda f: 50 * f.median("peer_dbos", "w2")),
    Target("w2", "cpu", "W2, processor time", ""),
    _more("w3", "rate", "W3", ">= W2", lambda f: f.median("w2", "rate")),
    Target("w3", "cpu", "W3, processor time", ""),
    _less("w4", "p50", "W4, signal to result, p50", "<= 3 C", lambda f: 3 * f.limit("w4", "commit")),
    Target("w4", "p99", "W4, signal to result, p99", ""),
    _less("update", "p50", "update, sent to answered, p50", "<= 3 C", lambda f: 3 * f.limit("update", "commit")),
    Target("update", "p99", "update, p99", ""),
    Target("children", "rate", "children of one parent", ""),
    _less("w5", "first", "W5, first answer", "<= 1 s", lambda _: 1.0),
    _less("w5", "all", "W5, all answered", "<= 6 s", lambda _: 6.0),
    Target("w5", "first_from_connect", "W5, first, from connect", ""),
    Target("w5", "all_from_connect", "W5, all, from connect", ""),
    _more("replay", "replay", "replay", ">= 60,000", lambda _: 60_000.0),
    _more("replay_mixed", "replay", "replay, of all kinds", ">= 60,000", lambda _: 60_000.0),
    Target("replay", "with_reading", "replay, read and decoded", ""),
    Target("replay", "to_an_answer", "replay, for a query", ""),
    _less("memory", "live", "memory of a live run", "<= 12 KiB", lambda _: 12.0),
    _less("memory", "left", "memory of a passivated run", "0 (< 0.5)", lambda _: 0.5),
    Target("memory", "left_resident", "the same, resident", ""),
    Target("memory", "left_objects", "actors and coroutines left", ""),
    _less("imports", "first_result", "import and first result", "<= 300 ms", lambda _: 300.0),
    Target("imports", "import", "import", ""),
    Target("peer_dbos", "w1", "DBOS, W1, 50 in flight", ""),
    Target("peer_dbos", "w1_one", "DBOS, W1, one in flight", ""),
    Target("peer_dbos", "w1_p50", "DBOS, W1, one in flight, p50", ""),
    Target("peer_dbos", "w2", "DBOS, W2, 50 in flight", ""),
)
