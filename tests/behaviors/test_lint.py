"""The lint finds what a replay would not repeat, and is silent about the rest."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import pytest

from tests.behaviors.snippet import FILE, body, calls, findings, module
from understudy.actors.behaviors.definitions.definition import ACTIVITY_MARK, WORKFLOW_MARK
from understudy.actors.behaviors.guard.lint import Finding, lint
from understudy.actors.behaviors.guard.names import UNKNOWN, Dotted, Instance, attribute, unwrapped
from understudy.actors.behaviors.guard.rules import RULES, instead_of, loaded


def activity(fn: Any) -> Any:
    setattr(fn, ACTIVITY_MARK, True)
    return fn


def workflow(fn: Any) -> Any:
    setattr(fn, WORKFLOW_MARK, True)
    return fn


# -- names -------------------------------------------------------------------------------------------------------------


def test_a_finding_says_file_line_call_and_what_to_use_instead() -> None:
    [finding] = findings(body("x = 1", "return time.time()", head="import time"))
    assert finding == Finding(FILE, 4, "time.time()", "workflow.time()", "error")
    assert str(finding) == "/app/shop/orders.py:4: error: time.time(): use workflow.time()"


@pytest.mark.parametrize(
    ("head", "line", "call"),
    [
        ("import time as t", "t.sleep(1)", "time.sleep()"),
        ("from time import time as now", "now()", "time.time()"),
        ("from datetime import datetime as dt", "dt.now()", "datetime.datetime.now()"),
        ("import datetime", "datetime.datetime.utcnow()", "datetime.datetime.utcnow()"),
        ("from datetime import date", "date.today()", "datetime.date.today()"),
        ("from datetime import datetime\nclass Day(datetime): ...", "Day.now()", "datetime.datetime.now()"),
        ("from random import choice", "choice([1, 2])", "random.choice()"),
        ("import random", "random.Random()", "random.Random()"),
        ("from uuid import uuid4", "str(uuid4())", "uuid.uuid4()"),
        ("import os", "os.urandom(8).hex()", "os.urandom()"),
        ("import secrets", "secrets.token_hex()", "secrets.token_hex()"),
        ("", "open('x').read()", "open()"),
        ("from io import open as o", "o('x')", "open()"),
        ("from pathlib import Path", "Path('x').read_text()", "pathlib.Path.read_text()"),
        ("import os", "os.path.exists('x')", "os.path.exists()"),
        ("import subprocess", "subprocess.run(['ls'])", "subprocess.run()"),
        ("from threading import Thread", "Thread(target=print).start()", "threading.Thread()"),
        ("from threading import Thread\nclass Mine(Thread): ...", "Mine()", "threading.Thread()"),
        ("import asyncio", "await asyncio.to_thread(print)", "asyncio.to_thread()"),
        ("", "loop().run_in_executor(None, print)", "loop.run_in_executor()"),
        ("", "import requests; requests.get('http://x')", "requests.get()"),
        ("", "from httpx import AsyncClient as C; C()", "httpx.AsyncClient()"),
        ("", "from time import perf_counter; perf_counter()", "time.perf_counter()"),
        ("import time\nclass Clock: now = time.time", "Clock.now()", "time.time()"),
    ],
)
def test_an_alias_hides_no_call(head: str, line: str, call: str) -> None:
    [finding] = findings(body(line, head=head))
    assert (finding.call, finding.severity) == (call, "error")


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("from random import Random", "Random(7).random()"),
        ("import time", "time.gmtime(0)"),
        ("from datetime import datetime", "datetime.fromisoformat('2026-01-01').timestamp()"),
        ("from pathlib import Path", "Path('a') / 'b'"),
        ("import uuid", "uuid.uuid5(uuid.NAMESPACE_DNS, 'x')"),
        ("", "import unknown.thing as t; t.time()"),
        ("import time", "import other.time as time; time.time()"),
        ("", "from . import time; time.time()"),
        ("import asyncio", "await asyncio.gather(asyncio.sleep(1))"),
        ("class Clock:\n    def __getattr__(self, name): raise AssertionError\nclock = Clock()", "clock.time()"),
        ("import json, decimal, re, enum, dataclasses", "json.dumps(str(decimal.Decimal(re.sub('a', '1', 'a'))))"),
        ("import types", "types.nothing.at.all()"),
        ("", "nowhere.to_be.found()"),
        ("", "print('x')"),
    ],
)
def test_what_gives_the_same_in_a_replay_is_not_found(head: str, line: str) -> None:
    assert findings(body(line, head=head)) == []


@pytest.mark.parametrize(
    "lines",
    [
        ["for time in (clock,): time.time()"],
        ["time, other = clock, 1", "time.time()"],
        ["with clock as time: time.time()"],
        ["def time(): ...", "time.time()"],
        ["class time: ...", "time.time()"],
        ["(lambda time: time.time())(clock)"],
        ["try: ...", "except OSError: ...", "except Exception as time: time.time()"],
        ["match clock:", "    case time: time.time()"],
        ["match clock:", "    case [*time]: time.time()"],
        ["match clock:", "    case {**time}: time.time()"],
        ["match clock:", "    case {1: object() as time}: time.time()"],
        ["time = clock", "time = 1", "time.time()"],
        ["time: object = clock", "time.time()"],
        ["time: object", "time.time()"],
        ["clock.time: int = 1"],
        ["def inner(*time, **kw): time.time()"],
        ["time = time", "time.time()"],
    ],
)
def test_a_name_of_the_functions_own_is_not_the_modules(lines: list[str]) -> None:
    assert findings(body(*lines, head="import time\nclock = object()")) == []


def test_a_global_statement_makes_a_name_the_modules_again() -> None:
    text = body("global time", "time = time", "time.time()", head="import time")
    assert "time.time()" in calls(text)


@pytest.mark.parametrize("hint", ["Path", "'Path'", "Path[str]"])
def test_a_parameter_is_known_by_its_hint(hint: str) -> None:
    text = body("p.read_text()", args=f"p: {hint}", head="from __future__ import annotations\nfrom pathlib import Path")
    assert calls(text) == ["pathlib.Path.read_text()"]


@pytest.mark.parametrize("hint", ["'not a hint'", "'Path | None'", "Path | None", "3", "nothing"])
def test_a_hint_that_is_no_class_says_nothing(hint: str) -> None:
    text = body("p.read_text()", args=f"p: {hint}", head="from __future__ import annotations\nfrom pathlib import Path")
    assert calls(text) == []


def test_a_local_alias_is_followed() -> None:
    text = body(
        "now = dt.now", "path = Path('x')", "now()", "path.unlink()", head="from datetime import datetime as dt"
    )
    text = "from pathlib import Path\n" + text
    found = findings(text)
    assert [finding.call for finding in found if finding.severity == "error"] == [
        "datetime.datetime.now()",
        "pathlib.Path.unlink()",
    ]


def test_a_closure_is_looked_into() -> None:
    text = "import time\ndef make(clock):\n    async def run():\n        clock()\n    return run\nrun = make(time.time)"
    assert calls(text) == ["time.time()"]


def test_a_closure_that_is_not_filled_yet_is_no_trouble() -> None:
    text = "def make():\n    async def run():\n        later()\n    return run\n    later = 1\nrun = make()"
    assert calls(text) == []


def test_a_function_that_is_handed_on_is_a_warning() -> None:
    [finding] = findings(body("field(default_factory=uuid.uuid4)", head="import uuid"))
    assert (finding.call, finding.severity) == ("uuid.uuid4", "warning")


def test_a_function_that_is_harmless_with_arguments_may_be_handed_on() -> None:
    assert findings(body("map(time.gmtime, [1])", "isinstance(1, random.Random)", head="import time, random")) == []


def test_a_name_that_is_only_stored_to_is_not_a_reference() -> None:
    assert findings(body("open = 1")) == []


# -- helpers -----------------------------------------------------------------------------------------------------------

HELPERS = """
import time, functools, uuid
from dataclasses import dataclass

