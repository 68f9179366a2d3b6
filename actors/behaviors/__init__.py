"""Decisions about what to do next, without doing it: pure functions and the coroutine side of a run.

Read `definitions`, what users declare; `decisions`, which events a command means; `guard`, what workflow code may not
call; `loop`, asyncio without a clock; and `code`, facts in and requests out. In here `code` stands on `loop` and
`decisions`, `loop` on `guard`, and all may rest on `definitions`. The shell (`understudy.actors`), the projections and
the doors import it; it knows none of them.
"""
