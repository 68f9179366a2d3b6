"""Where a call came from: the innermost line that is the user's."""

from __future__ import annotations

from _thread import start_new_thread
from queue import SimpleQueue

from tests.behaviors.snippet import module
from understudy.actors.behaviors.code.source_line import source_line
from understudy.actors.behaviors.loop.loop import DeterministicLoop
from understudy.actors.behaviors.loop.teardown import StoppedHost

ENGINE = "def ask(): return line()\ndef deep(): return ask()\n"


def called_by(text: str, name: str = "shop.orders", file: str = "/app/shop/orders.py") -> str:
    """The source of a request that a module's `run` makes through the engine."""
    engine = module(ENGINE, "understudy.workflow", line=source_line)
    found: str = module(text, name, file=file, engine=engine).run()
    return found


def test_the_source_is_the_line_of_the_user_that_called_the_engine() -> None:
    assert called_by("def run():\n    return engine.ask()") == "orders.py:2"


def test_frames_of_the_engine_in_between_are_passed_over() -> None:
    assert called_by("def run():\n\n    return engine.deep()") == "orders.py:3"


def test_a_helper_of_the_user_is_nearer_than_what_called_it() -> None:
    assert called_by("def run():\n    return helper()\ndef helper():\n    return engine.ask()") == "orders.py:4"


def test_asyncio_is_no_code_of_the_users() -> None:
    outer = module("def run(inner): return inner()", "asyncio.tasks")
    text = "def run():\n    return outer.run(engine.ask)"
    engine = module(ENGINE, "understudy.workflow", line=source_line)
    assert module(text, outer=outer, engine=engine).run() == "orders.py:2"


def test_a_module_without_a_name_is_the_users() -> None:
    engine = module(ENGINE, "understudy.workflow", line=source_line)
    nameless: dict[str, object] = {"engine": engine}
    exec(compile("def run():\n    return engine.ask()", "console", "exec"), nameless)  # noqa: S102 - the test's own
    run = nameless["run"]
    assert callable(run)
    assert run() == "console:2"


def test_what_asyncio_calls_by_itself_has_no_source_although_a_program_runs_the_loop() -> None:
    engine = module(ENGINE, "understudy.workflow", line=source_line)
    loop = module("def run_turn(fn): return fn()", "understudy.actors.behaviors.loop.loop")
    assert loop.run_turn(engine.deep) == ""


def test_what_code_of_the_run_asks_by_way_of_its_loop_has_a_source() -> None:
    engine = module(ENGINE, "understudy.workflow", line=source_line)
    loop = module("def call_later(fn): return fn()", DeterministicLoop.__module__)
    assert module("def run():\n    return loop.call_later(engine.ask)", loop=loop, engine=engine).run() == "orders.py:2"


def test_what_the_loop_calls_by_itself_has_no_source_although_a_program_runs_it() -> None:
    engine, found = module(ENGINE, "understudy.workflow", line=source_line), list[str]()
    note = module("def note(): found.append(engine.deep())", "understudy.workflow", found=found, engine=engine).note
    loop = DeterministicLoop(StoppedHost(0))
    loop.run_turn(note)
    loop.call(note)
    loop.call_soon(note)
    loop.run_until_idle()
    assert found == ["", "", ""]


def test_what_a_thread_of_the_engine_does_has_no_source() -> None:
    found: SimpleQueue[str] = SimpleQueue()
    text = "def run(): found.put(deep())\ndef deep(): return ask()\ndef ask(): return line()"
    start_new_thread(module(text, "understudy.workflow", line=source_line, found=found).run, ())
    assert found.get(timeout=30) == ""


def test_a_program_that_asks_from_very_many_lines_gets_the_right_one_still() -> None:
    found: list[str] = []
    asking = compile("ask()\n" * 20_005, "/app/shop/many.py", "exec")
    exec(asking, {"ask": lambda: found.append(source_line()), "__name__": "shop.many"})  # noqa: S102 - a program of our own
    assert found == [f"many.py:{line}" for line in range(1, 20_006)]
