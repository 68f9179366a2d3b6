"""What nobody caught is collected for the host, and said nowhere else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.behaviors.stage import Stage, forget


async def fail() -> None:
    """Fail at once."""
    raise ValueError("nobody looks")


def test_the_error_of_a_task_that_nobody_looks_at_is_reported_in_its_turn(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage()

    async def program() -> None:
        forget(fail())
        await asyncio.sleep(1)

    stage.begin(program())
    (context,) = stage.loop.on_error
    assert context["message"] == "NumberedTask exception was never retrieved"
    assert str(context["exception"]) == "nobody looks"
    stage.loop.close_run()
    assert stage.loop.on_error == []
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_the_error_of_a_future_that_nobody_looks_at_is_reported() -> None:
    stage = Stage()

    async def program() -> None:
        asyncio.get_running_loop().create_future().set_exception(ValueError("nobody looks"))

    stage.begin(program())
    assert [context["message"] for context in stage.loop.on_error] == ["NumberedFuture exception was never retrieved"]


def test_an_error_that_somebody_looks_at_is_not_reported() -> None:
    stage = Stage()

    async def program() -> str:
        try:
            await asyncio.create_task(fail())
        except ValueError as error:
            return str(error)
        return "no error"

    assert stage.start(program()).result() == "nobody looks"
    assert stage.loop.on_error == []


def test_the_runs_own_handler_gets_the_reports_instead() -> None:
    stage, seen = Stage(), list[str]()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        seen.append(context["message"])
        if len(seen) == 1:
            loop.default_exception_handler(context)
        else:
            raise KeyError("the handler fails")

    async def program() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(handle)
        assert loop.get_exception_handler() is handle
        loop.call_exception_handler({"message": "first"})
        loop.call_exception_handler({"message": "second"})
        loop.set_exception_handler(None)
        loop.call_exception_handler({"message": "third"})

    stage.begin(program())
    assert seen == ["first", "second"]
    assert [context["message"] for context in stage.loop.on_error] == [
        "first",
        "Exception in exception handler",
        "third",
    ]
