"""The lint and functions that are given to `side_effect` by their names."""

from __future__ import annotations

import pytest

from tests.behaviors.snippet import body, calls

EFFECT = "import random\nfrom understudy.workflow import side_effect\n"


@pytest.mark.parametrize(
    "lines",
    [
        ("def draw(): return random.random()", "return side_effect(draw)"),
        ("draw = lambda: random.random()", "return side_effect(fn=draw)"),
        ("def draw(): return random.random()", "side_effect(draw)", "return side_effect(draw)"),
        (
            "def draw(): return random.random()",
            "def roll(): return random.randint(1, 6)",
            "return side_effect(draw), side_effect(roll)",
        ),
    ],
)
def test_a_named_function_that_only_a_side_effect_calls_may_do_anything(lines: tuple[str, ...]) -> None:
    assert calls(body(*lines, head=EFFECT)) == []


@pytest.mark.parametrize(
    "lines",
    [
        ("def draw(): return random.random()", "side_effect(draw)", "return draw()"),
        ("draw = lambda: random.random()", "side_effect(draw)", "return [draw]"),
        ("self.draw = lambda: random.random()", "side_effect(self.draw)"),
        ("def draw(): return random.random()", "return side_effect(1)"),
    ],
)
def test_one_that_is_used_otherwise_as_well_may_not(lines: tuple[str, ...]) -> None:
    assert calls(body(*lines, head=EFFECT, args="self")) == ["random.random()"]


def test_a_method_that_only_a_side_effect_calls_may_do_anything() -> None:
    text = (
        EFFECT
        + """
class Flow:
    kind = "flow"
    async def run(self): return [side_effect(self.draw), side_effect(self.roll), self.roll(), side_effect(self.run)]
    def draw(self): return random.random()
    def roll(self): return random.randint(1, 6)
    @staticmethod
    def other(): return random.choice("ab")
"""
    )
    assert sorted(calls(text, "Flow")) == ["random.choice()", "random.randint()"]


def test_a_method_that_another_package_defines_is_not_read() -> None:
    text = (
        EFFECT
        + """
from collections import UserDict

class Flow(UserDict):
    async def run(self): return side_effect(self.draw)
    def draw(self): return random.random()
"""
    )
    assert calls(text, "Flow") == []
