"""Names that Temporal's programs use and that have no effect here: accepted, so that the programs run unchanged.

`connection_options` and `transport` are about a connection to a server, `polling`, `poller_autoscaling` and
`shared_state` about a worker that asks one for work, `versioning` about builds side by side, `restrictions` about a
sandbox. Each says why it has nothing to do. Who reads for the engine may skip the room.

Everybody in `api/` may import it; it imports none of them.
"""
