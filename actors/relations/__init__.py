"""The dealings of runs with other runs.

In reading order: `retried` (background work until the store has taken it), `children` (start, cancel, tell parents),
`outbound` (messages to other workflows), `closing` (what a closed run owes), and `delivered` (has a closed run taken
this message?). Effects and the composition root import it, late; it imports requests, runs and what is below.
"""
