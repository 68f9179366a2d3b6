"""The requests that a client can make of a system: a coroutine each, on the engine's loop.

In reading order: `post` (a message into a mailbox, and its answer), `starts` (start a run), `service` (signals,
updates, queries, looks), `completion` (attempts that somebody outside completes), `event_feed` (events as they come).
The doors and relations import it; it imports runs and what is below.
"""
