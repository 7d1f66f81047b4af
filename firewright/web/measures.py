"""What `/metrics` shows: requests answered, and the numbers of the store when it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

Numbers = Mapping[tuple[str, str], Mapping[tuple[tuple[str, str], ...], float]]
"""Values by (name, help), and then by labels."""


class Measures:
    """The counters of one process; those of several are added up where `shared` is the folder that they keep them in."""

    def __init__(self, shared: Path | None = None) -> None:
        self._registry, self._shared = CollectorRegistry(), shared
        labels = ("route", "method", "status")
        self._answered = Counter(
            "firewright_web_requests_total", "Requests answered, by route.", labels, registry=self._registry
        )
        self._seconds = Histogram(
            "firewright_web_request_seconds",
            "Time to answer, by route.",
            labels[:2],
            buckets=_BOUNDS,
            registry=self._registry,
        )

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer."""
        method = method if method in _METHODS else "other"  # whoever asks may invent as many as they like
        self._answered.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)

    def text(self, numbers: Callable[[], Numbers]) -> bytes:
        """All of them in Prometheus' format, with what `numbers` says now."""
        once, counted = CollectorRegistry(), self._registry
        once.register(_Now(numbers))
        if self._shared is not None:
            counted = CollectorRegistry()
            MultiProcessCollector(counted, str(self._shared))  # type: ignore[no-untyped-call]
        return generate_latest(counted) + generate_latest(once)


class _Now:
    """Gauges that are made when they are asked for."""

    def __init__(self, numbers: Callable[[], Numbers]) -> None:
        self._numbers = numbers

    def collect(self) -> Iterable[Metric]:
        """The gauges; one call of `numbers`."""
        for (name, help_), values in self._numbers().items():
            labels = [key for key, _ in next(iter(values), ())]
            gauge = GaugeMetricFamily(name, help_, labels=labels)
            for told, value in values.items():
                gauge.add_metric([text for _, text in told], value)
            yield gauge

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the store."""
        return ()
