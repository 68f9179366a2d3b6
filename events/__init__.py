"""The facts of runs, in what order they may happen, their encoding, and the store that keeps them.

In reading order: `event` and `transition` say what an event is and drive the tables; `workflow`, `activity`, `timer`,
`signal`, `update`, `child`, `outbound`, `marker` and `upsert` are the facts, each with its table. `catalogue` has their
stored names, `upcast` their older shapes. The facts rest on `payloads`, `failures`, `options`, `errors` and `public`;
`converters` turn users' values into payloads, `state` is folded from the facts, `store` keeps them.

Everybody may import this floor, and it imports none of the others. All of it but the store is pure.
"""
