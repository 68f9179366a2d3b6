"""Jobs: stand-alone activities, which a client starts and no workflow asks for.

Read `start` (what the caller gave becomes the first event of a run), `handle`, `view` and `description` (what is known
of one), `listing`, `errors`, and `client`, the part of the client that gives all of it. `typed` and `types` are read by
type checkers alone.

The other rooms of `_client` and doors may import it; it is imported late, since few programs have jobs.
"""
