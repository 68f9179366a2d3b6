"""The code of one run: facts in, requests out.

Read `run`, which activates and replays; `context`, what the code can reach; `recorder`, record or compare. Then what
the code asks for: `activities`, `handles`, `children`, `outbound`, `conditions`, `patches`, `side_effects`,
`upserts`, `continue_as_new`; what comes to it: `outcomes`, `inbox`, `arguments`, `queries`, `fingerprint`,
`interceptors`; `source_line`, the line that asks; and `job`, code of our own. The shell drives `run`; the doors use
`context`. No other folder of the behaviours imports it.
"""
