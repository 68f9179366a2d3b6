"""An example of every event with every field filled in, and a strategy for more of each."""

from __future__ import annotations

from typing import Any, Final, TypeVar, get_args, get_type_hints

import msgspec
from hypothesis import strategies as st

from understudy.events.activity import (
    ActivityCanceled,
    ActivityCancelRequested,
    ActivityCompleted,
    ActivityCompletionDeferred,
    ActivityFailed,
    ActivityHeartbeatRecorded,
    ActivityRetryScheduled,
    ActivityScheduled,
    ActivityTimedOut,
    LocalActivityCompleted,
    LocalActivityFailed,
)
from understudy.events.child import (
    ChildCancelDelivered,
    ChildCancelRequested,
    ChildCompleted,
    ChildFailed,
    ChildInitiated,
    ChildStarted,
    ChildStartFailed,
)
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.marker import PatchRecorded, SideEffectRecorded, VersionRecorded
from understudy.events.options.durations import MAX_NS
from understudy.events.options.policies import (
    ActivityCancellationType,
    ChildWorkflowCancellationType,
    ParentClosePolicy,
    ResetChildren,
    RetryState,
    TimeoutType,
    WorkflowIDReusePolicy,
)
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.outbound import ExternalCancelRequested, ExternalSignalRequested, MessageDelivered, MessageFailed
from understudy.events.payloads.payload import Payload
from understudy.events.signal import SignalReceived
from understudy.events.timer import TimerCanceled, TimerFired, TimerStarted
from understudy.events.update import UpdateAccepted, UpdateCompleted
from understudy.events.upsert import CurrentDetailsUpserted, MemoUpserted, SearchAttributesUpserted
from understudy.events.workflow import (
    ResetMark,
    TurnDeferred,
    TurnResumed,
    WorkflowCanceled,
    WorkflowCancelRequested,
    WorkflowCompleted,
    WorkflowContinuedAsNew,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowStarted,
    WorkflowTerminated,
    WorkflowTimedOut,
    WorkflowUnpaused,
)

__all__ = ["EXAMPLES", "any_event", "events_of", "example"]

_ONE = Payload(msgspec.Raw(b'{"sku": "a-1", "price": 1.10}'))
_TWO = Payload(msgspec.Raw(b'"AAE="'), {"encoding": "binary/plain"})
_TIMEOUT = Failure(
    kind="timeout", message="too late", timeout_type=TimeoutType.START_TO_CLOSE, details=(_ONE,), stack_trace="File …"
)
_FAILURE = Failure(
    kind="activity",
    message="Activity task failed",
    cause=_TIMEOUT,
    retry_state=RetryState.TIMEOUT,
    seq=3,
    activity_type="charge",
    activity_id="3",
)
_POLICY = StoredRetryPolicy(2, 1.5, 9, 4, ("ValueError",), 0.25)

