"""Exceptions as events hold them, and as users meet them.

In reading order: `failure`, the struct that stands in events; `exceptions`, Temporal's classes by which a workflow or
an activity says that it failed; `already_started`, those of a refused start. Facts and all above may import them; they
import payloads, options and errors. What turns one form into the other is above, `events.converters.failure_converter`.
"""
