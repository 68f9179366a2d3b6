"""Checks and conversions that all doors share: what users pass becomes names and payloads.

Read `checked` (ids, names, durations, policies), `targets` (a workflow or a handler as users name it), and
`activity_options`; `promise_token` says how a promise is named outside. `typed` and `message_types` are read by type
checkers alone.

Every room behind the doors may import it; it imports none of them.
"""
