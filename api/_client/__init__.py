"""The room behind `understudy.client`.

Read `config`, `connect_config` and `connection`: one user of an engine, on which all the rest stands; `handles`: one
workflow, seen from a client; `starts`: how workflows begin; `history`: their events; `jobs`: activities without a
workflow; `interceptors`: what stands around the calls; `actor_ref`, `promises`, `async_activities`, `errors`; and
`client`, the face made of all of them.

Doors, `worker`, `testing` and `_activity` may import it; nothing in it imports `client`.
"""
