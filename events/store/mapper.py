"""The mapper: events to rows and back, through eventsourcing's compressor and cipher.

eventsourcing stores four columns: whose event it is (`originator_id`, our run id), its version there, its topic and its
state, bytes. The library's own mapper derives the topic from the class's module path and the state from the instance's
`__dict__`; ours takes the declared topic and msgspec's JSON, at a fiftieth of the cost. Compressors and ciphers written
for the library work unchanged: the state is compressed, then encrypted.

Without either the stores take the short way, `state_of` and `event_of`, which make no envelope objects. Both ways write
the same rows.
"""

from __future__ import annotations

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Cipher, Compressor, JSONTranscoder, Mapper, StoredEvent

from understudy.events.catalogue import TOPICS, decode_event
from understudy.events.errors import CorruptEventError
from understudy.events.errors.store import UnstorableError
from understudy.events.event import Event, encode_event

__all__ = ["EventMapper", "RunEvent"]


class RunEvent(msgspec.Struct, frozen=True):
    """An event with the envelope that eventsourcing's interfaces know: whose it is, and its version there."""

    originator_id: str
    originator_version: int
    event: Event


class EventMapper(Mapper[str]):
    """Maps events to stored events and back; safe to use from any thread if its compressor and cipher are.

    Args:
        compressor: Makes the state smaller.
        cipher: Makes the state secret.
    """

    def __init__(self, compressor: Compressor | None = None, cipher: Cipher | None = None) -> None:
        # The base class wants a transcoder; ours is msgspec and is never asked for by it.
        super().__init__(JSONTranscoder(), compressor, cipher)

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """Return the row of a `RunEvent`.

        Raises:
            TypeError: it is another kind of event.
            UnstorableError: the event is not declared, or holds what JSON cannot say.
        """
        if not isinstance(domain_event, RunEvent):
            raise TypeError(f"an EventMapper maps RunEvent, not {type(domain_event).__qualname__}")
        run_id, version = domain_event.originator_id, domain_event.originator_version
        topic, state = self.state_of(run_id, version, domain_event.event)
        return StoredEvent(originator_id=run_id, originator_version=version, topic=topic, state=state)

    def to_domain_event(self, stored_event: StoredEvent) -> RunEvent:
        """Return the event of a row.

        Raises:
            CorruptEventError: the row cannot be read back.
        """
        run_id, version = str(stored_event.originator_id), stored_event.originator_version
        return RunEvent(run_id, version, self.event_of(run_id, version, stored_event.topic, stored_event.state))

    def state_of(self, run_id: str, version: int, event: Event) -> tuple[str, bytes]:
        """Return the topic and the state of an event.

        Raises:
            UnstorableError: the event is not declared, or holds what JSON cannot say.
        """
        topic = TOPICS.get(type(event))
        if topic is None:
            reason = f"{type(event).__qualname__} is not in the catalogue of events"
            raise UnstorableError(run_id=run_id, version=version, reason=reason)
        try:
            state = encode_event(event)
        except (TypeError, ValueError, msgspec.MsgspecError, RecursionError) as error:
            raise UnstorableError(run_id=run_id, version=version, reason=f"{topic}: {error}") from error
        if self.compressor is not None:
            state = self.compressor.compress(state)
        if self.cipher is not None:
            state = self.cipher.encrypt(state)
        return topic, state

    def event_of(self, run_id: str, version: int, topic: str, state: bytes) -> Event:
        """Return the event of a topic and a state.

        Raises:
            CorruptEventError: the state cannot be decrypted, decompressed or decoded, or nobody knows the topic.
        """
        # Whatever a compressor, a cipher or an upcaster raises on bytes that are not theirs, the row cannot be read.
        try:
            if self.cipher is not None:
                state = self.cipher.decrypt(state)
            if self.compressor is not None:
                state = self.compressor.decompress(state)
            return decode_event(topic, state)
        except KeyError as error:
            reason = f"no event is called {topic!r}; was it written by a newer version?"
            raise CorruptEventError(run_id=run_id, version=version, reason=reason) from error
        except Exception as error:
            reason = f"{topic}: {type(error).__name__}: {error}"
            raise CorruptEventError(run_id=run_id, version=version, reason=reason) from error
