"""Durable workflows for Python as event-sourced actors."""

from __future__ import annotations

from understudy import activity, workflow
from understudy.client import Client, WorkflowFailureError, WorkflowHandle
from understudy.worker import Worker

__all__ = ["Client", "Worker", "WorkflowFailureError", "WorkflowHandle", "activity", "workflow"]