EXAMPLES: Final[tuple[Event, ...]] = (
    WorkflowStarted(
        at=1,
        workflow_id="order-1",
        workflow_type="Order",
        task_queue="orders",
        input=(_ONE, _TWO),
        flags=3,
        execution_timeout=4,
        execution_deadline=5,
        run_timeout=6,
        task_timeout=7,
        retry_policy=_POLICY,
        attempt=2,
        first_run_id="run-0",
        continued_run_id="run-1",
        last_failure=_FAILURE,
        first_turn_at=8,
        memo={"note": _ONE},
        search_attributes={"CustomerId": {"type": "Keyword", "value": "c-17"}},
        headers={"trace": _TWO},
        summary="an order",
        details="of two items",
        identity="42@host",
        request_id="request-1",
        seed="run-7",
        resets=(ResetMark(run_id="run-8", messages_after=2, children_after=3),),
        parent_workflow_id="basket-1",
        parent_run_id="run-5",
        parent_seq=2,
        root_workflow_id="shop",
        root_run_id="run-4",
        cron_schedule="0 9 * * *",
        last_result=_ONE,
        priority=2,
        fairness_key="tenant-1",
        fairness_weight=1.5,
    ),
    WorkflowCancelRequested(at=1, reason="no longer wanted", identity="42@host", request_id="request-2"),
    WorkflowCompleted(at=1, result=_ONE, new_run_id="run-2"),
    WorkflowFailed(at=1, failure=_FAILURE, new_run_id="run-2"),
    WorkflowCanceled(at=1, failure=_TIMEOUT),
    WorkflowContinuedAsNew(
        at=1,
        workflow_type="Order",
        task_queue="orders",
        input=(_ONE,),
        run_timeout=6,
        task_timeout=7,
        retry_policy=_POLICY,
        memo={"note": _ONE},
        search_attributes={"City": {"type": "Keyword", "value": "Ulm"}},
        headers={"trace": _TWO},
        backoff=8,
        new_run_id="run-2",
    ),
    WorkflowTerminated(
        at=1,
        reason="stuck",
        details=(_ONE,),
        identity="42@host",
        new_run_id="run-2",
        reset_children=ResetChildren.TERMINATE,
        reset_after=3,
    ),
    WorkflowTimedOut(at=1, new_run_id="run-2"),
    WorkflowPaused(at=1, note="while the bank is closed", freeze_timers=True, identity="42@host"),
    WorkflowUnpaused(at=1, note="it has opened", identity="42@host"),
    TurnDeferred(at=1, since=4, reason="no worker knows the type", failure=_TIMEOUT),
    TurnResumed(at=1, through=4),
    ActivityScheduled(
        at=1,
        seq=3,
        activity_type="charge",
        activity_id="charge-1",
        task_queue="payments",
        input=(_ONE, _TWO),
        schedule_to_close=5,
        schedule_to_start=6,
        start_to_close=7,
        heartbeat=8,
        retry_policy=_POLICY,
        cancellation_type=ActivityCancellationType.ABANDON,
        headers={"trace": _TWO},
        summary="the card",
        priority=2,
        fairness_key="tenant-1",
        fairness_weight=1.5,
        source="orders.py:17",
    ),
    ActivityCancelRequested(at=1, seq=3, source="orders.py:18"),
    ActivityRetryScheduled(at=1, seq=3, attempt=2, next_at=9, failure=_TIMEOUT, heartbeat_details=(_ONE,)),
    ActivityCompletionDeferred(at=1, seq=3, attempt=2, close_by=9),
    ActivityHeartbeatRecorded(at=1, seq=3, attempt=2, details=(_ONE, _TWO)),
    ActivityCompleted(at=1, seq=3, result=_TWO, attempt=2, identity="42@host"),
    ActivityFailed(at=1, seq=3, failure=_FAILURE, attempt=2),
    ActivityTimedOut(at=1, seq=3, timeout_type=TimeoutType.HEARTBEAT, failure=_FAILURE, attempt=2),
    ActivityCanceled(at=1, seq=3, failure=_FAILURE, attempt=2),
    LocalActivityCompleted(at=1, seq=3, activity_type="add", activity_id="add-1", result=_ONE, attempt=2),
    LocalActivityFailed(at=1, seq=3, activity_type="add", failure=_FAILURE, activity_id="add-1", attempt=2),
    TimerStarted(at=1, seq=2, fire_at=9, summary="until noon", source="orders.py:19"),
    TimerCanceled(at=1, seq=2, source="orders.py:20"),
    TimerFired(at=1, seq=2),
    SignalReceived(
        at=1,
        name="add",
        input=(_ONE,),
        headers={"trace": _TWO},
        identity="42@host",
        request_id="request-3",
        with_start=True,
        failure=_FAILURE,
        was_awaited=True,
    ),
    UpdateAccepted(
        at=1,
        update_id="update-1",
        name="price",
        input=(_ONE,),
        headers={"trace": _TWO},
        identity="42@host",
        with_start=True,
    ),
    UpdateCompleted(at=1, update_id="update-1", result=_ONE, failure=_FAILURE),
    ChildInitiated(
        at=1,
        seq=3,
        workflow_id="parcel-1",
        workflow_type="Parcel",
        task_queue="parcels",
        input=(_ONE,),
        execution_timeout=4,
        run_timeout=5,
        task_timeout=6,
        retry_policy=_POLICY,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        cancellation_type=ChildWorkflowCancellationType.WAIT_CANCELLATION_REQUESTED,
        parent_close_policy=ParentClosePolicy.ABANDON,
        cron_schedule="@daily",
        memo={"note": _ONE},
        search_attributes={"City": {"type": "Keyword", "value": "Ulm"}},
        headers={"trace": _TWO},
        summary="a parcel",
        details="of two items",
        priority=2,
        fairness_key="tenant-1",
        fairness_weight=1.5,
        source="orders.py:26",
    ),
    ChildCancelRequested(at=1, seq=3, reason="no longer wanted", source="orders.py:27"),
    ChildStarted(at=1, seq=3, run_id="run-3"),
    ChildStartFailed(at=1, seq=3, run_id="run-9"),
    ChildCancelDelivered(at=1, seq=3),
    ChildCompleted(at=1, seq=3, result=_ONE),
    ChildFailed(at=1, seq=3, failure=_FAILURE),
    ExternalSignalRequested(
        at=1,
        seq=3,
        workflow_id="order-2",
        run_id="run-8",
        child=2,
        name="add",
        input=(_ONE,),
        headers={"trace": _TWO},
        source="orders.py:28",
    ),
    ExternalCancelRequested(
        at=1, seq=3, workflow_id="order-2", run_id="run-8", reason="no longer wanted", source="orders.py:29"
    ),
    MessageDelivered(at=1, seq=3),
    MessageFailed(at=1, seq=3, failure=_FAILURE),
    SideEffectRecorded(at=1, seq=4, value=_ONE, source="orders.py:21"),
    PatchRecorded(at=1, patch_id="euros", deprecated=True, declined=True, source="orders.py:22"),
    VersionRecorded(at=1, change_id="tax", version=2, source="orders.py:23"),
    MemoUpserted(at=1, memo={"stage": _ONE, "gone": None}, source="orders.py:24"),
    SearchAttributesUpserted(
        at=1, search_attributes={"City": {"type": "Keyword", "value": "Ulm"}, "Gone": None}, source="orders.py:25"
    ),
    CurrentDetailsUpserted(at=1, details="two of three shipped", source="orders.py:30"),
)

