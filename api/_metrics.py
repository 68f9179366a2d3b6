"""Metrics as user code makes them: a meter, and what it creates.

`MetricMeter.noop` makes metrics that count nothing; code that takes a meter as a parameter can be tested with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Self, TypeAlias

from understudy.events.public import public

__all__ = [
    "MetricAttributes",
    "MetricCommon",
    "MetricCounter",
    "MetricGauge",
    "MetricGaugeFloat",
    "MetricHistogram",
    "MetricHistogramFloat",
    "MetricHistogramTimedelta",
    "MetricMeter",
]

MetricAttributes: TypeAlias = Mapping[str, str | int | float | bool]
"""The names and values that say what a measurement is about."""


@public("understudy.common")
class MetricCommon(ABC):
    """The properties that all metrics have."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the metric."""

    @property
    @abstractmethod
    def description(self) -> str | None:
        """The text that says what the metric tells; None: it has none."""

    @property
    @abstractmethod
    def unit(self) -> str | None:
        """The unit in which the metric counts; None: it has none."""

    @abstractmethod
    def with_additional_attributes(self, additional_attributes: MetricAttributes) -> Self:
        """Return the same metric, whose measurements have these attributes, too."""


@public("understudy.common")
class MetricCounter(MetricCommon):
    """A sum that only grows."""

    @abstractmethod
    def add(self, value: int, additional_attributes: MetricAttributes | None = None) -> None:
        """Add `value`, 0 or more."""


@public("understudy.common")
class MetricHistogram(MetricCommon):
    """A metric of how integers are distributed."""

    @abstractmethod
    def record(self, value: int, additional_attributes: MetricAttributes | None = None) -> None:
        """Count `value`, 0 or more."""


@public("understudy.common")
class MetricHistogramFloat(MetricCommon):
    """A metric of how numbers are distributed."""

    @abstractmethod
    def record(self, value: float, additional_attributes: MetricAttributes | None = None) -> None:
        """Count `value`, 0 or more."""


@public("understudy.common")
class MetricHistogramTimedelta(MetricCommon):
    """A metric of how durations are distributed."""

    @abstractmethod
    def record(self, value: timedelta, additional_attributes: MetricAttributes | None = None) -> None:
        """Count `value`, 0 or more."""


@public("understudy.common")
class MetricGauge(MetricCommon):
    """An integer as it is now."""

    @abstractmethod
    def set(self, value: int, additional_attributes: MetricAttributes | None = None) -> None:
        """Say that it is `value`."""


@public("understudy.common")
class MetricGaugeFloat(MetricCommon):
    """A number as it is now."""

    @abstractmethod
    def set(self, value: float, additional_attributes: MetricAttributes | None = None) -> None:
        """Say that it is `value`."""


@public("understudy.common")
class MetricMeter(ABC):
    """Makes metrics, each with a name, and perhaps with a description and a unit."""

    noop: ClassVar[MetricMeter]
    """Makes metrics that count nothing."""

    @abstractmethod
    def create_counter(self, name: str, description: str | None = None, unit: str | None = None) -> MetricCounter:
        """Return a counter of that name."""

    @abstractmethod
    def create_histogram(self, name: str, description: str | None = None, unit: str | None = None) -> MetricHistogram:
        """Return a histogram of integers."""

    @abstractmethod
    def create_histogram_float(
        self, name: str, description: str | None = None, unit: str | None = None
    ) -> MetricHistogramFloat:
        """Return a histogram of numbers."""

    @abstractmethod
    def create_histogram_timedelta(
        self, name: str, description: str | None = None, unit: str | None = None
    ) -> MetricHistogramTimedelta:
        """Return a histogram of durations."""

    @abstractmethod
    def create_gauge(self, name: str, description: str | None = None, unit: str | None = None) -> MetricGauge:
        """Return a gauge of an integer."""

    @abstractmethod
    def create_gauge_float(
        self, name: str, description: str | None = None, unit: str | None = None
    ) -> MetricGaugeFloat:
        """Return a gauge of a number."""

    @abstractmethod
    def with_additional_attributes(self, additional_attributes: MetricAttributes) -> MetricMeter:
        """Return a meter whose metrics have these attributes, too."""


class _Noop(MetricCommon):
    """A metric that counts nothing."""

    def __init__(self, name: str, description: str | None, unit: str | None) -> None:
        self._name, self._description, self._unit = name, description, unit

    @property
    def name(self) -> str:
        return self._name

    @property
    def description(self) -> str | None:
        return self._description

    @property
    def unit(self) -> str | None:
        return self._unit

    def with_additional_attributes(self, additional_attributes: MetricAttributes) -> Self:
        del additional_attributes
        return self


class _NoopCounter(_Noop, MetricCounter):
    def add(self, value: int, additional_attributes: MetricAttributes | None = None) -> None:
        del value, additional_attributes


class _NoopHistogram(_Noop, MetricHistogram):
    def record(self, value: int, additional_attributes: MetricAttributes | None = None) -> None:
        del value, additional_attributes


class _NoopHistogramFloat(_Noop, MetricHistogramFloat):
    def record(self, value: float, additional_attributes: MetricAttributes | None = None) -> None:
        del value, additional_attributes


class _NoopHistogramTimedelta(_Noop, MetricHistogramTimedelta):
    def record(self, value: timedelta, additional_attributes: MetricAttributes | None = None) -> None:
        del value, additional_attributes


class _NoopGauge(_Noop, MetricGauge):
    def set(self, value: int, additional_attributes: MetricAttributes | None = None) -> None:
        del value, additional_attributes


class _NoopGaugeFloat(_Noop, MetricGaugeFloat):
    def set(self, value: float, additional_attributes: MetricAttributes | None = None) -> None:
        del value, additional_attributes


class _NoopMeter(MetricMeter):
    def create_counter(self, name: str, description: str | None = None, unit: str | None = None) -> MetricCounter:
        return _NoopCounter(name, description, unit)

    def create_histogram(self, name: str, description: str | None = None, unit: str | None = None) -> MetricHistogram:
        return _NoopHistogram(name, description, unit)

    def create_histogram_float(
        self, name: str, description: str | None = None, unit: str | None = None
    ) -> MetricHistogramFloat:
        return _NoopHistogramFloat(name, description, unit)

    def create_histogram_timedelta(
        self, name: str, description: str | None = None, unit: str | None = None
    ) -> MetricHistogramTimedelta:
        return _NoopHistogramTimedelta(name, description, unit)

    def create_gauge(self, name: str, description: str | None = None, unit: str | None = None) -> MetricGauge:
        return _NoopGauge(name, description, unit)

    def create_gauge_float(
        self, name: str, description: str | None = None, unit: str | None = None
    ) -> MetricGaugeFloat:
        return _NoopGaugeFloat(name, description, unit)

    def with_additional_attributes(self, additional_attributes: MetricAttributes) -> MetricMeter:
        del additional_attributes
        return self


MetricMeter.noop = _NoopMeter()
