"""Supervision: actors that have children, and data that says what becomes of a child that fails.

In reading order: `backoff` (how long to wait), `supervisor` (the actor and its strategy). The supervisors of runs and
of activities derive from it; it imports only dispatch.
"""
