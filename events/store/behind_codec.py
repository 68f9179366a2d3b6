"""A store behind a codec: every payload inside of an event is encoded before it is written and decoded when it is read.

It wraps any other store, so the engine above and the adapter below know nothing of it, and without a codec there is
nothing to pass through. What is encoded: arguments, results, details, headers, memo, side effects, and of failures the
details and what `DefaultFailureConverterWithEncodedAttributes` hides. What is not: names, ids, times, reasons, search
attributes, summaries, and what stands in a failure in plain sight.

A codec that is told contexts gets that of the run's workflow. It is the run's own id that decides, and not an event's
content, because what is told at the reading has to be the same as at the writing.

Threads: as the port says; the codec is called on the journal's thread and on those that read.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from understudy.events.converters.codec import coded, coded_map
from understudy.events.converters.in_context import for_workflow, takes_context
from understudy.events.errors.codec import CodecDecodeError, CodecEncodeError
from understudy.events.payloads.payload import Payload
from understudy.events.store.batch import twin
from understudy.events.store.coroutine_bridge import LIMIT_SECONDS, Stepper
from understudy.events.store.port import Append, EventStore, ExecutionRow, Recorded, Unit
from understudy.events.workflow import WorkflowStarted

if TYPE_CHECKING:
    from understudy.events.converters.codec import PayloadCodec
    from understudy.events.errors.root import EngineError
    from understudy.events.event import Event

__all__ = ["CodedStore", "behind_codec"]

logger: Final = logging.getLogger("understudy.store")

_MOST_RUNS: Final = 10_000
"""Runs whose workflow id is remembered, for a codec that is told contexts."""

_memo: Final[msgspec.json.Decoder[dict[str, Payload | None]]] = msgspec.json.Decoder(dict[str, Payload | None])


def behind_codec(store: EventStore, codec: PayloadCodec | None) -> EventStore:
    """Return a store that passes all payloads through the codec; the store itself if there is none."""
    return store if codec is None else CodedStore(store, codec)


class CodedStore:
    """An `EventStore` that encodes and decodes, and holds nothing itself.

    Args:
        store: holds what the codec made.
        codec: encodes and decodes.
        limit: seconds that it may wait for something.
    """

    def __init__(self, store: EventStore, codec: PayloadCodec, *, limit: float = LIMIT_SECONDS) -> None:
        self._store = store
        self._codec = codec
        self._name = type(codec).__qualname__
        self._stepper = Stepper(limit)
        self._asks = takes_context(codec)
        self._ids: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<{self._store!r} behind {self._name}>"

    @property
    def url(self) -> str:
        """The URL that opens the store."""
        return self._store.url

    # -- writing -----------------------------------------------------------------------------------------------------

    def commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        """Encode each unit and store it; one that the codec refuses is not stored, nor what builds on it."""
        errors: list[EngineError | None] = [None] * len(units)
        refused: dict[str, EngineError] = {}
        passed: list[int] = []
        encoded: list[Unit] = []
        for index, unit in enumerate(units):
            runs = [append.run_id for append in unit.appends]
            before = next((refused[run_id] for run_id in runs if run_id in refused), None)
            made = self._encode(unit) if before is None else twin(before)
            if isinstance(made, Unit):
                encoded.append(made)
                passed.append(index)
            else:
                errors[index] = made
                refused.update(dict.fromkeys(runs, made))
        if encoded:
            for index, outcome in zip(passed, self._store.commit(encoded), strict=True):
                errors[index] = outcome
        return errors

    def _encode(self, unit: Unit) -> Unit | EngineError:
        try:
            return self._stepper.run(partial(self._encoded, unit))
        except CodecEncodeError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a codec that waits for too long, or a store that is closed
            run_id = next((append.run_id for append in unit.appends), "")
            refusal = self._encode_error(run_id, "a turn", error)
            refusal.__cause__ = error
            return refusal

    async def _encoded(self, unit: Unit) -> Unit:
        known = {row.run_id: row.workflow_id for row in unit.rows} if self._asks else {}
        appends = [await self._encoded_append(append, known.get(append.run_id)) for append in unit.appends]
        rows = [await self._encoded_row(row) if row.memo else row for row in unit.rows]
        return Unit(tuple(appends), tuple(rows))

    async def _encoded_append(self, append: Append, workflow_id: str | None) -> Append:
        first = append.events[0] if append.events else None
        if isinstance(first, WorkflowStarted):
            workflow_id = first.workflow_id
        encode = self._codec_for(append.run_id, workflow_id).encode
        events: list[Event] = []
        for event in append.events:
            try:
                events.append(await coded(event, encode))
            except Exception as error:
                what = f"event {append.after + len(events) + 1} ({event.topic})"
                raise self._encode_error(append.run_id, what, error) from error
        return Append(append.run_id, append.after, tuple(events))

    async def _encoded_row(self, row: ExecutionRow) -> ExecutionRow:
        try:
            memo = await coded_map(_memo.decode(row.memo or "{}"), self._codec_for(row.run_id, row.workflow_id).encode)
        except Exception as error:
            raise self._encode_error(row.run_id, "the memo", error) from error
        return msgspec.structs.replace(row, memo=msgspec.json.encode(memo).decode())

    def _encode_error(self, run_id: str, what: str, error: Exception) -> CodecEncodeError:
        return CodecEncodeError(run_id=run_id, codec=self._name, what=what, reason=_reason(error))

    # -- reading -----------------------------------------------------------------------------------------------------

    def load(self, run_id: str, after: int = 0) -> list[Event]:
        """Return the events of a run with versions above `after`, decoded; see the port.

        Raises:
            CodecDecodeError: the codec cannot decode one.
        """
        events = self._store.load(run_id, after)
        if not events:
            return events
        first = events[0]
        workflow_id = first.workflow_id if isinstance(first, WorkflowStarted) else None
        stored = [Recorded(run_id, version, event, 0) for version, event in enumerate(events, start=after + 1)]
        return [one.event for one in self._decode(stored, {run_id: workflow_id} if workflow_id else {})]

    def recorded(self, after: int, limit: int) -> list[Recorded]:
        """Return at most `limit` events with positions above `after`, decoded; see the port.

        Raises:
            CodecDecodeError: the codec cannot decode one.
        """
        return self._decode(self._store.recorded(after, limit), {})

    def _decode(self, stored: list[Recorded], known: dict[str, str]) -> list[Recorded]:
        try:
            return self._stepper.run(partial(self._decoded, stored, known))
        except CodecDecodeError:
            raise
        except Exception as error:  # a codec that waits for too long, or a store that is closed
            first = stored[0]
            raise self._decode_error(first.run_id, first.version, error) from error

    async def _decoded(self, stored: list[Recorded], known: dict[str, str]) -> list[Recorded]:
        decoded: list[Recorded] = []
        for one in stored:
            decode = self._codec_for(one.run_id, known.get(one.run_id)).decode
            try:
                event = await coded(one.event, decode)
            except Exception as error:
                raise self._decode_error(one.run_id, one.version, error) from error
            decoded.append(Recorded(one.run_id, one.version, event, one.position))
        return decoded

    def _decode_error(self, run_id: str, version: int, error: Exception) -> CodecDecodeError:
        return CodecDecodeError(run_id=run_id, version=version, codec=self._name, reason=_reason(error))

    # -- rows --------------------------------------------------------------------------------------------------------

    def execution(self, run_id: str) -> ExecutionRow | None:
        """Return the row of this run."""
        return self._decoded_row(self._store.execution(run_id))

    def latest(self, workflow_id: str) -> ExecutionRow | None:
        """Return the open run with this workflow id, else the one that was stored first most recently."""
        return self._decoded_row(self._store.latest(workflow_id))

    def executions(
        self,
        *,
        workflow_id: str | None = None,
        workflow_type: str | None = None,
        status: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[ExecutionRow]:
        """Return runs, the one that was stored first most recently first; see the port."""
        rows = self._store.executions(
            workflow_id=workflow_id, workflow_type=workflow_type, status=status, limit=limit, offset=offset
        )
        return [decoded for row in rows if (decoded := self._decoded_row(row)) is not None]

    def due(self, before: int, limit: int, after: tuple[int, str] | None = None) -> list[ExecutionRow]:
        """Return open runs that need care by `before`, with their memo as it is stored; see the port.

        A recovery reads these rows, and must not fail because of a memo that it does not look at.
        """
        return self._store.due(before, limit, after)

    def _decoded_row(self, row: ExecutionRow | None) -> ExecutionRow | None:
        """Return a row with its memo decoded, as far as it can be: a list is worth more than one of its memos."""
        if row is None or not row.memo:
            return row
        decode = self._codec_for(row.run_id, row.workflow_id).decode
        try:
            memo = self._stepper.run(partial(coded_map, _memo.decode(row.memo), decode))
        except Exception as error:  # noqa: BLE001 - whatever it is, the row is of use without its memo
            logger.warning("the memo of run %s stays as it is stored: %s: %s", row.run_id, self._name, _reason(error))
            return row
        return msgspec.structs.replace(row, memo=msgspec.json.encode(memo).decode())

    # -- the rest ----------------------------------------------------------------------------------------------------

    def next_wake(self, after: int) -> int | None:
        """Return the smallest `wake_at` of open runs that is greater than `after`, ns since the epoch."""
        return self._store.next_wake(after)

    def last_position(self) -> int:
        """Return the position of the last event stored, 0 if there is none."""
        return self._store.last_position()

    def close(self) -> None:
        """Close the store, and end what the codec was run by."""
        self._stepper.close()
        self._store.close()

    def _codec_for(self, run_id: str, workflow_id: str | None) -> PayloadCodec:
        """Return the codec as it is for the payloads of a run."""
        if not self._asks:
            return self._codec
        found = workflow_id or self._ids.get(run_id)
        if found is None:
            row = self._store.execution(run_id)
            found = row.workflow_id if row is not None else run_id
        if len(self._ids) >= _MOST_RUNS:
            self._ids = {}
        self._ids[run_id] = found
        return for_workflow(self._codec, found)


def _reason(error: Any) -> str:
    return f"{type(error).__name__}: {error}"
