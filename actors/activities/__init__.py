"""Activities: attempts, from the assignment that a run asks for to the report that the run gets.

Read `assignment`, `cancellation` and `current` (what code may ask of its attempt), then `worker_options` and
`worker_slots`, `call` and `attempt` with its `heartbeats`, then who makes attempts: `in_flight`, `task_queues`,
`local`, `supervisor`. `remote`, `process_pool` and `pickling` carry code to other processes; `thread_cancel` stops
code in threads. Small ones: `token_bucket`, `log_records`. The rooms above import it: runs, requests, effects, and
the doors of activity code, tests and workers. It imports no run; below it are supervision, the guard, timers and the
clock.
"""
