"""Differences as a person reads them: what is on one side only has no arrow that leads nowhere."""

from __future__ import annotations

import io
from pathlib import Path

from mlver.features.comparing.screen import draw_metric_changes
from mlver.features.comparing.value_diff import compare_metrics
from mlver.terminal.screen import TextScreen
from tests.cli.conftest import assert_works
from tests.conftest import Repository


def test_a_metric_of_one_side_has_no_arrow() -> None:
    stream = io.StringIO()
    draw_metric_changes(
        "digits",
        compare_metrics({"loss": 0.5, "old": 2}, {"loss": 0.4, "accuracy": 0.96}, {}),
        TextScreen(stream),
    )
    assert [line.split() for line in stream.getvalue().splitlines()[1:4]] == [
        ["loss", "0.5", "→", "0.4", "−0.1", "−20", "%"],
        ["old", "2", "removed"],
        ["accuracy", "0.96", "added"],
    ]


def test_a_directory_that_became_a_file_and_back(repository: Repository) -> None:
    repository.write("model/wü 1.bin", "weights")
    assert_works(repository, "init")
    repository.mlver("register", "digits", "--weights", "model", "-m", "First")
    repository.write("wü 1.bin", "weights")
    repository.mlver(
        "register", "digits", "--weights", "wü 1.bin", "--bump", "minor", "-m", "Second"
    )
    assert "    →  wü 1.bin → wü 1.bin\n" in assert_works(
        repository, "diff", "digits@1.0.0", "@1.1.0"
    )
    assert "    →  the file is wü 1.bin now\n" in assert_works(
        repository, "diff", "digits@1.1.0", "@1.0.0"
    )


def test_code_before_the_first_commit_is_unknown(tmp_path: Path) -> None:
    unborn = Repository(tmp_path / "unborn")
    unborn.path.mkdir()
    unborn.git("init", "--quiet")
    assert_works(unborn, "init")
    unborn.write("w.bin", "one")
    unborn.mlver("register", "m", "--weights", "w.bin", "-m", "first")
    unborn.write("train.py", "pass\n")
    unborn.commit("Code")
    unborn.write("w.bin", "two")
    unborn.mlver("register", "m", "--bump", "minor", "-m", "second")
    shown = assert_works(unborn, "diff", "m@1.0.0", "m@1.1.0")
    assert "code  unknown: one was registered before the first commit\n" in shown
