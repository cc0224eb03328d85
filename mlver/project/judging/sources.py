"""Where the events of a verdict come from: logs of predictions, or a Prometheus server."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlver.errors import UsageError
from mlver.policy.promotion_dates import count_seconds
from mlver.project.judging.asking import open_server
from mlver.project.judging.counting import LookCounter
from mlver.project.judging.predictions import count_events
from mlver.project.judging.prometheus import count_server, list_queries
from mlver.project.predictions.files import combine_digests, find_logs
from mlver.project.project import Project
from mlver.records.verdict import VerdictSource

_HINT = "mlver judge --help"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """Either files of `predictions`, folders of them or patterns, or the address of a server.

    `token_file` holds the bearer token that the server asks for.
    """

    predictions: tuple[str, ...] = ()
    prometheus: str | None = None
    token_file: str | None = None

    def __post_init__(self) -> None:
        if self.predictions and self.prometheus is not None:
            raise UsageError(
                "judge counts the events of logs, or those that a server counted: not both",
                hint="mlver judge --help",
            )
        if self.token_file is not None and self.prometheus is None:
            raise UsageError("--prometheus-token is for the server that --prometheus names")

    @property
    def is_named(self) -> bool:
        return bool(self.predictions) or self.prometheus is not None


def count_source(
    project: Project, counter: LookCounter, source: EventSource
) -> tuple[VerdictSource, str | None]:
    """Count events; say where they came from, and why they tell nothing, None where they do.

    Raise MlverError where they cannot be read.
    """
    if source.prometheus is None:
        return _count_logs(project.start, counter, source.predictions), None
    token_file = None if source.token_file is None else project.start / source.token_file
    server = open_server(source.prometheus, token_file)
    fault = count_server(server, counter, count_seconds(project.record_time))
    queries = list_queries(counter.arms, counter.settings.metrics)
    return VerdictSource(prometheus=server.address, queries=queries), fault


def _count_logs(start: Path, counter: LookCounter, words: Sequence[str]) -> VerdictSource:
    """Count the events of logs by their times, as if they were one."""
    logs = find_logs(start, words, _HINT)
    events = [log.read_events(counter.arms.model) for log in logs]
    count_events(heapq.merge(*events, key=lambda event: event.time), counter)
    named = " ".join(Path(word).name for word in words)
    return VerdictSource(predictions=named, digest=combine_digests(logs))
