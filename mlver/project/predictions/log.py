"""Reads a log of predictions: JSON Lines, an event a line with the fields of CloudEvents 1.0.

`type` is `mlver.prediction`, `time` an RFC 3339 time, and `data` names `model` and `version`, and
may name `stage`, `outcome`, `prediction`, `latency_ms` and other labels. A file may be of any size:
one line is held at a time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, refusal_error
from mlver.system.regular import reading_regular

PREDICTION_TYPE = "mlver.prediction"
LINE_BYTES = 1 << 20
_KEY_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionEvent:
    """One answer of a version; `time` is in seconds since 1970.

    `place` names the file and the line, and `data` has all the labels. `request` is the id of the
    request that was answered, and `key` tells the event from all others, though two versions may
    answer one request; both are None where the event has no id.
    """

    place: str
    request: str | None
    key: int | None
    version: str
    stage: str | None
    time: float
    data: Mapping[str, Any]


@dataclass(slots=True)
class PredictionLog:
    """A file of events at `path`, called `shown`; `hint` is what to type where it cannot be read.

    `digest` is that of the bytes that were read so far.
    """

    path: Path
    shown: str
    hint: str
    _hasher: Any = field(default_factory=hashlib.sha256)

    @property
    def digest(self) -> Digest:
        return Digest(self._hasher.hexdigest())

    def read_events(self, model: str) -> Iterator[PredictionEvent]:
        """Read the events of a model, in the order in which they stand there.

        What follows the last newline is being written, and is passed over. Raise MlverError for a
        file that cannot be read, and for a line that is no event.
        """
        try:
            with reading_regular(self.path, follow=True) as file:
                for number, line in self._read_lines(file):
                    self._hasher.update(line)
                    event = self._read_event(line, self._name_line(number), model)
                    if event is not None:
                        yield event
        except OSError as error:
            raise refusal_error(f"reading {printable_name(self.shown)}", error) from error

    def _read_lines(self, file: BufferedReader) -> Iterator[tuple[int, bytes]]:
        number = 0
        while line := file.readline(LINE_BYTES + 1):
            number += 1
            if not line.endswith(b"\n"):
                if len(line) > LINE_BYTES:
                    raise self._fault(self._name_line(number), "is longer than 1 MiB")
                return
            yield number, line

    def _name_line(self, number: int) -> str:
        return f"{printable_name(self.shown)}, line {number}"

    def _fault(self, place: str, words: str) -> MlverError:
        return MlverError(f"{place} {words}", hint=self.hint)

    def _read_event(self, line: bytes, place: str, model: str) -> PredictionEvent | None:
        """Read an event of a model; None for another one, and for an empty line."""
        if not line.strip():
            return None
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            raise self._fault(place, "is not one event in JSON") from None
        if not isinstance(event, dict):
            raise self._fault(place, "is not an event, which is a JSON object")
        if event.get("type") != PREDICTION_TYPE:
            return None
        data = event.get("data")
        if not isinstance(data, dict):
            raise self._fault(place, "has no `data`")
        if data.get("model") != model:
            return None
        version, stage, request = data.get("version"), data.get("stage"), event.get("id")
        if not isinstance(version, str):
            raise self._fault(place, "does not say which version answered")
        if stage is not None and not isinstance(stage, str):
            raise self._fault(place, "has a `stage` that is no name")
        return PredictionEvent(
            place=place,
            request=request if isinstance(request, str) else None,
            key=_build_key(event.get("source"), request, version),
            version=version,
            stage=stage,
            time=self._read_time(event.get("time"), place),
            data=data,
        )

    def _read_time(self, text: object, place: str) -> float:
        moment = read_moment(text)
        if moment is None:
            raise self._fault(place, "has no `time` such as 2026-03-02T09:30:00Z")
        return moment


def read_moment(text: object) -> float | None:
    """Read an RFC 3339 time as seconds since 1970, UTC where it says no zone; None for none."""
    try:
        moment = datetime.fromisoformat(str(text))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None


def _build_key(source: object, request: object, version: str) -> int | None:
    if not isinstance(request, str):
        return None
    words = json.dumps([source, request, version])
    hashed = hashlib.blake2b(words.encode(), digest_size=_KEY_BYTES)
    return int.from_bytes(hashed.digest())