def helper(): return deeper()
def deeper(): return time.time()
def never_called(): time.sleep(1)

@activity
def charge(): time.sleep(1)

@workflow
async def child(): time.sleep(1)

def traced(fn):
    @functools.wraps(fn)
    def inner(*args): return fn(*args)
    return inner

@traced
def decorated(): time.monotonic()

class Plain:
    def __init__(self): self.id = uuid.uuid4()

@dataclass
class Order:
    name: str
    def __post_init__(self): self.at = time.time_ns()
    def total(self): return time.perf_counter()
    @property
    def age(self): return time.time()
    @staticmethod
    def check(first): first.total()
    @classmethod
    def make(cls): return cls.check(uuid.uuid1())
"""


def helped(*lines: str, args: str = "") -> list[str]:
    return calls(body(*lines, args=args, head=HELPERS), activity=activity, workflow=workflow)


def test_helpers_are_followed_as_deep_as_they_call() -> None:
    assert helped("helper()") == ["time.time()"]


def test_what_is_inside_a_decorator_is_read() -> None:
    assert helped("decorated()") == ["time.monotonic()"]


def test_activities_and_other_workflows_are_passed_over() -> None:
    assert helped("await charge()", "await child()", "execute_activity(charge)") == []


def test_what_runs_when_a_class_is_called_is_read() -> None:
    assert helped("Plain()") == ["uuid.uuid4()"]
    assert helped("Order('x')") == ["time.time_ns()"]


def test_methods_are_followed_through_the_type_of_a_parameter() -> None:
    assert helped("order.total()", args="order: Order") == ["time.perf_counter()"]
    assert helped("order.age", args="order: Order") == ["time.time()"]


def test_class_and_static_methods_are_followed() -> None:
    assert helped("Order.make()") == ["uuid.uuid1()"]
    assert helped("Order.check(1)") == []


def test_a_helper_of_another_package_is_not_followed() -> None:
    other = module("import time\ndef helper(): time.time()\nclass Thing:\n    def __init__(self): time.time()", "lib.x")
    assert calls(body("helper()", "Thing()"), helper=vars(other)["helper"], Thing=vars(other)["Thing"]) == []


def test_helpers_are_followed_only_so_deep() -> None:
    chain = "\n".join(f"def h{n}(): h{n + 1}()" for n in range(9)) + "\ndef h9(): open('x')"
    assert calls(body("h0()", head=chain)) == []
    assert calls(body("h6()", head=chain)) == ["open()"]


def test_helpers_that_call_each_other_end() -> None:
    assert calls(body("a()", head="def a(): b()\ndef b(): a(); open('x')")) == ["open()"]


CLASS = """
import time, uuid
class Base:
    def inherited(self): time.time()
