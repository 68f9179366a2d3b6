"""Carries a user's id from whoever calls to everything that comes of the call, in a header."""

# ruff: noqa: A002 - the names of parameters are those of the interface that it extends

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, NoReturn

from understudy import client, worker, workflow
from understudy.converter import DataConverter, Payload

__all__ = ["CarryUser", "user_id"]

user_id: ContextVar[str] = ContextVar("user_id", default="nobody")
"""On whose behalf the code runs."""

HEADER = "user-id"
CONVERTER = DataConverter.default.payload_converter


def with_user(headers: Mapping[str, Payload]) -> dict[str, Payload]:
    """Return headers that tell the user, too."""
    return {**headers, HEADER: CONVERTER.to_payload(user_id.get())}


def take_user(headers: Mapping[str, Payload]) -> None:
    """Take the user from headers that came in."""
    if HEADER in headers:
        user_id.set(CONVERTER.from_payload(headers[HEADER], str))


class CarryUser(client.Interceptor, worker.Interceptor):
    """For `Client.connect(interceptors=[CarryUser()])`; the client's workers use it, too."""

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:
        """Stand around the client."""
        return FromClient(next)

    def intercept_activity(self, next: worker.ActivityInboundInterceptor) -> worker.ActivityInboundInterceptor:
        """Stand around activities."""
        return IntoActivity(next)

    def workflow_interceptor_class(
        self, input: worker.WorkflowInterceptorClassInput
    ) -> type[worker.WorkflowInboundInterceptor] | None:
        """Stand around workflows."""
        del input
        return IntoWorkflow


class FromClient(client.OutboundInterceptor):
    """Sends the user along."""

    async def start_workflow(self, input: client.StartWorkflowInput) -> client.WorkflowHandle[Any, Any]:
        """With a start."""
        input.headers = with_user(input.headers)
        return await super().start_workflow(input)

    async def signal_workflow(self, input: client.SignalWorkflowInput) -> None:
        """With a signal."""
        input.headers = with_user(input.headers)
        await super().signal_workflow(input)


class IntoWorkflow(worker.WorkflowInboundInterceptor):
    """Takes the user from what comes in."""

    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        """Stand around what the workflow asks for, too."""
        super().init(FromWorkflow(outbound))

    async def execute_workflow(self, input: worker.ExecuteWorkflowInput) -> Any:
        """From the start."""
        take_user(input.headers)
        return await super().execute_workflow(input)

    async def handle_signal(self, input: worker.HandleSignalInput) -> None:
        """From a signal, for its handler alone."""
        take_user(input.headers)
        await super().handle_signal(input)


class FromWorkflow(worker.WorkflowOutboundInterceptor):
    """Sends the user along with what a workflow asks for."""

    def start_activity(self, input: worker.StartActivityInput) -> workflow.ActivityHandle[Any]:
        """With an activity."""
        input.headers = with_user(input.headers)
        return super().start_activity(input)

    async def start_child_workflow(
        self, input: worker.StartChildWorkflowInput
    ) -> workflow.ChildWorkflowHandle[Any, Any]:
        """With a child."""
        input.headers = with_user(input.headers)
        return await super().start_child_workflow(input)

    async def signal_child_workflow(self, input: worker.SignalChildWorkflowInput) -> None:
        """With a signal to a child."""
        input.headers = with_user(input.headers)
        await super().signal_child_workflow(input)

    def continue_as_new(self, input: worker.ContinueAsNewInput) -> NoReturn:
        """With the run that follows."""
        input.headers = with_user(input.headers)
        super().continue_as_new(input)


class IntoActivity(worker.ActivityInboundInterceptor):
    """Takes the user in an activity."""

    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:
        """From the request."""
        take_user(input.headers)
        return await super().execute_activity(input)
