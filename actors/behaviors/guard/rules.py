"""The table of calls that workflow code must not make, and of what it calls instead.

A replay runs the same code again and must see the same values (SAME-AGAIN), so nothing it does may come from outside
the recorded events: no clock, no dice, no file, no socket, no process, no thread. This module is the one table of such
calls. Three readers share it: the lint finds them in the source, the guard refuses them while workflow code runs, and
the loop words its own refusals by it.

A rule stands at the dotted name that a user writes. `seam` is where the guard can stand: the attribute that every
call of it passes through at run time, which for a class is a method. Rules without a seam are the lint's alone; those
of C types (`datetime.now`) are seen at run time only by the guard's deep look.

The table is a judgement, not a law of nature: `error` says that replay would break, `warning` that it may.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final, Literal, NamedTuple

__all__ = [
    "GUARD_MARK",
    "OBSERVERS",
    "RECORDED",
    "RULES",
    "Rule",
    "Severity",
    "instead_of",
    "loaded",
    "rules_by_object",
]

Severity = Literal["error", "warning"]


class Rule(NamedTuple):
    """One call that workflow code must not make."""

    call: str
    """The dotted name as users write it, by the module it is documented in."""
    instead: str
    """The deterministic way; reads well behind "use"."""
    severity: Severity = "error"
    harmless_from: int | None = None
    """With so many arguments the call depends on nothing but them (`random.Random(7)`); None: never."""
    seam: str | None = None
    """The attribute that the guard replaces while it is installed; None: the lint's (and the deep look's) alone."""


GUARD_MARK: Final = "__understudy_guard__"
"""The attribute by which a wrapper of the guard tells what it stands for."""

_TIME: Final = "workflow.time()"
_TIME_NS: Final = "workflow.time_ns()"
_NOW: Final = "workflow.now()"
_SLEEP: Final = "await asyncio.sleep(seconds) or await workflow.sleep(duration)"
_RANDOM: Final = "workflow.random()"
_UUID: Final = "workflow.uuid4()"
_ENTROPY: Final = "workflow.random() for numbers, an activity for secrets: what workflow code draws can be drawn again"
_ACTIVITY: Final = "an activity (workflow.execute_activity)"
_TASK: Final = "asyncio.create_task(...) for concurrency, an activity for work outside"
_INPUT: Final = "an argument of the workflow, or an activity that reads it"
_LOCK: Final = "its asyncio twin (asyncio.Lock, asyncio.Event, asyncio.Queue, ...): this one blocks the whole engine"

_PLAIN: Final[tuple[tuple[str, str, str], ...]] = (
    # (module, names, what to use instead): functions that the guard replaces where they stand
    ("time", "time monotonic perf_counter process_time thread_time clock_gettime", _TIME),
    ("time", "time_ns monotonic_ns perf_counter_ns process_time_ns thread_time_ns clock_gettime_ns", _TIME_NS),
    ("time", "sleep", _SLEEP),
    (
        "random",
        (
            "random uniform randint randrange randbytes getrandbits choice choices shuffle sample triangular gauss seed"
            " normalvariate lognormvariate expovariate betavariate gammavariate paretovariate vonmisesvariate"
            " weibullvariate binomialvariate getstate setstate"
        ),
        _RANDOM,
    ),
    ("uuid", "uuid1 uuid4 uuid6 uuid7", _UUID),
    ("os", "urandom getrandom", _ENTROPY),
    ("secrets", "token_bytes token_hex token_urlsafe choice randbelow randbits", _ENTROPY),
    (
        "os",
        (
            "open stat lstat listdir scandir mkdir remove unlink rename replace rmdir link symlink readlink chmod"
            " truncate utime access system fork forkpty posix_spawn posix_spawnp execv execve kill killpg"
        ),
        _ACTIVITY,
    ),
    ("builtins", "open input", _ACTIVITY),
    ("io", "open", _ACTIVITY),
    ("socket", "getaddrinfo gethostbyname gethostbyaddr gethostname getfqdn", _ACTIVITY),
    ("asyncio", "run", _TASK),
)

_LINT_ONLY: Final[tuple[tuple[str, str, str], ...]] = (
    # what C types hold, what ends at a seam of another rule, and what third parties offer
    ("datetime", "datetime.now datetime.utcnow datetime.today", _NOW),
    ("datetime", "date.today", "workflow.now().date()"),
    (
        "pathlib",
        (
            "Path.open Path.read_text Path.read_bytes Path.write_text Path.write_bytes Path.exists Path.is_file"
            " Path.is_dir Path.mkdir Path.rmdir Path.unlink Path.rename Path.replace Path.iterdir Path.glob Path.rglob"
            " Path.stat Path.touch Path.resolve"
        ),
        _ACTIVITY,
    ),
    (
        "os",
        (
            "popen walk makedirs removedirs execl execle execlp execvp execvpe spawnl spawnv spawnlp spawnvp"
            " path.exists path.isfile path.isdir path.getsize path.getmtime"
        ),
        _ACTIVITY,
    ),
    ("shutil", "copy copy2 copyfile copytree move rmtree", _ACTIVITY),
    ("tempfile", "mkstemp mkdtemp TemporaryFile NamedTemporaryFile TemporaryDirectory", _ACTIVITY),
    ("socket", "create_connection create_server socketpair", _ACTIVITY),
    ("subprocess", "run call check_call check_output getoutput getstatusoutput", _ACTIVITY),
    ("urllib.request", "urlopen urlretrieve", _ACTIVITY),
    ("http.client", "HTTPConnection HTTPSConnection", _ACTIVITY),
    ("sqlite3", "connect", _ACTIVITY),
    ("requests", "get post put patch delete head options request Session session", _ACTIVITY),
    ("httpx", "get post put patch delete head options request stream Client AsyncClient", _ACTIVITY),
    ("aiohttp", "ClientSession request", _ACTIVITY),
    ("urllib3", "PoolManager request", _ACTIVITY),
    ("psycopg", "connect", _ACTIVITY),
    ("psycopg2", "connect", _ACTIVITY),
    ("asyncpg", "connect create_pool", _ACTIVITY),
    ("boto3", "client resource session.Session", _ACTIVITY),
    ("numpy.random", "rand randn randint random choice shuffle permutation normal uniform seed", _RANDOM),
    ("multiprocessing", "Process Pool", _ACTIVITY),
    ("concurrent.futures", "ProcessPoolExecutor", _ACTIVITY),
    ("asyncio", "new_event_loop Runner", _TASK),
    ("asyncio", "as_completed", "workflow.as_completed(...): it starts things in the same order at every replay"),
    (  # the loop itself refuses these when they run
        "asyncio",
        (
            "to_thread open_connection start_server open_unix_connection start_unix_server create_subprocess_exec"
            " create_subprocess_shell"
        ),
        _ACTIVITY,
    ),
)

_WARNED: Final[tuple[tuple[str, str, str], ...]] = (
    ("os", "environ getenv getcwd getpid cpu_count", _INPUT),
    ("pathlib", "Path.cwd Path.home", _INPUT),
    ("platform", "node uname platform", _INPUT),
    ("builtins", "hash", "hashlib: the hash of a string differs between processes"),
    ("builtins", "id", "a key of your own: an address differs between processes"),
    ("threading", "Lock RLock Event Condition Semaphore BoundedSemaphore Barrier", _LOCK),
    ("queue", "Queue LifoQueue PriorityQueue SimpleQueue", _LOCK),
    ("asyncio", "wait", "workflow.wait(...): its lists keep the order in which things were given, sets do not"),
)

_SPECIAL: Final[tuple[Rule, ...]] = (
    *(Rule(f"time.{name}", _NOW, harmless_from=1, seam=f"time.{name}") for name in ("gmtime", "localtime", "ctime")),
    Rule("time.asctime", _NOW, harmless_from=1, seam="time.asctime"),
    Rule("time.strftime", "workflow.now().strftime(...)", harmless_from=2, seam="time.strftime"),
    Rule("random.Random", "workflow.random(), or a seed", harmless_from=1, seam="random.Random.seed"),
    Rule("numpy.random.default_rng", "workflow.random(), or a seed", harmless_from=1),
    Rule("random.SystemRandom", _ENTROPY),
    *(
        Rule(f"random.SystemRandom.{name}", _ENTROPY, seam=f"random.SystemRandom.{name}")
        for name in ("random", "getrandbits", "randbytes")
    ),
    Rule("socket.socket", _ACTIVITY, seam="socket.socket.__init__"),
    Rule("subprocess.Popen", _ACTIVITY, seam="subprocess.Popen.__init__"),
    Rule("threading.Thread", _TASK, seam="threading.Thread.start"),
    Rule("threading.Timer", _SLEEP),
    # where every wait of an Event, a Semaphore, a Barrier, a queue or a Future ends that is not over at once
    Rule("threading.Condition.wait", _LOCK, seam="threading.Condition.wait"),
    Rule("threading.Thread.join", _TASK, seam="threading.Thread.join"),
    Rule("concurrent.futures.ThreadPoolExecutor", _TASK, seam="concurrent.futures.thread.ThreadPoolExecutor.submit"),
)


def _rules() -> Iterator[Rule]:
    for module, names, instead in _PLAIN:
        for name in names.split():
            yield Rule(_call(module, name), instead, seam=f"{module}.{name}")
    for module, names, instead in _LINT_ONLY:
        yield from (Rule(f"{module}.{name}", instead) for name in names.split())
    for module, names, instead in _WARNED:
        yield from (Rule(_call(module, name), instead, "warning") for name in names.split())
    yield from _SPECIAL


def _call(module: str, name: str) -> str:
    return name if module == "builtins" else f"{module}.{name}"


RULES: Final[dict[str, Rule]] = {rule.call: rule for rule in _rules()}
"""All rules by the dotted name of the call."""

RECORDED: Final = frozenset({"side_effect", "activates_patch"})
"""Functions of the engine that call back into user code and record what comes out: there, all is allowed."""

OBSERVERS: Final = frozenset(
    {
        # an import runs once a process and reads files to do it; so does a time zone, which is kept
        *("importlib", "_frozen_importlib", "_frozen_importlib_external", "zipimport", "pkgutil", "zoneinfo"),
        # they look on: what they read of clock and disk goes into a log or a traceback, not into the workflow
        *(
            "logging",
            "warnings",
            "traceback",
            "linecache",
            "inspect",
            "structlog",
            "loguru",
            "opentelemetry",
            "sentry_sdk",
        ),
        # a debugger stops the world anyway; finalizers run whenever the collector likes, for anyone's object
        *("pdb", "bdb", "_pydevd_bundle", "pydevd", "debugpy", "coverage", "weakref"),
    }
)
"""Top-level packages under which everything is allowed: what they read cannot steer the workflow."""


def instead_of(call: str) -> str:
    """Return what to use instead of a dotted name; an activity for a name that the table does not know."""
    rule = RULES.get(call)
    return rule.instead if rule else _ACTIVITY


def loaded(dotted: str) -> Any:
    """Return the object of a dotted name in the modules that are loaded, or None; imports nothing.

    A name without a dot is a builtin or a module.
    """
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        found: Any = sys.modules.get(".".join(parts[:cut]))
        if found is None:
            continue
        for part in parts[cut:]:
            found = vars(found).get(part) if isinstance(found, ModuleType) else getattr(found, part, None)
        return found
    return vars(builtins).get(dotted)


def rules_by_object() -> dict[int, tuple[Rule, object]]:
    """Return the rules by the id of the object that each stands for, wrapped by the guard or not; ids need objects."""
    found: dict[int, tuple[Rule, object]] = {}
    for rule in RULES.values():
        target = loaded(rule.call)
        if target is not None:
            found.setdefault(id(target), (rule, target))  # `open` before `io.open`
            original = getattr(target, GUARD_MARK, None)
            if original is not None:
                found.setdefault(id(original), (rule, original))
    return found
