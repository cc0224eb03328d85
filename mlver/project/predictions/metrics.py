"""Counts predictions by version for Prometheus, with `prometheus_client` (the extra `serving`).

`mlver_predictions_total{model,version,stage,outcome}` begins at 0 for every outcome, since a share
of errors among no series at all looks like silence. `mlver_prediction_seconds` has the times, and
`mlver_model_info{model,version,digest,sequence}` is 1 for what is served.

With `PROMETHEUS_MULTIPROC_DIR`, as for the workers of gunicorn, values lie in files that the
processes share, and no series can be taken away: `mlver_model_info` of a version that left is 0.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from mlver.project.predictions.identity import ServedIdentity

_VERSION_LABELS = ("model", "version", "stage")
_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
VersionLabels = tuple[str, str, str]
InfoLabels = tuple[str, str, str, str]


@dataclass(slots=True)
class _Use:
    """How many hold some series, and when the last of them left."""

    holders: int = 0
    left: float = 0.0

    def is_over(self, limit: float) -> bool:
        return self.holders == 0 and self.left <= limit


@dataclass(frozen=True, slots=True)
class _Series:
    predictions: Counter
    seconds: Histogram
    info: Gauge
    log_failures: Counter
    load_failures: Counter


def _register_series(registry: CollectorRegistry, buckets: Sequence[float]) -> _Series:
    return _Series(
        predictions=Counter(
            "mlver_predictions",
            "Predictions by the version that answered, and by what came of them.",
            (*_VERSION_LABELS, "outcome"),
            registry=registry,
        ),
        seconds=Histogram(
            "mlver_prediction_seconds",
            "How long predictions took.",
            _VERSION_LABELS,
            registry=registry,
            buckets=tuple(buckets),
        ),
        info=Gauge(
            "mlver_model_info",
            "1 for each version that is served.",
            ("model", "version", "digest", "sequence"),
            registry=registry,
            multiprocess_mode="livemax",
        ),
        log_failures=Counter(
            "mlver_prediction_log_failures",
            "Predictions that could not be written to the log.",
            ("model",),
            registry=registry,
        ),
        load_failures=Counter(
            "mlver_model_load_failures",
            "Versions that should have been served, and could not be loaded.",
            ("model", "stage"),
            registry=registry,
        ),
    )


class PredictionMetrics:
    """The series of one registry of `prometheus_client`; every method may be called by any thread.

    A version keeps its series for `linger` seconds after it left, so that a scraper sees what was
    counted last.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        buckets: Sequence[float] = Histogram.DEFAULT_BUCKETS,
        linger: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_shared = _MULTIPROCESS in os.environ
        self._lock = threading.Lock()
        self._versions: dict[VersionLabels, _Use] = {}
        self._infos: dict[InfoLabels, _Use] = {}
        self._outcomes: dict[VersionLabels, set[str]] = {}
        self._linger = linger
        self._clock = clock
        self._series = _register_series(registry, buckets)

    def begin_model(self, model: str, stage: str) -> None:
        """Begin the series of failures at 0."""
        self._series.log_failures.labels(model)
        self._series.load_failures.labels(model, stage)

    def begin_version(self, identity: ServedIdentity, outcomes: Sequence[str]) -> None:
        """Begin the series of a version at 0, for each outcome."""
        labels, info = _label_version(identity), _label_info(identity)
        with self._lock:
            self._versions.setdefault(labels, _Use()).holders += 1
            self._infos.setdefault(info, _Use()).holders += 1
            for outcome in outcomes:
                self._series.predictions.labels(*labels, outcome)
                self._outcomes.setdefault(labels, set()).add(outcome)
            self._series.seconds.labels(*labels)
            self._series.info.labels(*info).set(1)

    def end_version(self, identity: ServedIdentity) -> None:
        """A version is served no longer: its series go later, by `drop_left`."""
        info = _label_info(identity)
        with self._lock:
            for use in (self._versions[_label_version(identity)], self._infos[info]):
                use.holders -= 1
                use.left = self._clock()
            if self._infos[info].holders == 0:
                self._series.info.labels(*info).set(0)

    def drop_left(self) -> None:
        """Drop the series of versions that left long enough ago."""
        if self._is_shared:
            return
        with self._lock:
            limit = self._clock() - self._linger
            for labels in [labels for labels, use in self._versions.items() if use.is_over(limit)]:
                del self._versions[labels]
                self._series.seconds.remove(*labels)
                for outcome in self._outcomes.pop(labels):
                    self._series.predictions.remove(*labels, outcome)
            for info in [info for info, use in self._infos.items() if use.is_over(limit)]:
                del self._infos[info]
                self._series.info.remove(*info)

    def count_prediction(self, identity: ServedIdentity, outcome: str, seconds: float) -> None:
        """Count a prediction that ended; one that took longer than its version lingered does not
        count.
        """
        labels = _label_version(identity)
        with self._lock:
            use = self._versions.get(labels)
            if use is None:
                return
            use.left = self._clock()
            self._outcomes[labels].add(outcome)
            self._series.predictions.labels(*labels, outcome).inc()
            self._series.seconds.labels(*labels).observe(seconds)

    def count_log_failure(self, model: str) -> None:
        self._series.log_failures.labels(model).inc()

    def count_load_failure(self, model: str, stage: str) -> None:
        self._series.load_failures.labels(model, stage).inc()


# Two models of an application share the series of one registry.
_SHARED: weakref.WeakKeyDictionary[CollectorRegistry, PredictionMetrics] = (
    weakref.WeakKeyDictionary()
)
_SHARING = threading.Lock()


def share_metrics(
    registry: CollectorRegistry | None, buckets: Sequence[float] | None
) -> PredictionMetrics:
    """Return the series of a registry, which are made once; `buckets` count for the first one."""
    chosen = REGISTRY if registry is None else registry
    with _SHARING:
        metrics = _SHARED.get(chosen)
        if metrics is None:
            metrics = PredictionMetrics(chosen, buckets=buckets or Histogram.DEFAULT_BUCKETS)
            _SHARED[chosen] = metrics
        return metrics


def _label_version(identity: ServedIdentity) -> VersionLabels:
    return identity.model, identity.version, identity.stage


def _label_info(identity: ServedIdentity) -> InfoLabels:
    return identity.model, identity.version, identity.digest, str(identity.sequence)
