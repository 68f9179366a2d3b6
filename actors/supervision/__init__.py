"""Supervision: actors that have children, and data that says what becomes of a child that fails.

In reading order: backoff (how long to wait), supervisor (the actor and its strategy). Rooms above derive their own
supervisors from it (`runs.supervisor`, `activities.supervisor`); it imports only dispatch.
"""
