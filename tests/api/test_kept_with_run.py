"""Memo and search attributes that the code changes: seen by describe, in the execution row, and after a return."""

from __future__ import annotations

import json

from tests.api.harness import Harness, eventually
from understudy import workflow
from understudy.common import SearchAttributeKey

CITY = SearchAttributeKey.for_keyword("City")


@workflow.defn
class Parcel:
    """Says where it is."""

    def __init__(self) -> None:
        self.city = ""

    @workflow.run
    async def run(self) -> None:
        while self.city != "Ulm":
            seen = self.city
            await workflow.wait_condition(lambda seen=seen: self.city != seen)  # type: ignore[misc]  # the default binds it
            workflow.upsert_memo({"stage": self.city, "first": None})
            workflow.upsert_search_attributes([CITY.value_set(self.city)])

    @workflow.signal
    def reach(self, city: str) -> None:
        self.city = city

    @workflow.query
    def stage(self) -> str:
        return str(workflow.memo_value("stage", "none"))


async def test_what_the_code_changes_is_seen_from_outside_and_survives(engine: Harness) -> None:
    await engine.work(Parcel)
    handle = await engine.start(Parcel.run, id="parcel", memo={"first": 1, "second": 2})
    await handle.signal(Parcel.reach, "Bonn")
    assert await handle.query(Parcel.stage) == "Bonn"
    assert engine.client.engine.runs.passivate(0) == 1
    found = await handle.describe()
    assert await found.memo() == {"second": 2, "stage": "Bonn"}
    assert found.typed_search_attributes[CITY] == "Bonn"
    row = engine.client.engine.store.latest("parcel")
    assert row is not None
    assert json.loads(row.memo or "{}").keys() == {"second", "stage"}
    assert json.loads(row.search_attributes or "{}") == {"City": {"type": "Keyword", "value": "Bonn"}}
    assert await handle.query(Parcel.stage) == "Bonn"
    await handle.signal(Parcel.reach, "Ulm")
    await handle.result()

    async def there() -> bool:
        return (await handle.describe()).typed_search_attributes[CITY] == "Ulm"

    assert await eventually(there)


async def test_a_run_goes_the_new_way_of_a_patch_and_its_history_says_so(engine: Harness) -> None:
    @workflow.defn(name="patched")
    async def changed() -> str:
        return "new" if workflow.patched("change") else "old"

    await engine.work(changed)
    handle = await engine.start(changed, id="patched")
    assert await handle.result() == "new"
    history = await handle.fetch_history()
    assert [event.topic for event in history.events] == ["workflow.started", "patch.recorded", "workflow.completed"]
