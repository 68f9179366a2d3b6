"""What the tests of resetting without an engine share: the ids, the time, and a short way to a new run."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from tests.behaviors.plays import Cart, add, charge, pack
from tests.behaviors.rehearsal import SECOND, START, Rehearsal, lead, payloads, value_of
from understudy import workflow
from understudy.actors.behaviors.decisions.commands import PauseWorkflow, ResetWorkflow, UnpauseWorkflow
from understudy.actors.behaviors.decisions.reset import Reset, reset
from understudy.events.signal import SignalReceived

__all__ = [
    "BASE",
    "LATER",
    "NEW",
    "NEWEST",
    "OLD",
    "Errand",
    "cart",
    "local_of",
    "played_to_its_end",
    "reset_to",
    "taken_up",
    "world",
]

OLD: Final = "11111111-1111-4111-8111-111111111111"
NEW: Final = "22222222-2222-4222-8222-222222222222"
NEWEST: Final = "33333333-3333-4333-8333-333333333333"
LATER: Final = START + 1_000 * SECOND


@workflow.defn
class Errand:
    """All that can be in a history: activities, timers, messages, side effects, dice, children."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @workflow.run
    async def run(self, amount: int) -> list[Any]:
        result: list[Any] = [str(workflow.uuid4()), await workflow.execute_activity(charge, amount)]
        result.append(await workflow.execute_local_activity(add, args=[amount, 1]))
        result.append(workflow.side_effect(lambda: "once"))
        boxes, _ = await asyncio.gather(workflow.execute_activity(pack, "box"), workflow.sleep(60))
        result += [boxes, workflow.random().random()]
        child = await workflow.start_child_workflow("Parcel", "parcel", id="parcel-1")
        await workflow.get_external_workflow_handle("diary").signal("note", "parcel")
        await workflow.wait_condition(lambda: len(self.told) == 4)
        result += [self.told, await child, await workflow.execute_activity(pack, "ribbon")]
        workflow.set_current_details("done")
        return [*result, workflow.random().random()]

    @workflow.signal
    async def tell(self, word: str) -> None:
        self.told.append(await workflow.execute_activity(pack, word))

    @workflow.update
    async def ask(self, word: str) -> str:
        self.told.append(await workflow.execute_activity(pack, word))
        return f"{word}!"

    @workflow.query
    def words(self) -> list[str]:
        return self.told


def local_of(run: Rehearsal) -> int:
    """The number of a local activity that a run waits for; 0: there is none."""
    return next((seq for seq in range(1, 9) if run.run.local(seq) is not None), 0)


def world(run: Rehearsal) -> bool:
    """Let the next thing happen of all that a run waits for; False: nothing can."""
    state = run.execution
    if run.run.deferred:
        run.resume()
    elif state.activities:
        seq, pending = next(iter(state.activities.items()))
        run.complete(seq, value_of(pending.scheduled.input[0]))
    elif local_of(run):
        run.complete_local(local_of(run), 8)
    elif state.outbound:
        run.deliver(min(state.outbound))
    elif any(not child.run_id for child in state.children.values()):
        run.child_started(min(state.children))
    elif state.children:
        run.complete_child(min(state.children), "shipped")
    elif state.timers:
        run.fire()
    else:
        return False
    return True


def played_to_its_end() -> Rehearsal:
    """An errand with messages early and late, a deferred turn, and a pause."""
    run = Rehearsal(Errand, 7, run_id=OLD)
    run.signal("tell", "one", request_id="first")
    run.complete(1, 7)
    run.complete_local(local_of(run), 8)
    run.update("ask", "two")
    run.defer(SignalReceived(at=run.now, name="tell", input=payloads(["three"])))
    run.run.deferred.clear()
    run.rebuild()
    run.resume()
    run.now += SECOND
    run.do(PauseWorkflow(freeze_timers=True))
    run.record(SignalReceived(at=run.now, name="tell", input=payloads(["four"])))
    run.now += SECOND
    run.do(UnpauseWorkflow())
    run.rebuild()
    run.resume()
    while world(run):
        pass
    return run


def taken_up(made: Reset, code: Any, now: int = LATER) -> Rehearsal:
    """A rehearsal that goes on with the run that a reset made."""
    run = Rehearsal.__new__(Rehearsal)
    run.code, run.events, run.execution, run.now = code, list(made.events), made.state, now
    run.run = lead(code, run.events, run_id=made.state.run_id, execution=made.state)
    return run


def reset_to(base: Rehearsal, event_id: int, code: Any = None, new: str = NEW, **options: Any) -> Rehearsal:
    """What a run is after a reset to an event."""
    command = ResetWorkflow(event_id=event_id, **options)
    return taken_up(reset(base.execution.run_id, base.events, command, new, LATER), code or base.code)


BASE: Final = played_to_its_end()


def cart(*items: str) -> Rehearsal:
    """A cart that was filled and closed; each item is an event."""
    run = Rehearsal(Cart, run_id=OLD)
    for item in items:
        run.signal("put", item)
    run.signal("close")
    return run
