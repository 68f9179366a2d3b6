"""The guard: what stands around each turn of workflow code, so that it yields and does nothing of its own.

Read `turn_guard`, which runs a turn under both guards; `seams` refuses calls that would differ in a replay; `watchdog`
stops a turn that does not yield; `interrupt` raises an exception in another thread, for the watchdog and for
activities. Runs, the system, the replayer and activities import it; `actors.behaviors.guard` says which calls are
refused.
"""