_whole = st.integers(0, MAX_NS)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
_payloads = st.builds(
    Payload,
    _json.map(lambda value: msgspec.Raw(msgspec.json.encode(value))),
    st.dictionaries(st.text(), st.text(), max_size=1),
)


E = TypeVar("E", bound=Event)


def example(cls: type[E]) -> E:
    """The example of one class."""
    return next(event for event in EXAMPLES if isinstance(event, cls))


def _policies() -> st.SearchStrategy[StoredRetryPolicy]:
    return st.builds(
        StoredRetryPolicy,
        initial_interval=_whole,
        backoff_coefficient=st.floats(1, 1e9),
        maximum_interval=st.none() | _whole,
        maximum_attempts=st.integers(0, 2**31),
        non_retryable_error_types=st.lists(st.text(), max_size=2).map(tuple),
        jitter=st.floats(0, 1),
    )


def _failures() -> st.SearchStrategy[Failure]:
    leaf = st.builds(
        Failure,
        kind=st.text(min_size=1),
        message=st.text(),
        details=st.lists(_payloads, max_size=1).map(tuple),
        non_retryable=st.booleans(),
        next_retry_delay=st.none() | _whole,
        timeout_type=st.none() | st.sampled_from(TimeoutType),
        encoded=st.none() | _payloads,
    )
    return st.recursive(leaf, lambda inner: st.builds(Failure, kind=st.just("activity"), cause=inner), max_leaves=3)


_BY_TYPE: Final[dict[Any, st.SearchStrategy[Any]]] = {
    int: _whole,
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(max_size=8),
    Payload: _payloads,
    Failure: _failures(),
    StoredRetryPolicy: _policies(),
    ActivityCancellationType: st.sampled_from(ActivityCancellationType),
    ChildWorkflowCancellationType: st.sampled_from(ChildWorkflowCancellationType),
    ParentClosePolicy: st.sampled_from(ParentClosePolicy),
    ResetChildren: st.sampled_from(ResetChildren),
    WorkflowIDReusePolicy: st.sampled_from(WorkflowIDReusePolicy),
    TimeoutType: st.sampled_from(TimeoutType),
    tuple[ResetMark, ...]: st.lists(
        st.builds(ResetMark, run_id=st.text(), messages_after=_whole, children_after=st.none() | _whole), max_size=2
    ).map(tuple),
    tuple[Payload, ...]: st.lists(_payloads, max_size=2).map(tuple),
    dict[str, Payload]: st.dictionaries(st.text(), _payloads, max_size=2),
    dict[str, Payload | None]: st.dictionaries(st.text(), st.none() | _payloads, max_size=2),
    dict[str, object]: st.dictionaries(st.text(), _json, max_size=2),
    bool: st.booleans(),
}


def _of_hint(hint: Any) -> st.SearchStrategy[Any]:
    if hint in _BY_TYPE:
        return _BY_TYPE[hint]
    present, _none = get_args(hint)  # the only other form is `X | None`
    return st.none() | _BY_TYPE[present]


def events_of(cls: type[Event]) -> st.SearchStrategy[Event]:
    """Events of one class with any values that its hints allow."""
    hints = get_type_hints(cls)
    fields = {field.name: _of_hint(hints[field.name]) for field in msgspec.structs.fields(cls)}
    return st.builds(cls, **fields)


def any_event() -> st.SearchStrategy[Event]:
    """Events of all classes."""
    return st.sampled_from(EXAMPLES).flatmap(lambda event: events_of(type(event)))
