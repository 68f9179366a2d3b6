"""One live run, and all of them.

In reading order: `live_run` (the record), `turn` (what an activation wants stored), `code_host` (drives the code),
`first_turn` (messages in front of the first step), `actor` (takes the messages), `registry` (the runs in memory),
`commits` (a turn goes to the disk), `supervisor` (makes actors, restarts them); beside them `definitions` (what workers
know to run), `execution_row` (what the store knows of a run), `waiters` (who waits for ends), `reset_check` and
`log_fields`. Requests, relations, effects and the composition root import it; it imports activities and what is below.
"""
