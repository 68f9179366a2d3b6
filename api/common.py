"""What clients, workers, workflows and activities have in common: policies, raw values, search attributes, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.doors import later
from understudy.events.choices import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    HeaderCodecBehavior,
    VersioningBehavior,
)
from understudy.events.payload import RawValue
from understudy.events.policy import (
    Priority,
    QueryRejectCondition,
    RetryPolicy,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)

if TYPE_CHECKING:
    from understudy.events.search import (
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
    from understudy.metrics import (
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
    from understudy.versioning import (
        AutoUpgradeVersioningOverride,
        OneTimeVersioningOverride,
        PinnedVersioningOverride,
        VersioningOverride,
        WorkerDeploymentVersion,
    )
else:
    __getattr__, __dir__ = later(__name__, "understudy.events.search", "understudy.versioning", "understudy.metrics")

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
