"""The log of predictions: whole lines that the reader takes, whatever happens."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.project.predictions.files import find_logs
from mlver.project.predictions.log import PredictionEvent
from mlver.project.predictions.writing import PredictionLogWriter, _make_plain
from tests.conftest import CHECKOUT

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
DATA = {"model": "digits", "version": "1.0.0", "stage": "production", "outcome": "ok"}


@pytest.fixture
def writer(tmp_path: Path) -> PredictionLogWriter:
    return PredictionLogWriter(tmp_path / "log", source="/digits")


def read_events(writer: PredictionLogWriter) -> list[PredictionEvent]:
    logs = find_logs(writer.folder, ["."], "mlver score --help")
    return [event for log in logs for event in log.read_events("digits")]


def test_an_event_has_the_fields_of_cloudevents(writer: PredictionLogWriter) -> None:
    assert writer.write_event("r1", NOON, {**DATA, "prediction": 7})
    (path,) = writer.folder.iterdir()
    assert json.loads(path.read_text()) == {
        "specversion": "1.0",
        "id": "r1",
        "source": "/digits",
        "type": "mlver.prediction",
        "time": "2026-03-03T12:00:00.000000Z",
        "datacontenttype": "application/json",
        "data": {**DATA, "prediction": 7},
    }
    assert path.stat().st_mode & 0o007 == 0
    (event,) = read_events(writer)
    assert (event.request, event.version, event.stage) == ("r1", "1.0.0", "production")
    assert event.time == NOON.timestamp()


def test_each_hour_has_a_file_and_what_is_there_stays(writer: PredictionLogWriter) -> None:
    for minutes in (0, 59, 60, 61):
        writer.write_event(f"r{minutes}", NOON + timedelta(minutes=minutes), DATA)
    again = PredictionLogWriter(writer.folder, source="/digits")
    (writer.folder / "predictions-x.jsonl").write_text('{"torn')
    again.write_event("later", NOON, DATA)
    names = sorted(path.name for path in writer.folder.iterdir())
    assert [name.split("-")[1] for name in names] == [
        "20260303T12",
        "20260303T12",
        "20260303T13",
        "x.jsonl",
    ]
    assert all(str(os.getpid()) in name for name in names[:3])
    assert sorted(event.request or "" for event in read_events(writer)) == sorted(
        ["r0", "r59", "r60", "r61", "later"]
    )


def test_threads_write_whole_lines(writer: PredictionLogWriter) -> None:
    def write(number: int) -> None:
        for one in range(200):
            writer.write_event(f"r{number}.{one}", NOON, {**DATA, "prediction": "x" * one * 20})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({event.request for event in read_events(writer)}) == 800


_FULL = """
import resource, sys
from datetime import UTC, datetime
from mlver.project.predictions.writing import PredictionLogWriter

noon = datetime(2026, 3, 3, 12, tzinfo=UTC)
data = {"model": "digits", "version": "1.0.0", "prediction": "x" * 300}
writer = PredictionLogWriter(sys.argv[1], source="/digits")
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, resource.RLIM_INFINITY))
written = [writer.write_event(f"r{number}", noon, data) for number in range(6)]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
written.append(writer.write_event("after", noon, data))
print(written, writer.failures)
"""


def test_a_disk_that_is_full_costs_events_and_no_prediction(writer: PredictionLogWriter) -> None:
    """The limit on the size of a file cuts a line as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", _FULL, writer.folder],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[True, True, False, False, False, False, True] 4\n"
    assert done.stderr.count("predictions cannot be logged") == 1
    assert [event.request for event in read_events(writer)] == ["r0", "r1", "after"]


def test_a_folder_that_cannot_be_made_is_counted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    writer = PredictionLogWriter(tmp_path / "file/log", source="/digits")
    assert not writer.write_event("r1", NOON, DATA)
    assert writer.failures == 1


class Unwilling:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.array([1, 2]), [1, 2]),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (math.nan, None),
        ([math.inf, -1.5], [None, -1.5]),
        ({"a": {1}}, {"a": [1]}),
        ({3: (1, None, True)}, {"3": [1, None, True]}),
        (b"raw", "b'raw'"),
        (Path("x"), "x"),
    ],
)
def test_values_become_plain(value: object, plain: object) -> None:
    assert _make_plain(value) == plain


def test_a_value_that_cannot_be_written_is_counted(writer: PredictionLogWriter) -> None:
    assert not writer.write_event("r1", NOON, {**DATA, "prediction": Unwilling()})
    assert writer.write_event("r2", NOON, DATA)
    assert (writer.failures, len(read_events(writer))) == (1, 1)


def test_what_is_too_long_leaves_its_features_out(writer: PredictionLogWriter) -> None:
    features = {"text": "x" * (1 << 20)}
    assert writer.write_event("r1", NOON, {**DATA, "prediction": 7, "features": features})
    (event,) = read_events(writer)
    assert event.data == {**DATA, "prediction": 7}
    assert not writer.write_event("x" * (1 << 20), NOON, DATA)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=_VALUES, request=st.text(min_size=1))
def test_whatever_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, value: Any, request: str
) -> None:
    writer = PredictionLogWriter(tmp_path_factory.mktemp("log"), source="/digits")
    assert writer.write_event(request, NOON, {**DATA, "prediction": value})
    writer.close()
    (event,) = read_events(writer)
    assert event.request == request
    assert event.data["prediction"] == _make_plain(value)
