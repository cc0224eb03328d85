"""Rows of what came to be known, read one by one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError
from mlver.project.predictions.truth import KnownAnswer, TruthFile

NAMES = ("truth", "label")


def open_truth(folder: Path, name: str, data: bytes) -> TruthFile:
    path = folder / name
    path.write_bytes(data)
    return TruthFile(path, name, "mlver score --help", "request_id", NAMES)


def read_pairs(file: TruthFile) -> list[tuple[str, str | None, float | None]]:
    return [(row.request, row.value, row.time) for row in file.read_rows()]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", b"request_id,truth,time\nr1,7,1970-01-01T00:01:00Z\nr2,,\n"),
        (
            "t.csv",
            b"\xef\xbb\xbfrequest_id,other,truth,time\r\nr1,x,7.0,1970-01-01T00:01:00\r\nr2,,,\r\n",
        ),
        ("t.csv", b'time,"truth",request_id\n1970-01-01T00:01:00+00:00,7,"r1"\n,,r2'),
        ("t.tsv", b"request_id\tlabel\ttime\nr1\t7\t1970-01-01T00:01:00Z\nr2\t\t\n"),
        (
            "t.jsonl",
            b'{"request_id": "r1", "truth": 7, "time": "1970-01-01T00:01:00Z"}\n\n'
            b'{"request_id": "r2", "truth": null}\n',
        ),
    ],
)
def test_a_row_is_the_same_in_every_form(tmp_path: Path, name: str, data: bytes) -> None:
    file = open_truth(tmp_path, name, data)
    assert read_pairs(file) == [("r1", "7", 60.0), ("r2", None, None)]
    assert file.digest == Digest.of_bytes(data)


def test_the_only_column_left_holds_what_is_known(tmp_path: Path) -> None:
    file = open_truth(tmp_path, "t.csv", b"weather,request_id\nrain,1\n")
    assert read_pairs(file) == [("1", "rain", None)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            b"id,truth\n1,2\n",
            "t.csv has no column request_id, by which it would be joined; it has id",
        ),
        (b"request_id,a,b\n1,2,3\n", "nobody can tell which column of t.csv holds"),
    ],
)
def test_a_column_that_nobody_can_tell_is_a_wrong_command(
    tmp_path: Path, data: bytes, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        read_pairs(open_truth(tmp_path, "t.csv", data))


HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "wide row": ("t.csv", b"request_id,truth\n1,2\n1,2,3\n", "line 3 has 3 values, not the 2"),
    "narrow row": ("t.csv", b"request_id,truth\n1\n", "line 2 has 1 values, not the 2"),
    "twice": ("t.csv", b"request_id,truth,truth\n", "line 1 names a column twice"),
    "open quote": ("t.csv", b'request_id,truth\n1,"2\n', "line 2 is no row of a table"),
    "long quote": ("t.csv", b'request_id,truth\n1,"' + b"x\n" * 200_000, "line 2 .* not end"),
    "large quote": (
        "t.csv",
        b'request_id,truth\n1,"' + b"x" * 200_000 + b'"\n',
        "line 2 is no row",
    ),
    "long line": ("t.csv", b"request_id,truth\n" + b"x" * (1 << 20) + b"\n", "line 2 is longer"),
    "nul": ("t.csv", b"request_id,truth\n1\x00,2\n", "line 2 is no row|1"),
    "no utf-8": ("t.csv", b"request_id,truth\n\xff,2\n", "line 2 is not UTF-8"),
    "utf-16": ("t.csv", "request_id,truth\n".encode("utf-16"), "line 1 is not UTF-8"),
    "no id": ("t.csv", b"request_id,truth\n,2\n", "line 2 has no request_id"),
    "bad time": (
        "t.csv",
        b"request_id,truth,time\n1,2,now\x1b[2J\n",
        "line 2 has a `time` that is",
    ),
    "brackets": ("t.jsonl", b"[" * 100_000 + b"\n", "line 1 is not one object in JSON"),
    "digits": ("t.jsonl", b'{"truth":' + b"9" * 5_000 + b"}\n", "line 1 is not one object"),
    "list": ("t.jsonl", b"[1]\n", "line 1 is not one object in JSON"),
    "torn": ("t.jsonl", b'{"request_id": "1", "truth": 2}\n{"requ', "line 2 is not one object"),
    "odd id": ("t.jsonl", b'{"request_id": [1], "truth": 2}\n', "line 1 has no request_id"),
    "odd value": (
        "t.jsonl",
        b'{"request_id": "1", "truth": {"a": 1}}\n',
        "line 1 holds neither a class nor a number",
    ),
    "infinite": ("t.jsonl", b'{"request_id": "1", "truth": 1e999}\n', "line 1 holds neither"),
    "late column": (
        "t.jsonl",
        b'{"request_id": "1", "truth": 1}\n{"truth": 2}\n',
        "line 2 has no request_id",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_row_is_refused_by_its_place(tmp_path: Path, name: str) -> None:
    shown, data, words = HOSTILE[name]
    if name == "nul":
        # Since Python 3.11 a table may hold one.
        assert read_pairs(open_truth(tmp_path, shown, data)) == [("1\0", "2", None)]
        return
    with pytest.raises(MlverError, match=f"{shown}, {words}"):
        read_pairs(open_truth(tmp_path, shown, data))


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"t.parquet is called neither .csv, .tsv nor .jsonl"):
        read_pairs(open_truth(tmp_path, "t.parquet", b""))
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(MlverError, match="a folder, not a regular file"):
        read_pairs(TruthFile(tmp_path / "d.csv", "d.csv", "", "request_id", NAMES))


@given(st.binary(max_size=200), st.sampled_from(["t.csv", "t.tsv", "t.jsonl"]))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str
) -> None:
    file = open_truth(
        tmp_path_factory.mktemp("truth"), name, b"request_id,truth\n" * (name != "t.jsonl") + data
    )
    with suppress(MlverError):
        assert all(isinstance(row, KnownAnswer) for row in file.read_rows())
