"""Values that clients, workers, workflows and activities share: policies, raw values, search attributes, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy._doors import later
from understudy.events.options.policies import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    HeaderCodecBehavior,
    QueryRejectCondition,
    VersioningBehavior,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.payloads.payload import RawValue

if TYPE_CHECKING:
    from understudy._metrics import (
        MetricAttributes,
        MetricCommon,
        MetricCounter,
        MetricGauge,
        MetricGaugeFloat,
        MetricHistogram,
        MetricHistogramFloat,
        MetricHistogramTimedelta,
        MetricMeter,
    )
    from understudy._temporal.versioning import (
        AutoUpgradeVersioningOverride,
        OneTimeVersioningOverride,
        PinnedVersioningOverride,
        VersioningOverride,
        WorkerDeploymentVersion,
    )
    from understudy.events.options.search_attributes import (
        SearchAttributeIndexedValueType,
        SearchAttributeKey,
        SearchAttributePair,
        SearchAttributes,
        SearchAttributeUpdate,
        SearchAttributeValue,
        SearchAttributeValues,
        SearchAttributeValueType,
        TypedSearchAttributes,
    )
else:
    __getattr__, __dir__ = later(
        __name__,
        "understudy.events.options.search_attributes",
        "understudy._temporal.versioning",
        "understudy._metrics",
    )

__all__ = [
    "ActivityIDConflictPolicy",
    "ActivityIDReusePolicy",
    "AutoUpgradeVersioningOverride",
    "HeaderCodecBehavior",
    "MetricAttributes",
    "MetricCommon",
    "MetricCounter",
    "MetricGauge",
    "MetricGaugeFloat",
    "MetricHistogram",
    "MetricHistogramFloat",
    "MetricHistogramTimedelta",
    "MetricMeter",
    "OneTimeVersioningOverride",
    "PinnedVersioningOverride",
    "Priority",
    "QueryRejectCondition",
    "RawValue",
    "RetryPolicy",
    "SearchAttributeIndexedValueType",
    "SearchAttributeKey",
    "SearchAttributePair",
    "SearchAttributeUpdate",
    "SearchAttributeValue",
    "SearchAttributeValueType",
    "SearchAttributeValues",
    "SearchAttributes",
    "TypedSearchAttributes",
    "VersioningBehavior",
    "VersioningOverride",
    "WorkerDeploymentVersion",
    "WorkflowIDConflictPolicy",
    "WorkflowIDReusePolicy",
]
