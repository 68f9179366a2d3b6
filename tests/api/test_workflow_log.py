"""What workflow code says: the logger's lines, the details on its records, and what is switched on and off there."""

from __future__ import annotations

import logging
import time
from typing import Any, ClassVar

import pytest

from tests.api.harness import Harness, gone
from understudy import workflow
from understudy.common import MetricMeter
from understudy.exceptions import ArgumentTypeError, DefinitionError, NotInWorkflowError
from understudy.workflow import LoggerAdapter

NAME = "understudy.workflow"


@workflow.defn
class Talks:
    """Says something wherever it can."""

    def __init__(self) -> None:
        self.done = False
        self.read_only: list[bool] = []
        self.replays: list[bool] = []

    @workflow.run
    async def run(self) -> list[bool]:
        workflow.logger.warning("run", extra={"mine": 1})
        self.read_only.append(workflow.unsafe.is_read_only())
        self.replays.append(workflow.unsafe.is_replaying_history_events())
        assert workflow.metric_meter() is MetricMeter.noop
        await workflow.wait_condition(lambda: self.done and workflow.unsafe.is_read_only())
        return self.read_only

    @workflow.update
    def greet(self, name: str) -> str:
        workflow.logger.warning("hello %s", name)
        self.done = True
        return name

    @workflow.query
    def senses(self) -> list[bool]:
        return [*self.replays, workflow.unsafe.is_replaying_history_events(), workflow.unsafe.is_read_only()]


def said(caplog: pytest.LogCaptureFixture) -> dict[str, logging.LogRecord]:
    """The records of workflow code, by their first word."""
    return {record.getMessage().split()[0]: record for record in caplog.records if record.name == NAME}


async def test_records_tell_the_update_whose_handler_runs(engine: Harness, caplog: pytest.LogCaptureFixture) -> None:
    await engine.work(Talks)
    handle = await engine.start(Talks.run, id="talks")
    assert await handle.execute_update(Talks.greet, "Ada", id="u-1") == "Ada"
    assert await handle.result() == [False]
    records = said(caplog)
    details: dict[str, Any] = vars(records["hello"])["workflow"]
    assert (details["workflow_id"], details["update_id"], details["update_name"]) == ("talks", "u-1", "greet")
    assert "'update_name': 'greet'" in records["hello"].getMessage()
    assert "update_id" not in vars(records["run"])["workflow"]
    assert vars(records["run"])["mine"] == 1
    assert "workflow_info" not in vars(records["run"])


async def test_code_can_tell_whether_it_is_replayed_and_whether_it_may_only_read(engine: Harness) -> None:
    await engine.work(Talks)
    handle = await engine.start(Talks.run)
    assert await handle.query(Talks.senses) == [False, False, True]
    engine.client.engine.runs.passivate(0)
    assert await handle.query(Talks.senses) == [True, False, True]


async def test_records_name_the_line_that_speaks(engine: Harness, caplog: pytest.LogCaptureFixture) -> None:
    @workflow.defn
    async def speaks() -> None:
        workflow.logger.warning("first")
        workflow.logger.log(logging.WARNING, "second")
        helper()

    def helper() -> None:
        workflow.logger.warning("third", stacklevel=2)

    await engine.work(speaks)
    await (await engine.start(speaks)).result()
    first = speaks.__code__.co_firstlineno + 2
    records = said(caplog)
    assert [records[word].lineno for word in ("first", "second", "third")] == [first, first + 1, first + 2]
    assert records["first"].filename == "test_workflow_log.py"


async def test_what_goes_on_a_record_can_be_chosen(engine: Harness, caplog: pytest.LogCaptureFixture) -> None:
    logger = LoggerAdapter(logging.getLogger(NAME), {"shop": "Ulm"})
    logger.workflow_info_on_message = False
    logger.workflow_info_on_extra = False
    logger.full_workflow_info_on_extra = True

    @workflow.defn
    async def speaks() -> None:
        logger.warning("whole")
        logger.full_workflow_info_on_extra = False
        logger.warning("bare")

    await engine.work(speaks)
    await (await engine.start(speaks, id="whole-1")).result()
    whole, bare = said(caplog)["whole"], said(caplog)["bare"]
    assert whole.getMessage() == "whole"
    assert vars(whole)["workflow_info"].workflow_id == "whole-1"
    assert vars(whole)["shop"] == "Ulm"
    assert "workflow" not in vars(whole)
    assert not {"workflow", "workflow_info", "shop"} & vars(bare).keys()


async def test_handlers_of_ones_own_may_do_what_workflows_may_not(engine: Harness) -> None:
    class Stamps(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            stamps.append(time.time())
            return True

    stamps: list[float] = []
    logger = LoggerAdapter(logging.getLogger(f"{NAME}.stamped"))
    logger.base_logger.addFilter(Stamps())
    logger.unsafe_disable_sandbox()

    @workflow.defn
    async def speaks() -> bool:
        logger.warning("now")
        return logger.disable_sandbox

    await engine.work(speaks)
    assert await (await engine.start(speaks)).result()
    assert len(stamps) == 1
    logger.unsafe_disable_sandbox(False)  # noqa: FBT003 - as Temporal's is called
    assert not logger.disable_sandbox


def test_outside_of_a_workflow_a_line_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    workflow.logger.warning("plain")
    assert said(caplog)["plain"].getMessage() == "plain"
    with pytest.raises(NotInWorkflowError):
        workflow.metric_meter()


# -- declarations ----------------------------------------------------------------------------------------------------


def test_a_versioning_behavior_is_one() -> None:
    wrong: Any = "pinned"
    with pytest.raises(ArgumentTypeError, match="versioning_behavior"):
        workflow.defn(versioning_behavior=wrong)


def test_init_is_named_as_in_the_interface_that_we_follow() -> None:
    def build() -> None: ...

    with pytest.raises(DefinitionError, match="is for __init__"):
        workflow.init(init_fn=build)


@workflow.defn
class Tidies:
    """Says goodbye when it ends, and keeps in mind whether that was real."""

    goodbyes: ClassVar[list[bool]] = []

    def __init__(self) -> None:
        self.done = False

    @workflow.run
    async def run(self) -> None:
        try:
            await workflow.wait_condition(lambda: self.done)
        finally:
            workflow.logger.warning("goodbye")
            self.goodbyes.append(workflow.unsafe.is_replaying())

    @workflow.signal
    def end(self) -> None:
        self.done = True


async def test_a_run_that_leaves_memory_says_no_goodbye(engine: Harness, caplog: pytest.LogCaptureFixture) -> None:
    Tidies.goodbyes.clear()
    await engine.work(Tidies)
    handle = await engine.start(Tidies.run)
    await gone(engine)
    assert Tidies.goodbyes == [True]
    assert "goodbye" not in said(caplog)
    await handle.signal(Tidies.end)
    await handle.result()
    assert Tidies.goodbyes == [True, False]
    assert "goodbye" in said(caplog)