class Flow(Base):
    shared = []
    other: object
    __slots__ = ("slot",)
    def __init__(self): self.id = uuid.uuid4(); self.slot = 1
    async def run(self, *, clock=None):
        self.step(); self.slot.anything(); self.shared.append(1); self.missing(); clock.now()
    def step(self): time.sleep(1)
    @staticmethod
    def helper(self): self.step()
    @classmethod
    def build(cls): cls.step(None)
    @property
    def age(self): return time.monotonic()
    @activity
    def charge(self): open("x")
"""


def test_all_methods_of_a_workflow_class_are_read_but_its_activities() -> None:
    assert sorted(calls(CLASS, "Flow", activity=activity)) == [
        "time.monotonic()",
        "time.sleep()",
        "time.time()",
        "uuid.uuid4()",
    ]


# -- blocks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "block",
    [
        "with workflow.unsafe.sandbox_unrestricted(): time.time()",
        "with unsafe.sandbox_unrestricted(), other: time.time()",
        "async with wf.unsafe.imports_passed_through(): time.time()",
        "with workflow.unsafe.block: time.time()",
    ],
)
def test_what_is_declared_unsafe_is_passed_over(block: str) -> None:
    assert calls(body(block, head="import time")) == []


@pytest.mark.parametrize("block", ["with lock: time.time()", "with make().unsafe(): time.time()"])
def test_other_blocks_are_read(block: str) -> None:
    assert calls(body(block, head="import time")) == ["time.time()"]


def test_a_recorded_side_effect_may_do_anything() -> None:
    def side_effect() -> None: ...

    side_effect.__module__ = "understudy.workflow"
    assert calls(body("effect(lambda: time.time())", head="import time"), effect=side_effect) == []
    assert calls(body("from understudy.later import side_effect as s; s(lambda: open('x'))")) == []
    assert calls(body("from other.later import side_effect as s; s(lambda: open('x'))")) == ["open()"]


# -- robustness --------------------------------------------------------------------------------------------------------


def test_without_source_there_are_no_findings() -> None:
    made = module("import time\nasync def run(): time.time()")
    assert lint(made.run, source_provider=lambda _filename, _names: None) == []


@pytest.mark.parametrize("text", ["def broken(", "", "\n\n\nasync def other(): open('x')\n", "import time\nrun = 1\n"])
def test_a_file_that_has_changed_since_gives_no_findings(text: str) -> None:
    made = module("import time\nasync def run(): time.time()")
    assert lint(made.run, source_provider=lambda _filename, _names: text) == []


def test_trouble_of_the_lint_costs_nothing_but_findings() -> None:
    def source(_filename: str, _names: dict[str, Any]) -> str | None:
        raise OSError

    assert lint(module("async def run(): ...").run, source_provider=source) == []


@pytest.mark.parametrize("target", [print, re.compile, object, int])
def test_a_target_that_is_not_ours_gives_no_findings(target: Any) -> None:
    assert lint(target, source_provider=lambda _filename, _names: None) == []


def test_a_function_is_found_wherever_it_stands() -> None:
    text = (
        "import time\nif True:\n    try:\n        raise OSError\n    except OSError:\n"
        "        def twice(fn): return fn\n        match 1:\n            case 1:\n"
        "                class Outer:\n                    @twice\n                    @twice\n"
        "                    async def run(self): time.time()\n                run = Outer.run\n"
    )
    assert [finding.line for finding in findings(text)] == [12]


# -- the table and the scope -------------------------------------------------------------------------------------------


def test_every_rule_names_what_it_is_filed_under() -> None:
    assert all(rule.call == call and rule.instead for call, rule in RULES.items())


def test_what_the_table_does_not_know_belongs_in_an_activity() -> None:
    assert instead_of("time.time") == "workflow.time()"
    assert "activity" in instead_of("ftplib.FTP")


def test_a_dotted_name_is_looked_up_in_loaded_modules_only() -> None:
    assert loaded("re.compile") is re.compile
    assert loaded("builtins.str.upper") is str.upper
    assert loaded("open") is open
    assert loaded("no.such.module") is None
    assert loaded("re.nothing") is None


def test_an_attribute_is_read_without_running_code() -> None:
    assert attribute(Dotted("a"), "b") == Dotted("a.b")
    assert attribute(Instance(str), "upper") is vars(str)["upper"]


def test_a_function_that_wraps_itself_is_unwrapped_in_finite_time() -> None:
    def loop() -> None: ...

    loop.__dict__["__wrapped__"] = loop
    assert unwrapped(loop) is loop


def test_a_name_that_a_module_loads_later_is_known_by_its_text() -> None:
    lazy = ModuleType("lazy")
    lazy.__dict__["there"] = re.compile
    assert attribute(lazy, "missing") is UNKNOWN
    lazy.__dict__["__getattr__"] = lambda name: name
    assert attribute(lazy, "missing") == Dotted("lazy.missing")
    assert attribute(lazy, "there") is re.compile
