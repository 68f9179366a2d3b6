"""A process under a mixed load is killed at random moments, started again, and audited each time.

UNDERSTUDY_CRASH_ROUNDS says how often, UNDERSTUDY_CRASH_SEED with which dice. The same seed draws the same load and the
same delays; where exactly they hit is the machine's business.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.recovery.acks import Ack, read_acks
from tests.recovery.audit import Audit, Histories
from tests.recovery.ledger import Ledger
from tests.recovery.load import WORKFLOWS
from tests.recovery.plans import CANCELED, FAILED, plan, workflow_id
from understudy import Client, WorkflowFailureError
from understudy.events.store import open_store
from understudy.exceptions import CancelledError

pytestmark = [
    pytest.mark.processes,
    pytest.mark.crash,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX has SIGKILL"),
]

ROOT = Path(__file__).resolve().parents[2]

MOMENTS = (("up", 0.5), ("ready", 0.4), ("ready", 1.0), ("ready", 1.6))
"""Behind which word of the child the kill comes, and after how many seconds at most; "up" is before its recovery."""
RUNS = 5_000
"""New runs for one life: more than it can end."""
FINISH = 300.0
"""Seconds that the last life has to finish what is open."""


@contextmanager
def child(folder: Path, seed: int, life: int, runs: int) -> Generator[subprocess.Popen[str]]:
    """A life of the child; what it logs goes to a file."""
    command = [sys.executable, "-m", "tests.recovery.child", str(folder), str(seed), str(life), str(runs)]
    with (
        (folder / "log").open("a") as log,
        subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def live_and_die(folder: Path, seed: int, life: int, word: str, seconds: float) -> None:
    """Start the child and kill it `seconds` after it has said `word`."""
    with child(folder, seed, life, RUNS) as process:
        assert process.stdout is not None
        assert f"{word}\n" in iter(process.stdout.readline, "")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


def audit(folder: Path, check: Audit) -> Histories:
    """Audit a copy of the store, as the killed process left it, so that the next life recovers the original."""
    copy = folder / "copy"
    copy.mkdir()
    for file in folder.glob("*.db*"):
        shutil.copy(file, copy)
    with closing(open_store(f"sqlite:///{copy / 'store.db'}")) as store, closing(Ledger(copy / "ledger.db")) as ledger:
        streams = check.check(store, read_acks(folder / "acks"), ledger)
    shutil.rmtree(copy)
    return streams


@pytest.mark.slow
@pytest.mark.timeout(3_600)
async def test_a_process_that_is_killed_at_any_moment_loses_nothing_and_repeats_nothing_that_counts(
    tmp_path: Path, crash_rounds: int, crash_seed: int
) -> None:
    where = f"UNDERSTUDY_CRASH_SEED={crash_seed} UNDERSTUDY_CRASH_ROUNDS={crash_rounds}"
    sys.stdout.write(f"\n{where}\n")
    dice, check = Random(crash_seed), Audit(WORKFLOWS, crash_seed)  # noqa: S311 - repeatable, not secret
    for life in range(1, crash_rounds + 1):
        word, most = dice.choice(MOMENTS)
        seconds = dice.uniform(0.0, most)
        live_and_die(tmp_path, crash_seed, life, word, seconds)
        streams = audit(tmp_path, check)
        sys.stdout.write(f"life {life}: {word} + {seconds:.3f} s: {summary(read_acks(tmp_path / 'acks'), streams)}\n")
    with child(tmp_path, crash_seed, crash_rounds + 1, 0) as last:
        assert last.wait(FINISH) == 0, (tmp_path / "log").read_text()[-4_000:]
    streams, said = audit(tmp_path, check), read_acks(tmp_path / "acks")
    with closing(Ledger(tmp_path / "ledger.db")) as ledger:
        check.check_end(streams, said, ledger)
    sys.stdout.write(f"in the end: {summary(said, streams)}\n")
    assert complaints(tmp_path / "log") == []
    await read_results(tmp_path, crash_seed, said)


async def read_results(folder: Path, seed: int, said: list[Ack]) -> None:
    """Ask for every result once more, through a client of this process."""
    async with await Client.connect(f"sqlite:///{folder / 'store.db'}") as client:
        for number in sorted({ack.number for ack in said}):
            try:
                result = await client.get_workflow_handle(workflow_id(number)).result()
            except WorkflowFailureError as error:
                result = CANCELED if isinstance(error.cause, CancelledError) else FAILED
            assert result == plan(seed, number).expected


def summary(said: list[Ack], streams: Histories) -> str:
    """How much there was of everything."""
    counts = {what: sum(ack.what == what for ack in said) for what in ("start", "signal", "cancel", "result")}
    told = ", ".join(f"{number} {what}s" for what, number in counts.items())
    return f"{len(streams)} runs with {sum(map(len, streams.values()))} events; acknowledged: {told}"


def complaints(log: Path) -> list[str]:
    """What the engine said that it should never have to say after a mere crash."""
    return [line for line in log.read_text().splitlines() if line.startswith(("ERROR", "CRITICAL", "WARNING"))]
