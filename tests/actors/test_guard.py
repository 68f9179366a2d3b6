"""The guard refuses the outside world to workflow code, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import dataclasses
import datetime as dt
import decimal
import enum
import inspect
import json
import linecache
import logging
import pickle
import re
import sys
import threading
import time
import traceback
import warnings
import weakref
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from tests.actors.turns import LIBRARY, code, refused, take_turn, under_guard
from tests.behaviors.snippet import FILE, module
from tests.behaviors.stage import Stage
from understudy.actors.guard import seams as guard
from understudy.events.errors import DeterminismError


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    guard.install()
    yield
    guard.uninstall()


def stubborn(line: str) -> Callable[[], object]:
    """Code that swallows whatever it is told."""
    text = f"import time, random\ndef run():\n    try: {line}\n    except BaseException: random.random()"
    run: Callable[[], object] = module(text).run
    return run


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("time.time()", "time.time"),
        ("time.monotonic_ns()", "time.monotonic_ns"),
        ("time.sleep(0)", "time.sleep"),
        ("time.localtime()", "time.localtime"),
        ("time.strftime('%Y')", "time.strftime"),
        ("datetime.date.today()", "time.time"),
        ("random.random()", "random.random"),
        ("random.choice([1, 2])", "random.choice"),
        ("random.Random()", "random.Random"),
        ("random.SystemRandom().randint(1, 2)", "random.SystemRandom.getrandbits"),
        ("uuid.uuid1()", "uuid.uuid1"),
        ("uuid.uuid4()", "uuid.uuid4"),
        ("os.urandom(8)", "os.urandom"),
        ("secrets.token_hex()", "secrets.token_hex"),
        ("open(os.devnull)", "open"),
        ("Path(os.devnull).read_text()", "pathlib.Path.read_text"),
        ("Path(os.devnull).exists()", "pathlib.Path.exists"),
        ("os.listdir('.')", "os.listdir"),
        ("os.path.exists('.')", "os.path.exists"),
        ("shutil.copyfile(os.devnull, os.devnull)", "shutil.copyfile"),
        ("socket.socket()", "socket.socket"),
        ("socket.create_connection(('localhost', 1))", "socket.create_connection"),
        ("subprocess.run(['true'])", "subprocess.run"),
        ("os.system('true')", "os.system"),
        ("threading.Thread(target=print).start()", "threading.Thread"),
        ("threading.Timer(0, print).start()", "threading.Thread"),
        ("threading.Event().wait()", "threading.Condition.wait"),
        ("threading.Semaphore(0).acquire()", "threading.Condition.wait"),
        ("queue.Queue().get()", "threading.Condition.wait"),
        ("concurrent.futures.Future().result()", "threading.Condition.wait"),
        ("threading.main_thread().join()", "threading.Thread.join"),
        ("concurrent.futures.ThreadPoolExecutor().submit(print)", "concurrent.futures.ThreadPoolExecutor"),
        ("multiprocessing.get_context('fork').Process(target=print).start()", "os.fork"),
        ("asyncio.run(None)", "asyncio.run"),
    ],
)
def test_the_outside_is_refused(line: str, call: str) -> None:
    assert refused(line) == call


def test_the_error_says_where_and_what_to_use_instead() -> None:
    error = under_guard(code("time.time()"))
    assert error is not None
    assert (error.file, error.line) == (FILE, 6)
    assert error.instead == "workflow.time()"


def test_the_first_violation_is_told_even_if_the_code_swallowed_it() -> None:
    assert refused(stubborn("time.time()")) == "time.time"
    assert refused(stubborn("pass")) == ""


def test_an_except_exception_does_not_catch_it() -> None:
    careful = module("import time\ndef run():\n    try: time.time()\n    except Exception: pass")
    token = guard.enter()
    try:
        with pytest.raises(DeterminismError):
            take_turn(careful.run)
    finally:
        guard.leave(token)


def test_the_users_own_line_is_named_rather_than_the_librarys() -> None:
    library = module("import time\ndef stamp(): return time.time()", "stamps", file=LIBRARY)
    by_user, by_nobody = under_guard(code("stamp()", stamp=library.stamp)), under_guard(library.stamp)
    assert by_user is not None
    assert by_nobody is not None
    assert (by_user.file, by_nobody.file) == (FILE, LIBRARY)


def test_code_that_a_library_calls_back_is_still_the_users() -> None:
    text = (
        "import time, copy\nclass Stamped:\n    def __deepcopy__(self, memo): return stamp()\n"
        "def stamp(): return time.time()\ndef run(): copy.deepcopy([Stamped()])"
    )
    error = under_guard(module(text).run)
    assert error is not None
    assert (error.call, error.line) == ("time.time", 4)


def test_a_thread_may_be_under_guard_without_an_engine_around_it() -> None:
    found: list[DeterminismError | None] = []

    def turn() -> None:
        token = guard.enter()
        try:
            with contextlib.suppress(DeterminismError):
                code("time.time()")()
        finally:
            found.append(guard.leave(token))

    thread = threading.Thread(target=turn)
    thread.start()
    thread.join()
    assert [error.call for error in found if error] == ["time.time"]


# -- what is allowed ---------------------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Order:
    number: int
    at: dt.datetime | None = None


def use_values() -> None:
    order = dataclasses.replace(Order(1), number=2)
    json.loads(json.dumps(dataclasses.asdict(order)))
    copy.deepcopy(order)
    assert Colour(1) is Colour.RED
    decimal.Decimal("1.1").quantize(decimal.Decimal(1))
    re.compile("a+b*c?").match("ab")
    pickle.loads(pickle.dumps(order))  # noqa: S301 - our own bytes


def use_dates() -> None:
    start = dt.datetime.fromisoformat("2026-01-01T12:00:00+00:00")
    later = start + dt.timedelta(days=1)
    later.astimezone(zoneinfo.ZoneInfo.no_cache("Europe/Paris")).strftime("%c")
    dt.datetime.strptime("2026+0100", "%Y%z")
    dt.datetime.fromtimestamp(0, tz=dt.UTC)
    time.gmtime(0)
    time.strftime("%Y", time.gmtime(1))


def use_seeded_randomness() -> None:
    for dice in (Random(7), Random(x="seed")):  # noqa: S311 - repeatable, not secret
        dice.random()
        dice.choice([1, 2, 3])
        dice.shuffle([1, 2, 3])
        dice.gauss(0, 1)
        UUID(int=dice.getrandbits(128), version=4)


def use_imports() -> None:
    for name in ("colorsys", "this"):
        sys.modules.pop(name, None)
        __import__(name)


def use_tracebacks() -> None:
    linecache.clearcache()
    try:
        json.loads("not json")
    except ValueError:
        assert 'json.loads("not json")' in traceback.format_exc()
    inspect.getsource(use_values)


def use_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn("careful", stacklevel=1)


PLAIN = [use_values, use_dates, use_seeded_randomness, use_imports, use_tracebacks, use_warnings]


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("run", PLAIN)
def test_plain_python_is_allowed(run: Callable[[], None], *, deep: bool) -> None:
    assert refused(run, deep=deep) == ""


@pytest.mark.parametrize("deep", [False, True])
def test_logging_is_allowed_and_so_are_formatters_of_the_users_own(tmp_path: Path, *, deep: bool) -> None:
    class Clocked(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return f"{time.time()} {record.getMessage()}"

    handler = logging.FileHandler(tmp_path / "log", delay=True)  # opens its file with the first record
    handler.setFormatter(Clocked())
    logger = logging.Logger("shop")  # noqa: LOG001 - one that no other test can get
    logger.addHandler(handler)
    assert refused(lambda: logger.warning("order %s", 7, exc_info=ValueError()), deep=deep) == ""
    handler.close()
    assert "order 7" in (tmp_path / "log").read_text(encoding="utf-8")


async def use_asyncio() -> str:
    lock, event, queue = asyncio.Lock(), asyncio.Event(), asyncio.Queue[int](1)

    async def part(number: int) -> None:
        async with lock:
            await asyncio.sleep(0)
            await queue.put(number)

    async with asyncio.TaskGroup() as group, asyncio.timeout(60):
        group.create_task(part(1))
        await queue.get()
    await asyncio.gather(asyncio.wait_for(part(2), 60), asyncio.shield(queue.get()))
    event.set()
    await event.wait()
    return "done"


@pytest.mark.parametrize("deep", [False, True])
def test_the_primitives_of_asyncio_are_allowed(*, deep: bool) -> None:
    stage, results = Stage(), list[asyncio.Task[str]]()
    assert refused(lambda: results.append(stage.start(use_asyncio())), deep=deep) == ""
    assert [task.result() for task in results] == ["done"]


def test_other_threads_do_as_they_like_meanwhile() -> None:
    begun, done = threading.Event(), list[object]()
    lines = ("open(os.devnull).close()", "os.stat('.')", "random.random()", "time.time()", "uuid.uuid4()")

    def activity(line: str) -> None:
        begun.wait()
        code(line)()
        done.append(line)

    threads = [threading.Thread(target=activity, args=(line,)) for line in lines]
    for thread in threads:
        thread.start()

    def workflow() -> None:
        begun.set()
        while len(done) < len(lines):
            pass

    assert refused(workflow) == ""
    assert sorted(map(str, done)) == sorted(lines)


def test_the_engine_may_do_what_workflow_code_may_not() -> None:
    engine = module("import time\ndef now(): return time.time()", "understudy.engine")
    assert refused("now()", now=engine.now) == ""


def test_what_is_recorded_may_come_from_outside() -> None:
    text = "def side_effect(fn): return (lambda: fn())()\ndef other(fn): return fn()"
    engine = module(text, "understudy.workflow")
    assert refused("record(lambda: time.time())", record=engine.side_effect) == ""
    assert refused("record(lambda: time.time())", record=engine.other) == "time.time"


def test_a_finalizer_may_run_in_the_middle_of_a_turn() -> None:
    class Plain:
        pass

    seen: list[float] = []

    def turn() -> None:
        module("import time\nclass Temporary:\n    def __del__(self): time.time()").Temporary()
        plain = Plain()
        weakref.finalize(plain, lambda: seen.append(time.time()))
        del plain

    assert refused(turn) == ""
    assert len(seen) == 1


def test_a_library_that_only_looks_on_can_be_declared() -> None:
    tracer = module("import time\ndef span(): return time.time()", "tracer.spans")
    assert refused(tracer.span) == "time.time"
    guard.install(observers=["tracer"])
    assert refused(tracer.span) == ""
    guard.uninstall()
    guard.install()
    assert refused(tracer.span) == "time.time"
