"""Decisions: (state, command, now) -> events, without any effect.

Read `commands`, then `decide`, and for their subjects `activities`, `children` and `retry`; how a run begins that
follows another, `successor` and `child_runs`, or that was reset, `reset`; and `activation`, which facts go into the
code together. The shell asks them in a turn, `code` uses `activation`. They import facts alone.
"""
