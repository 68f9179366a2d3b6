"""Starts of workflows, alone and together with an update.

Read `start` (the options, their checks, the start itself) and `with_start` (a start and an update in one commit, a
part of the client). `typed` and `types` are read by type checkers alone.

`client`, `interceptors` and doors may import it; it imports `handles`.
"""
