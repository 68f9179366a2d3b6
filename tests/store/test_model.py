"""Random groups of units, stored in SQLite, in memory and in a model of plain dicts: all three must agree."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.store.examples import append, row
from tests.store.model import StoreModel
from understudy.events.errors.root import EngineError
from understudy.events.store.memory import MemoryStore
from understudy.events.store.port import Append, EventStore, ExecutionRow, Unit
from understudy.events.store.sqlite.store import SqliteStore

WORKFLOW_OF = {"r1": "w1", "r2": "w1", "r3": "w1", "r4": "w2", "r5": "w2", "r6": "w3"}
TIMES = (None, 0, 3, 5, 8)

run_ids = st.sampled_from(sorted(WORKFLOW_OF))
rows = run_ids.flatmap(
    lambda run_id: st.builds(
        row,
        st.just(run_id),
        st.just(WORKFLOW_OF[run_id]),
        st.sampled_from(["Running", "Running", "Completed", "Failed"]),
        wake_at=st.sampled_from(TIMES),
        memo=st.sampled_from([None, '{"a":1}']),
    )
)
# Mostly the version the stream has, sometimes one that it had or may have.
offsets = st.sampled_from([0, 0, 0, 0, 0, -1, 1])
appends = st.lists(st.tuples(run_ids, offsets, st.integers(min_value=0, max_value=3)), max_size=3)
units = st.tuples(appends, st.lists(rows, max_size=3))
groups = st.lists(units, min_size=1, max_size=6)


class StoresAgree(RuleBasedStateMachine):
    """One machine, three stores."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.model = StoreModel()
        self.stores: list[EventStore] = [MemoryStore(), SqliteStore(self.folder / "store.db")]

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        shutil.rmtree(self.folder)

    @rule(group=groups)
    def commit(self, group: list[tuple[list[tuple[str, int, int]], list[ExecutionRow]]]) -> None:
        units: list[Unit] = []
        expected: list[set[type[EngineError]]] = []
        for wanted, changed in group:
            # The offset counts from where the stream will be when this unit's turn comes.
            versions = {run_id: self.model.version(run_id) for run_id in WORKFLOW_OF}
            parts: list[Append] = []
            for run_id, offset, count in wanted:
                after = max(0, versions[run_id] + offset)
                parts.append(append(run_id, after, *("e" * (number + 1) for number in range(count))))
                versions[run_id] = after + count
            unit = Unit(tuple(parts), tuple(changed))
            units.append(unit)
            expected.append(self.model.apply(unit))
        memory, sqlite = (store.commit(units) for store in self.stores)
        assert [repr(outcome) for outcome in memory] == [repr(outcome) for outcome in sqlite]
        for outcome, reasons in zip(sqlite, expected, strict=True):
            assert (type(outcome) in reasons) if reasons else outcome is None

    @rule()
    def reopen(self) -> None:
        self.stores[1].close()
        self.stores[1] = SqliteStore(self.folder / "store.db")

    @invariant()
    def streams_agree(self) -> None:
        for store in self.stores:
            assert store.recorded(0, 10_000) == self.model.events
            assert store.recorded(2, 2) == self.model.events[2:4]
            assert store.last_position() == len(self.model.events)
            for run_id in WORKFLOW_OF:
                assert store.load(run_id) == self.model.load(run_id)
                assert store.load(run_id, after=2) == self.model.load(run_id)[2:]

    @invariant()
    def rows_agree(self) -> None:
        for store in self.stores:
            assert store.executions() == self.model.executions(lambda row: True)
            assert store.executions(limit=2, offset=1) == self.model.executions(lambda row: True)[1:3]
            failed = self.model.executions(lambda row: row.status == "Failed")
            assert store.executions(status="Failed") == failed
            for workflow_id in {*WORKFLOW_OF.values()}:
                assert store.latest(workflow_id) == self.model.latest(workflow_id)
                assert store.executions(workflow_id=workflow_id) == self.model.of_workflow(workflow_id)
            for run_id in WORKFLOW_OF:
                assert store.execution(run_id) == self.model.rows.get(run_id)

    @invariant()
    def agendas_agree(self) -> None:
        agenda = self.model.agenda()
        for store in self.stores:
            for before in (-1, 0, 4, 9):
                due = [(row.wake_at, row.run_id) for row in store.due(before, 10)]
                assert due == [entry for entry in agenda if entry[0] <= before]
                assert store.next_wake(before) == min((at for at, _ in agenda if at > before), default=None)
            page = [(row.wake_at, row.run_id) for row in store.due(9, 2, after=(3, "r2"))]
            assert page == [entry for entry in agenda if entry > (3, "r2")][:2]


StoresAgree.TestCase.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
TestSqliteMemoryAndAModelOfPlainDictsAgree = StoresAgree.TestCase
