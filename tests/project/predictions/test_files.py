"""Words on a command line that mean logs of predictions."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from mlver.errors import MlverError, UsageError
from mlver.project.predictions.files import combine_digests, find_logs

HINT = "mlver score --help"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jsonl", "a.jsonl", "labels.csv"):
        (tmp_path / "log").mkdir(exist_ok=True)
        (tmp_path / "log" / name).write_text(f'{{"type": "{name}"}}\n')
    return tmp_path


@pytest.mark.parametrize("word", ["log", "log/", "log/*.jsonl", "log/[ab].jsonl"])
def test_a_folder_and_a_pattern_mean_their_logs_by_name(folder: Path, word: str) -> None:
    logs = find_logs(folder, [word], HINT)
    assert [log.shown for log in logs] == ["log/a.jsonl", "log/b.jsonl"]


def test_a_file_is_meant_though_its_name_looks_like_a_pattern(folder: Path) -> None:
    (folder / "log/[ab].jsonl").touch()
    (log,) = find_logs(folder, ["log/[ab].jsonl"], HINT)
    assert log.shown == "log/[ab].jsonl"


def test_what_means_nothing_is_refused(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(MlverError, match=r"the folder empty holds no file called \*.jsonl"):
        find_logs(folder, ["empty"], HINT)
    with pytest.raises(MlverError, match=r"no file is called log/\*.json"):
        find_logs(folder, ["log/*.json"], HINT)
    with pytest.raises(UsageError, match=r"log/b.jsonl is meant twice"):
        find_logs(folder, ["log/b.jsonl", "log"], HINT)


def test_the_digest_of_logs_is_what_sha256sum_says(folder: Path) -> None:
    logs = find_logs(folder, ["log"], HINT)
    for log in logs:
        assert not list(log.read_events("digits"))
    assert combine_digests(logs[:1]) == logs[0].digest
    names = ["a.jsonl", "b.jsonl"]
    listed = subprocess.run(
        ["sha256sum", *names], cwd=folder / "log", check=True, capture_output=True
    )
    assert combine_digests(logs[::-1]).hex == hashlib.sha256(listed.stdout).hexdigest()
