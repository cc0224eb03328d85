"""Reads a log of predictions: JSON Lines, an event a line with the fields of CloudEvents 1.0.

`type` is `mlver.prediction`, `time` an RFC 3339 time, and `data` names `model` and `version`, and
may name `stage`, `outcome`, `latency_ms` and other labels. Events are counted in the order in which
they stand there, and one that comes again, by `source`, `id` and version, is counted once. The file
may be of any size: one line is held at a time, and so many ids.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, refusal_error
from mlver.features.monitoring.counting import JudgedArms, LookCounter, ServedEvent
from mlver.records.sections.verdict import BadEventRule
from mlver.system.regular import reading_regular

_TYPE = "mlver.prediction"
_LINE_BYTES = 1 << 20
_MILLISECONDS = 1000


def count_predictions(path: Path, shown: str, counter: LookCounter) -> Digest:
    """Count the events of a file, called `shown`; return the digest of the bytes that were read.

    What follows the last newline is being written, and does not count. Raise MlverError for a file
    that cannot be read, and for a line that is no event.
    """
    hasher = hashlib.sha256()
    rules = counter.settings.metrics
    try:
        with reading_regular(path, follow=True) as file:
            for number, line in _read_lines(file, shown):
                hasher.update(line)
                event = _read_event(line, f"{printable_name(shown)}, line {number}", counter.arms)
                if event is not None:
                    counter.add(_describe_event(event, rules))
    except OSError as error:
        raise refusal_error(f"reading {printable_name(shown)}", error) from error
    return Digest(hasher.hexdigest())


def _read_lines(file: BufferedReader, shown: str) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(_LINE_BYTES + 1):
        number += 1
        if not line.endswith(b"\n"):
            if len(line) > _LINE_BYTES:
                raise _fault(f"{printable_name(shown)}, line {number}", "is longer than 1 MiB")
            return
        yield number, line


def _fault(place: str, words: str) -> MlverError:
    return MlverError(f"{place} {words}", hint="mlver judge --help")


def _read_event(line: bytes, place: str, arms: JudgedArms) -> Mapping[str, Any] | None:
    """Read an event of the model and its stages; None for another one, and for an empty line.

    Raise MlverError for what is no event at all.
    """
    if not line.strip():
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        raise _fault(place, "is not one event in JSON") from None
    if not isinstance(event, dict):
        raise _fault(place, "is not an event, which is a JSON object")
    if event.get("type") != _TYPE:
        return None
    data = event.get("data")
    if not isinstance(data, dict):
        raise _fault(place, "has no `data`")
    if data.get("model") != arms.model or data.get("stage", arms.stages[0]) not in arms.stages:
        return None
    if not isinstance(data.get("version"), str):
        raise _fault(place, "does not say which version answered")
    return {**data, "time": _read_time(event.get("time"), place), "key": _build_key(event, data)}


def _build_key(event: Mapping[str, Any], data: Mapping[str, Any]) -> int | None:
    """Build what tells an event from others; two versions may answer one request."""
    name = event.get("id")
    if not isinstance(name, str):
        return None
    words = json.dumps([event.get("source"), name, data["version"]])
    return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest())


def _read_time(text: object, place: str) -> float:
    try:
        moment = datetime.fromisoformat(str(text))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise _fault(place, "has no `time` such as 2026-03-02T09:30:00Z") from None


def _describe_event(data: Mapping[str, Any], rules: Mapping[str, BadEventRule]) -> ServedEvent:
    bad: dict[str, bool] = {}
    for name, rule in rules.items():
        answer = _judge_event(data, rule)
        if answer is not None:
            bad[name] = answer
    return ServedEvent(version=data["version"], time=data["time"], bad=bad, key=data["key"])


def _judge_event(data: Mapping[str, Any], rule: BadEventRule) -> bool | None:
    """Say whether an event is bad; None where it does not tell."""
    matcher = rule.matcher
    if matcher is not None:
        value = data.get(matcher.label)
        if not isinstance(value, str):
            return None
        return (value == matcher.value) != matcher.is_negated
    latency, limit = data.get("latency_ms"), rule.limit_seconds
    if isinstance(latency, bool) or not isinstance(latency, int | float) or limit is None:
        return None
    if not math.isfinite(latency) or latency < 0:
        return None
    return latency > limit * _MILLISECONDS
