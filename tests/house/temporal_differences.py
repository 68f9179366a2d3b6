"""Where our surface is not Temporal's, and why: what programs that move over will miss, or find changed.

A place is written as in `tests/house/temporal_surface.py`; `*` stands for anything. Each pattern has to match at least
one difference that is there, so a row goes, or gets shorter, with the difference. The page "Moving from Temporal" has
the same two tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

__all__ = ["BEING_BUILT", "DELIBERATE", "LATER", "Difference", "table"]


@dataclass(frozen=True)
class Difference:
    """Some places that differ for one reason."""

    title: str
    why: str
    places: tuple[str, ...]

    def covers(self, place: str) -> bool:
        """Whether a place is one of them."""
        return any(fnmatchcase(place, pattern) for pattern in self.places)


DELIBERATE = (
    Difference(
        "Nexus",
        "Calls between services of different servers; an activity calls the other service instead.",
        ("*Nexus*", "*nexus*"),
    ),
    Difference(
        "Protobuf",
        "Nothing is sent as protobuf: payloads, failures and histories are JSON, and have classes of their own.",
        (
            "common.RetryPolicy.*_proto",
            "client.*.raw_*",
            "converter.*Proto*",
            "converter.*(failure)",
            "converter.*search_attribute*",
        ),
    ),
    Difference(
        "The server's services",
        "There is no server to call: the engine is in the process, and what an operator does is on the client.",
        (
            "client.Client.*_service",
            "client.Client.api_key",
            "client.Client.rpc_metadata",
            "client.CloudOperationsClient",
            "service.*Service*",
            "service.ConnectConfig",
            "service.RPCError.grpc_status",
        ),
    ),
    Difference(
        "Versions of workers",
        "An engine runs one build of the code. Open runs are kept by patches and by `workflow.get_version`; what names "
        "versions is accepted where it is a parameter, and ignored.",
        (
            "client.*BuildId*",
            "client.*build_id*",
            "client.*TaskReachability*",
            "client.*task_reachability",
            "workflow.Info.get_current_deployment_version",
            "workflow.Info.is_target_worker_deployment_version_changed",
        ),
    ),
    Difference(
        "The import sandbox",
        "Workflows are guarded at run time and linted, not imported anew; restrictions are accepted and ignored, and "
        "there is no way to run workflows by code of one's own.",
        (
            "worker.*WorkflowRunner.*",
            "worker.WorkflowInstance*",
            "worker.workflow_sandbox.*",
            "workflow.SandboxImportNotificationPolicy",
            "workflow.unsafe.*sandbox*",
            "workflow.unsafe.is_imports_passed_through",
            "workflow.unsafe.current_import_notification_policy_override",
        ),
    ),
    Difference(
        "The core's pool of processes",
        "A pool of processes gets activities by cloudpickle, and each attempt a pipe, so there is nothing to share; "
        "the manager is accepted and ignored.",
        ("worker.SharedStateManager.*", "worker.SharedHeartbeatSender"),
    ),
    Difference(
        "A time for each workflow",
        "An environment has one time, which skips for all of its workflows; what Temporal calls its second kind of "
        "time skipping is experimental there.",
        (
            "testing.TimeSkip*",
            "testing.WorkflowEnvironment.*time_skipping_*",
            "testing.WorkflowEnvironment.fast_forward",
        ),
    ),
    Difference(
        "Groups of events",
        "Experimental marks for the server's own page.",
        ("workflow.*(event_groups)", "workflow.*.event_groups", "workflow.EventGroup", "workflow.create_event_group"),
    ),
    Difference(
        "Made by the engine",
        "What the engine makes and hands out, it makes of what it has; programs read it, and call no constructor. "
        "`dataclasses.replace` works on what are dataclasses.",
        (
            "workflow.Info(*)",
            "client.ActivityExecution(*)",
            "client.ActivityExecutionAsyncIterator(*)",
            "client.ActivityExecutionDescription(*)",
            "client.WorkflowExecutionDescription(*)",
            "client.WorkflowHandle(*)",
            "client.WorkflowHistory(*)",
            "client.WorkflowHistoryEventAsyncIterator(*)",
            "workflow.ContinueAsNewError(*)",
            "workflow.ExternalWorkflowHandle(*)",
            "workflow.NondeterminismError(*)",
            "workflow.ReadOnlyContextError(*)",
        ),
    ),
    Difference(
        "Less is asked for",
        "A parameter may be left out, which has to be given there.",
        (
            "*.LoggerAdapter(extra)",
            "client.Client.list_activities(query)",
            "client.WorkflowHistory.from_json(history)",
        ),
    ),
    Difference(
        "Other defaults",
        "A run in memory costs little here, and stopping without a grace period repeats work.",
        ("worker.Worker(max_cached_workflows)", "worker.Worker(graceful_shutdown_timeout)"),
    ),
)
"""What is meant to be so."""

LATER = (
    Difference(
        "Schedules",
        "They come with the part that keeps them.",
        ("client.*Schedule*", "client.*_schedule*"),
    ),
    Difference(
        "Lists and counts",
        "They come with the projections that answer them.",
        (
            "client.*Count*",
            "client.*.count_workflows",
            "client.*AsyncIterator",
            "client.*.list_workflows",
            "client.WorkflowExecution",
            "client.List*",
        ),
    ),
    Difference(
        "Pausing activities",
        "Activities of workflows and stand-alone ones get it together, with the changing of their options.",
        (
            "client.ActivityExecutionOptions",
            "client.ActivityHandle.*pause",
            "client.ActivityHandle.*_options",
            "client.ActivityOptions*",
            "client.*.*pause_activity",
            "client.*.update_activity_options",
            "client.*auseActivityInput",
            "client.UpdateActivityOptionsInput",
        ),
    ),
    Difference(
        "Signal with start, inside a workflow",
        "It comes with an event of its own; until then an activity does it through its client.",
        ("workflow.signal_with_start_workflow", "worker.*.start_signal_with_start_workflow"),
    ),
    Difference(
        "Tuners of slots",
        "They come with the facts about host and processes that they need; slots are a fixed number until then.",
        ("worker.*Slot*", "worker.ResourceBasedTunerConfig", "worker.WorkerTuner"),
    ),
    Difference(
        "Plugins",
        "They come after the interceptors; until then they are refused, since a program without them is another.",
        ("client.*Plugin", "worker.Plugin"),
    ),
    Difference(
        "Large payloads elsewhere",
        "Storage drivers come with the claim check.",
        ("converter.ExternalStorage", "converter.Storage*", "converter.*external_storage*"),
    ),
)
"""What a later part of the product brings."""

BEING_BUILT: tuple[Difference, ...] = ()
"""What is missing only for now; empty when it is not."""


def table(rows: tuple[Difference, ...]) -> str:
    """Return rows as a table of the page."""
    lines = ["| what | where | why |", "| --- | --- | --- |"]
    for row in rows:
        places = ", ".join(f"`{place}`" for place in row.places)
        lines.append(f"| {row.title} | {places} | {row.why} |")
    return "\n".join(lines)
