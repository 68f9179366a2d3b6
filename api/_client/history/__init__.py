"""The history of a run, as a client reads it.

Read `filter` (which events are wanted), `events` (page by page, as they come), `saved` (all of them as a value, and
as JSON), and `reader`, the part of a workflow's handle that gives both.

The other rooms of `_client`, doors, `worker` and `testing` may import it.
"""
