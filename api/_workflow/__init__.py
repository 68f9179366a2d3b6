"""The tools with which people write workflow code; `understudy.workflow` gathers them.

In reading order: `definition` (the decorators) and `handlers` (of messages), then what running code asks:
`activity_calls`, `local_activity_calls`, `time`, `children` with their `child_handle`, `requests` (what calls become),
`continue_as_new`, `patches`, `side_effects`, `upserts`, `info` and `surroundings` (what it is told), `log`. Built of
these: `promise`, `saga`, `select`. `interceptors` stands around all of it; `typed` and `child_types` are for type
checkers. The doors, `_client` and `_activity` import it; it imports `actors.behaviors` and the checks of all doors.
"""
