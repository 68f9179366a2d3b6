"""Options that users choose, as values: checked where they are made, stored in events.

In reading order: `durations` turns timedeltas into nanoseconds and back; `retry_policy` says when to try again,
`priority` who goes first, `cron` when a schedule is due; `policies` has the enums; `search_attributes` has values to
find runs by. Facts, failures and all above may import them; they import the errors alone.
"""
