"""The lint warns of what runs share, and of orders that differ between processes."""

from __future__ import annotations

import pytest

from tests.behaviors.snippet import body, findings

STATE = "import itertools\nCACHE, SEEN, IDS, LINES = {}, set(), itertools.count(), iter('ab')\nclass Config: ...\n"


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("global TOTAL", "global TOTAL"),
        ("CACHE['a'] = 1", "CACHE['a'] = ..."),
        ("CACHE['a'] += 1", "CACHE['a'] = ..."),
        ("x, CACHE['a'] = 1, 2", "CACHE['a'] = ..."),
        ("del CACHE['a']", "CACHE['a'] = ..."),
        ("CACHE.update(a=1)", "CACHE.update()"),
        ("SEEN.add(1)", "SEEN.add()"),
        ("Config.debug = True", "Config.debug = ..."),
        ("itertools.x = True", "itertools.x = ..."),
        ("next(IDS)", "next(IDS)"),
        ("next(LINES)", "next(LINES)"),
        ("x = os.environ['HOME']", "os.environ"),
        ("x = os.environ.get('HOME')", "os.environ"),
        ("x = os.getenv('HOME')", "os.getenv()"),
        ("hash('a')", "hash()"),
    ],
)
def test_state_outside_the_run_is_a_warning(line: str, call: str) -> None:
    [finding] = findings(body(line, head="import os\n" + STATE))
    assert (finding.call, finding.severity) == (call, "warning")


@pytest.mark.parametrize(
    "line",
    [
        "mine = {}; mine['a'] = 1",
        "mine = []; mine.append(1)",
        "CACHE.get('a')",
        "next(x for x in 'ab')",
        "next()",
        "x.y = 1",
    ],
)
def test_state_of_the_function_is_its_own(line: str) -> None:
    assert findings(body(line, head=STATE)) == []


def test_a_generator_that_all_runs_share_is_an_error() -> None:
    [finding] = findings(body("dice.random()", head="from random import Random\ndice = Random(6)"))
    assert (finding.severity, finding.instead) == ("error", "workflow.random()")
    assert "dice" in finding.call


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("for x in {'a', 'b'}: ...", "iteration over a set"),
        ("[x for x in {'a', y}]", "iteration over a set"),
        ("[x async for x in set(names)]", "iteration over a set"),
        ("names = {'a'} | other\n    for x in names: ...", "iteration over a set"),
        ("for x in COLORS: ...", "iteration over a set"),
        ("for x in frozenset('ab'): ...", "iteration over a set"),
        ("for x in {y for y in range(3)}: ...", "iteration over a set"),
        ("list({'a', 'b'})", "list() of a set"),
        ("async def g():\n        async for x in {'a'}: ...", "iteration over a set"),
        ("{await f(x) for x in COLORS}", "iteration over a set"),
        ("{start(x) for x in COLORS}", "iteration over a set"),
        ("any(later.start(x) for x in COLORS)", "iteration over a set"),
        ("sum([x for x in [1] if [y for y in COLORS]])", "iteration over a set"),
        ("','.join(x for x in COLORS)", "iteration over a set"),
    ],
)
def test_the_order_of_a_set_is_a_warning(line: str, call: str) -> None:
    [finding] = findings(body(line, head="COLORS = {'red', 'green'}"))
    assert (finding.call, finding.severity) == (call, "warning")


@pytest.mark.parametrize(
    "line",
    [
        "for x in sorted({'a', 'b'}): ...",
        "for x in {1, 2.5}: ...",
        "for x in NUMBERS: ...",
        "for x in ['a', 'b']: ...",
        "'a' in {'a', 'b'}",
        "len({'a'})",
        "list(range(3))",
        "list()",
        "for x in 1 + 2: ...",
        "sorted(x.lower() for x in COLORS)",
        "sorted([x for x in COLORS], key=len)",
        "all(len(x) > y for x in COLORS for y in [1])",
        "any(x.startswith('a') for x, y in zip(COLORS, COLORS)) or max(x for x in COLORS)",
        "{x.upper() for x in COLORS}",
        "{x for x in {y for y in COLORS}}",
    ],
)
def test_an_order_that_is_the_same_everywhere_is_not_found(line: str) -> None:
    assert findings(body(line, head="NUMBERS, COLORS = {1, 2}, {'red', 'green'}")) == []
