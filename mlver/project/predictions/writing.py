"""Writes a log of predictions: one JSON line each, with the fields of CloudEvents 1.0.

Each process has a file of its own for each hour, called by the hour, the machine and the process,
so that no two write to one. A line is written by one call, and what could not be written whole is
taken back: a reader meets whole lines only. Nothing that goes wrong here reaches the caller, who
answers somebody; it is counted.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlver.project.predictions.files import LOG_SUFFIX
from mlver.project.predictions.log import LINE_BYTES, PREDICTION_TYPE

_LOGGER = logging.getLogger("mlver.serving")
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
# Others on the machine have no business with what was asked.
_MODE = 0o640
_NO_HOST_CHARACTER = re.compile(r"[^A-Za-z0-9.-]")
_DEEPEST = 32
# What is left out of a line that is too long, in this order.
_LONG_FIELDS = ("features", "probability", "prediction")


class PredictionLogWriter:
    """Appends events to files in a folder; every method may be called by any thread.

    `failures` counts the events that could not be written. `source` is the CloudEvents source.
    """

    def __init__(self, folder: str | os.PathLike[str], *, source: str) -> None:
        self.folder = Path(folder)
        self.source = source
        self.failures = 0
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._opened_for: tuple[str, int] | None = None
        self._is_failing = False
        os.register_at_fork(after_in_child=self._forget_lock)

    def write_event(self, request: str, time: datetime, data: Mapping[str, Any]) -> bool:
        """Write an event; say whether that went well."""
        try:
            line = self._encode_event(request, time, dict(data))
            with self._lock:
                self._append(line, time)
        except Exception as error:  # noqa: BLE001 - values are the application's own
            self._tell_failure(error)
            return False
        self._is_failing = False
        return True

    def close(self) -> None:
        """Close the file; the next event opens another one."""
        with self._lock:
            self._close_file()

    def _encode_event(self, request: str, time: datetime, data: dict[str, Any]) -> bytes:
        event = {
            "specversion": "1.0",
            "id": request,
            "source": self.source,
            "type": PREDICTION_TYPE,
            "time": time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": data,
        }
        line = _encode_line(event)
        for name in _LONG_FIELDS:
            if len(line) <= LINE_BYTES:
                break
            data.pop(name, None)
            line = _encode_line(event)
        if len(line) > LINE_BYTES:
            raise ValueError(f"an event of {len(line):,} bytes is too long for a log")
        return line

    def _append(self, line: bytes, time: datetime) -> None:
        descriptor = self._open_file(time)
        size = os.fstat(descriptor).st_size
        try:
            written = os.write(descriptor, line)
            if written < len(line):
                written += os.write(descriptor, line[written:])
            if written < len(line):
                raise OSError(f"the disk took {written} of {len(line)} bytes")
        except OSError:
            self._take_back(descriptor, size)
            raise

    def _take_back(self, descriptor: int, size: int) -> None:
        """Cut off a line that was not written whole; where that fails too, begin another file."""
        try:
            if os.fstat(descriptor).st_size != size:
                os.ftruncate(descriptor, size)
        except OSError:
            self._close_file()

    def _open_file(self, time: datetime) -> int:
        wanted = (time.astimezone(UTC).strftime("%Y%m%dT%H"), os.getpid())
        if self._descriptor is not None and self._opened_for == wanted:
            return self._descriptor
        self._close_file()
        self.folder.mkdir(parents=True, exist_ok=True)
        hour, process = wanted
        host = _NO_HOST_CHARACTER.sub("-", socket.gethostname())[:64]
        number = 0
        while self._descriptor is None:
            # Of one hour, a file may be there of an earlier process with the same number.
            more = f"-{number}" if number else ""
            path = self.folder / f"predictions-{hour}-{host}-{process}{more}{LOG_SUFFIX}"
            with suppress(FileExistsError):
                self._descriptor = os.open(path, _FLAGS, _MODE)
            number += 1
        self._opened_for = wanted
        return self._descriptor

    def _close_file(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)

    def _tell_failure(self, error: Exception) -> None:
        self.failures += 1
        if not self._is_failing:
            _LOGGER.warning("predictions cannot be logged in %s: %s", self.folder, error)
        self._is_failing = True

    def _forget_lock(self) -> None:
        """A thread that is not in this process may have held the lock."""
        self._lock = threading.Lock()


def _encode_line(event: Mapping[str, Any]) -> bytes:
    text = json.dumps(_make_plain(event), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def _make_plain(value: object, depth: int = 0) -> Any:
    """Make JSON of a value: arrays are lists, what is no finite number is null, others are text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if depth >= _DEEPEST:
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _make_plain(inner, depth + 1) for key, inner in value.items()}
    # The arrays and the numbers of NumPy, and of what follows it.
    if hasattr(value, "tolist"):
        return _make_plain(value.tolist(), depth + 1)
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        return [_make_plain(inner, depth + 1) for inner in value]
    return str(value)
