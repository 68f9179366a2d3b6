"""The room behind `understudy.activity`.

Read `definition` (`@activity.defn`), `running` (what running code asks of its attempt), `info` (the facts that it
gets), `log`, and `interceptors` (what a worker puts around attempts).

Doors, `worker` and `testing` may import it.
"""
