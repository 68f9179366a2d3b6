"""The catalogue: every event there is, under its stored topic, and the way back from bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

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
from understudy.events.marker import PatchRecorded, SideEffectRecorded, VersionRecorded
from understudy.events.outbound import ExternalCancelRequested, ExternalSignalRequested, MessageDelivered, MessageFailed
from understudy.events.signal import SignalReceived
from understudy.events.timer import TimerCanceled, TimerFired, TimerStarted
from understudy.events.upcast import UPCASTERS, Upcaster, topic_of, upcast
from understudy.events.update import UpdateAccepted, UpdateCompleted
from understudy.events.upsert import CurrentDetailsUpserted, MemoUpserted, SearchAttributesUpserted
from understudy.events.workflow import (
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

__all__ = ["CATALOGUE", "TOPICS", "decode_event"]

_EVENTS: Final[tuple[type[Event], ...]] = (
    WorkflowStarted,
    WorkflowCancelRequested,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowCanceled,
    WorkflowContinuedAsNew,
    WorkflowTerminated,
    WorkflowTimedOut,
    WorkflowPaused,
    WorkflowUnpaused,
    TurnDeferred,
    TurnResumed,
    ActivityScheduled,
    ActivityCancelRequested,
    ActivityRetryScheduled,
    ActivityCompletionDeferred,
    ActivityHeartbeatRecorded,
    ActivityCompleted,
    ActivityFailed,
    ActivityTimedOut,
    ActivityCanceled,
    LocalActivityCompleted,
    LocalActivityFailed,
    TimerStarted,
    TimerCanceled,
    TimerFired,
    SignalReceived,
    UpdateAccepted,
    UpdateCompleted,
    ChildInitiated,
    ChildCancelRequested,
    ChildStarted,
    ChildStartFailed,
    ChildCancelDelivered,
    ChildCompleted,
    ChildFailed,
    ExternalSignalRequested,
    ExternalCancelRequested,
    MessageDelivered,
    MessageFailed,
    SideEffectRecorded,
    PatchRecorded,
    VersionRecorded,
    MemoUpserted,
    SearchAttributesUpserted,
    CurrentDetailsUpserted,
)

CATALOGUE: Final[dict[str, type[Event]]] = {topic_of(e.topic, e.schema): e for e in _EVENTS}
TOPICS: Final[dict[type[Event], str]] = {event: topic for topic, event in CATALOGUE.items()}

_decoders: dict[str, msgspec.json.Decoder[Event]] = {}
_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode_event(topic: str, state: bytes, upcasters: Mapping[str, Upcaster] = UPCASTERS) -> Event:
    """Return the event stored as `state` under `topic`, in its latest shape.

    Args:
        topic: as in `TOPICS`, or that of an older schema.
        state: what `encode_event` returned.
        upcasters: how older schemas are brought up.

    Raises:
        KeyError: no event has this topic; the store was written by newer code.
        msgspec.MsgspecError: the state is not what the topic promises.
    """
    decoder = _decoders.get(topic)
    if decoder is not None:
        return decoder.decode(state)
    if topic in upcasters:
        latest, fields = upcast(topic, _fields.decode(state), upcasters)
        return decode_event(latest, msgspec.json.encode(fields), upcasters)
    decoder = _decoders[topic] = msgspec.json.Decoder(CATALOGUE[topic])
    return decoder.decode(state)
