"""Durable workflows for Python as event-sourced actors."""

from __future__ import annotations

from understudy import activity, workflow
from understudy._client.client import Client
from understudy.client import WorkflowFailureError, WorkflowHandle
from understudy.worker import Worker

__all__ = ["Client", "Worker", "WorkflowFailureError", "WorkflowHandle", "activity", "workflow"]
