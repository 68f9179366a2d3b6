"""Values and failures on their way into events and out of them.

In reading order: `payload_converter` is the interface, `json_converter` the default behind it. That one reads by
`json_reader` and `json_records`, and knows further types by `json_hooks`. `signature` has the hints of a function,
`transfer` the types that travel as another, `refusal` the errors. `failure_converter` does for exceptions what the
others do for values. `encodings` and `json_types` are Temporal's ways to a converter of one's own; `codec` changes
payloads as a whole; `data_converter` holds one of each. `in_context` and `contexts` tell a converter whose values it
has.

The store, behaviours, the shell and the doors may import them; facts and state do not.
"""
