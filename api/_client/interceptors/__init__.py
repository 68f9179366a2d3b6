"""Interceptors of clients: they stand around the calls of a client and of its handles.

Read `interceptors` (the classes that users extend), `inputs` and `job_inputs` (calls as interceptors see them),
`chain` (what calls ask of the outermost one), `start_inputs` (starts become inputs, and come back), and `root` (the
end of the chain, which does what an input says).

Calls import inputs when a client has interceptors, and only `client` imports `root`.
"""
