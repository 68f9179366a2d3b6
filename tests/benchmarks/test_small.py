"""Every benchmark runs, small, so that none rots; how fast it is on this machine is not asked here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
JUDGED = {"imports", "memory", "replay", "replay_mixed", "update", "w1", "w1_latency", "w2", "w3", "w4", "w5"}
QUESTIONS = {"children", *JUDGED}

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(300)]


def run(place: Path, *arguments: str) -> dict[str, Any]:
    """Run the benchmarks, small, and return what they wrote."""
    target = place / "results.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--small", "--dir", str(place)]
    done = subprocess.run([*command, "--json", str(target), *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return found


def test_each_question_is_answered_and_judged_and_says_on_what_machine(tmp_path: Path) -> None:
    found = run(tmp_path, "--no-peers")
    assert set(found["questions"]) == QUESTIONS
    assert {row["question"] for row in found["rows"]} == QUESTIONS
    assert all(row["measured"] > 0 for row in found["rows"] if row["question"] != "memory")
    judged = {row["question"] for row in found["rows"] if row["met"] is not None}
    assert judged == JUDGED
    assert len(found["limits"]) > 1
    assert {"cpu", "cores", "python", "sqlite", "os"} <= set(found["machine"])
    assert len(found["load_before"]) == len(found["load_after"]) == 3


def test_the_peer_does_the_same_work(tmp_path: Path) -> None:
    found = run(tmp_path, "--only", "peer_dbos")
    assert set(found["questions"]) == {"peer_dbos"}
    assert {row["figure"] for row in found["rows"]} == {"w1", "w1_one", "w1_p50", "w2"}
    assert all(row["measured"] > 0 for row in found["rows"])


def test_the_stores_are_taken_away_again(tmp_path: Path) -> None:
    run(tmp_path, "--only", "w4")
    assert [each.name for each in tmp_path.iterdir()] == ["results.json"]
