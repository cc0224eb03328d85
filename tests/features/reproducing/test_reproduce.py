"""A version is trained again from what its record names, and the answer is recorded."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from mlver.project.project import Project
from mlver.project.registry.attached import REPRODUCTIONS
from mlver.records import layout
from mlver.records.reproduction import ReproductionRecord
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.reproducing.trainings import REGISTER, make_environment, train


def reproduce(repository: Repository, environment: Path, *options: str) -> Any:
    done = repository.mlver(
        "reproduce", "m", "--yes", "--environment", str(environment), *options, "--json"
    )
    document = read_document(done, "reproduce")
    assert done.code == int(not document["ok"])
    return document


def read_records(repository: Repository) -> list[ReproductionRecord]:
    return REPRODUCTIONS.read_all(Project.open_existing(repository.path).registry, "m", "1.0.0")


def test_the_same_comes_out_and_is_recorded(trained: Repository, environment: Path) -> None:
    before = trained.git("status", "--porcelain")
    weights = (trained.path / "model/w.npy").read_bytes()
    document = reproduce(trained, environment, "-m", "before the audit")
    assert (document["ok"], document["answer"], document["differing"]) == (True, "identical", [])
    assert (document["inputs"], document["values"]) == ([], None)
    assert document["metrics"] == {"sum": 3.0}
    (record,) = read_records(trained)
    assert (record.answer, record.message) == ("identical", "before the audit")
    assert str(record.weights) == document["weights"]
    assert record.command == "python train.py"
    assert trained.git("show", "--stat", "--format=%s", "HEAD").splitlines()[0] == (
        "mlver: reproduce m 1.0.0: identical"
    )
    assert trained.git("status", "--porcelain") == before
    assert (trained.path / "model/w.npy").read_bytes() == weights
    assert os.listdir(tempfile.gettempdir()) == []
    assert len(trained.git("worktree", "list").splitlines()) == 1
    assert_works(trained, "verify", "--all")


def test_numbers_that_are_nearly_the_same_are_within(
    trained: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUDGE", "1e-9")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "HASWELL")
    document = reproduce(trained, environment)
    assert (document["ok"], document["answer"]) == (True, "within")
    assert document["values"]["largest"] == pytest.approx(1e-9, rel=1e-6)
    assert document["values"]["tensors"] == 1
    assert document["differing"][0].startswith("w.npy: by at most 1e-09")
    assert document["differing"][1].startswith("metric sum: 3.00000000")
    named = {item["name"]: item["found"] for item in document["inputs"]}
    assert named["variable OPENBLAS_CORETYPE"] == "HASWELL"
    document = reproduce(trained, environment, "--within", "1e-10")
    assert (document["ok"], document["answer"]) == (False, "different")
    first, second = read_records(trained)
    assert first.values is not None
    assert (first.answer, second.answer) == ("within", "different")
    assert second.prior is not None
    assert_works(trained, "verify", "--all")


def test_what_differs_otherwise_is_different(
    trained: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERS", " ")
    document = reproduce(trained, environment)
    assert (document["answer"], document["differing"]) == (
        "different",
        ["config.json has other bytes"],
    )
    monkeypatch.delenv("LAYERS")
    monkeypatch.setenv("NUDGE", "nan")
    document = reproduce(trained, environment)
    assert (document["answer"], document["values"]["largest"]) == ("different", None)


def test_other_packages_are_named(trained: Repository, tmp_path: Path) -> None:
    other = make_environment(tmp_path / "other", numbers="1.2.4")
    document = reproduce(trained, other)
    assert document["answer"] == "identical"
    assert document["inputs"] == [
        {"name": "package numbers", "recorded": "1.2.3", "found": "1.2.4"}
    ]


def test_an_incremental_training_begins_with_its_parent(
    trained: Repository, environment: Path
) -> None:
    train(trained, environment, "--update", "incremental", "--bump", "minor")
    shutil.rmtree(trained.path / "model")
    document = reproduce(trained, environment)
    assert (document["version"], document["answer"]) == ("1.1.0", "identical")


def test_nothing_runs_before_somebody_agreed(trained: Repository, environment: Path) -> None:
    head = trained.git("rev-parse", "HEAD")
    done = trained.mlver("reproduce", "m", "--environment", str(environment))
    assert (done.code, done.out) == (3, "")
    assert re.search(r"there +command +python train.py\n", done.err)
    assert "command: python train.py\nerror: nothing was run" in done.err
    assert "error: nothing was run: nobody agreed to `python train.py`" in done.err
    assert done.err.endswith("hint: mlver reproduce m@1.0.0 --yes\n")
    document = reproduce(trained, environment, "--dry-run")
    assert (document["ok"], document["answer"], document["dry_run"]) == (True, None, True)
    assert trained.git("rev-parse", "HEAD") == head


def list_missing(repository: Repository) -> list[str]:
    done = repository.mlver("reproduce", "m", "--yes", "--json")
    document = read_document(done, "reproduce")
    assert (done.code, document["answer"]) == (1, None)
    return [
        f"{part['name']}: {part['told']}"
        for part in document["parts"]
        if part["state"] == "missing"
    ]


def lose_objects(repository: Repository) -> None:
    for folder in ("objects", "packs"):
        shutil.rmtree(repository.path / ".git/mlver" / folder, ignore_errors=True)


def test_missing_data_is_named(trained: Repository) -> None:
    lose_objects(trained)
    assert list_missing(trained) == ["data rows: 1 of 1 files of rows are not here"]


def test_a_missing_commit_is_named(trained: Repository) -> None:
    registry = Project.open_existing(trained.path).registry
    record, _ = registry.read_version("m", "1.0.0")
    assert record.code.commit is not None
    path = layout.version_path("m", "1.0.0")
    text = (trained.path / path).read_text().replace(record.code.commit, "1" * 40)
    trained.write(path, text)
    trained.git("tag", "--delete", "m@v1.0.0")
    trained.commit("Another commit")
    assert list_missing(trained)[0].startswith("code: commit 1111111111 is not here")


def test_uncommitted_changes_are_named(trained: Repository, environment: Path) -> None:
    trained.write("train.py", (trained.path / "train.py").read_text() + "# more\n")
    train(trained, environment, "--bump", "minor", "--allow-dirty")
    assert list_missing(trained) == [
        "uncommitted changes: the code had changes that no commit holds, and no run is recorded of"
        " it"
    ]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "",
            "command: none is recorded; 1.0.0 has the same weights, and a command: reproduce that",
        ),
        ("python 'train", "command: python 'train cannot be read"),
    ],
)
def test_a_command_that_cannot_be_run_is_named(
    trained: Repository, environment: Path, command: str, words: str
) -> None:
    options = ("--command", command) if command else ()
    again = (*REGISTER, "--bump", "minor", "--environment", str(environment), *options)
    assert_works(trained, *again)
    (found,) = list_missing(trained)
    assert found.startswith(words)


def test_a_version_before_the_first_commit_has_no_code(tmp_path: Path) -> None:
    path = tmp_path / "unborn"
    path.mkdir()
    unborn = Repository(path)
    unborn.git("init", "--quiet")
    unborn.write("w", "1")
    assert unborn.mlver("init").code == 0
    assert unborn.mlver("register", "m", "--weights", "w", "--command", "true", "-m", "x").code == 0
    assert list_missing(unborn) == ["code: it was registered before the first commit"]


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("false", (), "m@1.1.0 was not reproduced: false ended with exit code 1"),
        ("sleep 60", ("--timeout", "0.2s"), "sleep took longer than --timeout allows"),
        ("true", (), "wrote nothing to model"),
        ("no-such-program", (), "no-such-program cannot be run"),
    ],
)
def test_a_training_that_fails_leaves_nothing(
    trained: Repository,
    environment: Path,
    command: str,
    options: tuple[str, ...],
    words: str,
) -> None:
    train(trained, environment, "--bump", "minor", command=command)
    head = trained.git("rev-parse", "HEAD")
    done = trained.mlver("reproduce", "m", "--yes", "--environment", str(environment), *options)
    assert (done.code, done.out) == (3, "")
    assert words in done.err
    assert trained.git("rev-parse", "HEAD") == head
    assert os.listdir(tempfile.gettempdir()) == []
    assert len(trained.git("worktree", "list").splitlines()) == 1


def test_wrong_options_are_refused(trained: Repository, tmp_path: Path) -> None:
    assert "--within takes" in assert_refused(trained, "reproduce", "m", "--within", "-1", code=2)
    assert "--within takes" in assert_refused(trained, "reproduce", "m", "--within", "nan", code=2)
    assert "--timeout takes" in assert_refused(
        trained, "reproduce", "m", "--timeout", "soon", code=2
    )
    said = assert_refused(trained, "reproduce", "m", "--environment", str(tmp_path))
    assert "is no Python environment" in said


def write_rule(repository: Repository, asked: str) -> None:
    repository.write(
        layout.CONFIG,
        f"schema: mlver/config/1\nstages:\n  staging:\n    requires: {{reproduced: {asked}}}\n",
    )
    repository.commit(f"Ask for {asked}")


def judge(repository: Repository) -> tuple[str, str]:
    done = repository.mlver("gates", "m", "--to", "staging", "--json")
    for gate in read_document(done, "gates")["gates"]:
        if gate["gate"].startswith("reproduced"):
            return gate["result"], gate["actual"]
    raise AssertionError(done)


def test_the_gate_goes_by_the_last_reproduction(
    trained: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rule(trained, "within")
    assert judge(trained) == ("inconclusive", "nobody reproduced it")
    monkeypatch.setenv("NUDGE", "1e-9")
    reproduce(trained, environment)
    assert judge(trained)[0] == "pass"
    write_rule(trained, "{within: 1e-12}")
    assert judge(trained) == ("fail", "within on 2026-01-02, by at most 1e-09")
    write_rule(trained, "identical")
    assert judge(trained)[0] == "fail"
    monkeypatch.delenv("NUDGE")
    reproduce(trained, environment)
    assert judge(trained) == ("pass", "identical on 2026-01-02")
    monkeypatch.setenv("NUDGE", "1")
    reproduce(trained, environment)
    assert judge(trained) == ("fail", "different on 2026-01-02, by at most 1")
    refused = trained.mlver("promote", "m", "--to", "staging", "-m", "try")
    assert (refused.code, "hint: mlver reproduce m@1.0.0" in refused.out) == (1, True)


def test_whoever_was_interrupted_means_one_record(
    trained: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reproduce(trained, environment)
    again = reproduce(trained, environment)
    assert (again["sequence"], again["commit"]) == (first["sequence"], None)
    later = str(int(os.environ["SOURCE_DATE_EPOCH"]) + 600)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", later)
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{later} +0000")
    assert reproduce(trained, environment)["sequence"] == 2


def test_hooks_take_an_honest_record(trained: Repository, environment: Path) -> None:
    base = trained.git("rev-parse", "HEAD")
    reproduce(trained, environment)
    assert_works(trained, "hook", "check", "--from", base, "--to", "HEAD")
    assert "trained again 2026-01-02 03:04 by Kim" in assert_works(trained, "show", "m")
    assert "reproduced" in assert_works(trained, "log", "m")


def test_a_forged_reproduction_is_named(trained: Repository, environment: Path) -> None:
    reproduce(trained, environment)
    reproduce(trained, environment, "-m", "once more")
    path = trained.path / layout.reproduction_path("m", "1.0.0", 1)
    path.write_text(path.read_text().replace("identical", "within"))
    trained.commit("Edit")
    done = trained.mlver("verify", "--all")
    assert done.code == 1
    assert "reproductions/1.0.0/0002.yaml follows another 0001 than the one here" in done.out


def test_two_branches_that_reproduce_it_are_merged(trained: Repository, environment: Path) -> None:
    trained.git("branch", "other")
    reproduce(trained, environment, "-m", "by one")
    trained.git("checkout", "--quiet", "other")
    reproduce(trained, environment, "-m", "by another")
    merged = trained.git
    merged("checkout", "--quiet", "main")
    with pytest.raises(pytest.fail.Exception):
        merged("merge", "--quiet", "other")
    assert_works(trained, "resolve")
    trained.git("commit", "--quiet", "--no-edit")
    assert sorted(record.message for record in read_records(trained)) == ["by another", "by one"]
    assert_works(trained, "verify", "--all")


def test_a_promotion_by_a_reproduction_that_a_merge_renumbered_stands(
    trained: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rule(trained, "identical")
    trained.git("branch", "other")
    reproduce(trained, environment, "-m", "by one")
    trained.git("checkout", "--quiet", "other")
    later = str(int(os.environ["SOURCE_DATE_EPOCH"]) + 60)
    for variable in ("SOURCE_DATE_EPOCH", "GIT_COMMITTER_DATE", "GIT_AUTHOR_DATE"):
        monkeypatch.setenv(variable, later if variable.startswith("SOURCE") else f"@{later} +0000")
    reproduce(trained, environment, "-m", "by another")
    (record,) = read_records(trained)
    assert_works(trained, "promote", "m", "--to", "staging", "-m", "it comes out the same")
    trained.git("checkout", "--quiet", "main")
    with pytest.raises(pytest.fail.Exception):
        trained.git("merge", "--quiet", "other")
    assert_works(trained, "resolve")
    trained.git("commit", "--quiet", "--no-edit")
    assert record not in read_records(trained)
    assert_works(trained, "verify", "--all")
