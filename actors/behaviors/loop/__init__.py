"""The loop of a run: asyncio without a thread, a socket, a selector or a clock.

Read `loop`, then `ready` and `numbered`, its handles, futures and tasks; `current`, how it becomes the running loop of
a thread for one turn; `refusals`, what it refuses; `teardown`, how its coroutines end; and `waits`, in which asyncio's
functions wait and as_completed have a fixed order. `code` runs on it, and the doors offer `waits`.
"""
