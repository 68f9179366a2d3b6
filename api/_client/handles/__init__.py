"""Handles: what a client holds of one workflow, one update, one activity that is completed from outside.

Read `address` first (which workflow is meant, and what is sent there), then `handle`, and its parts: `updates` with
`update_stage` and `update_handle`, and `control`. `description` is what a client sees of a run; `completion` and
`activity_reference` are about activities; `typed` and `update_types` are read by type checkers alone.

The other rooms of `_client`, doors and `worker` may import it; it imports `connection`, and inputs of interceptors.
"""
