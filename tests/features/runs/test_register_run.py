"""A version that is registered from a run has the same record as one that is registered by hand."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import mlver
from tests.cli.conftest import assert_refused, assert_works, copy_repository
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.reproducing.trainings import make_environment
from tests.features.runs.trainings import (
    QUICK,
    forge_run,
    list_references,
    read_only_run,
    read_raw_run,
    read_runs,
    shell,
)

REGISTER = ("register", "digits", "--bump", "minor", "-m", "Third")
RECORD = ".mlver/models/digits/versions/1.2.0.yaml"


def read_record(repository: Repository) -> dict[str, Any]:
    record: dict[str, Any] = yaml.safe_load((repository.path / RECORD).read_text())
    return record


def read_version_document(repository: Repository, version: str) -> dict[str, Any]:
    path = repository.path / RECORD.replace("1.2.0", version)
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def record_run(repository: Repository, *options: str, script: str = QUICK) -> str:
    assert_works(repository, "run", "digits", *options, *shell(script))
    return read_runs(repository)[0].record.run


def test_the_record_is_the_same_as_by_hand(second: Repository, tmp_path: Path) -> None:
    other = copy_repository(second, tmp_path / "other")
    run = record_run(second)
    assert_works(second, *REGISTER, "--run", run[-6:])
    record_run(other)
    command = read_only_run(other).record.command
    assert command is not None
    assert_works(other, *REGISTER, "--command", command)
    by_run, by_hand = read_record(second), read_record(other)
    assert by_run.pop("run") == f"digits/{run}"
    assert by_run.pop("kept") == {"run": str(read_runs(second)[0].digest)}
    assert by_run == by_hand
    assert_works(second, "verify", "--all")
    assert f"digits/{run}" in assert_works(second, "show", "digits").split()


SETTINGS = ".mlver/models/digits/model.yaml"
OTHER_FILES = ("--params", "other/params.json", "--metrics", "other/metrics.json")


def prepare_other_files(repository: Repository) -> None:
    """Code that is committed, with params that model.yaml does not name, and an environment."""
    repository.write("other/params.json", '{"rate": 0.5, "seed": 7}')
    repository.write(".gitignore", (repository.path / ".gitignore").read_text() + "/env/\n")
    repository.commit("Other files")
    make_environment(repository.path / "env", numbers="1.2.3")


def test_settings_are_the_same_as_by_hand(second: Repository, tmp_path: Path) -> None:
    prepare_other_files(second)
    other = copy_repository(second, tmp_path / "other")
    script = QUICK.replace("metrics.json", "other/metrics.json")
    run = record_run(second, *OTHER_FILES, "--environment", "env", script=script)
    assert_works(second, "-C", str(second.path / "other"), *REGISTER, "--run", run)
    record_run(other, *OTHER_FILES, "--environment", "env", script=script)
    command = read_only_run(other).record.command
    assert command is not None
    by_hand = (*REGISTER, *OTHER_FILES, "--environment", "env", "--command", command)
    assert_works(other, *by_hand)
    assert (second.path / SETTINGS).read_bytes() == (other.path / SETTINGS).read_bytes()
    assert "other/params.json" in (second.path / SETTINGS).read_text()
    record = read_record(second)
    assert record.pop("run") == f"digits/{run}"
    assert record.pop("kept").keys() == {"run"}
    assert record == read_record(other)
    assert record["environment"]["packages"] == {"numbers": "1.2.3"}
    # What comes next is registered from the same files.
    second.write("other/metrics.json", '{"accuracy": 0.98}')
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Fourth")
    text = (second.path / RECORD.replace("1.2.0", "1.3.0")).read_text()
    later = yaml.safe_load(text)
    assert (later["params"], later["metrics"]) == ({"rate": 0.5, "seed": 7}, {"accuracy": 0.98})


def test_keys_of_files_that_the_run_used_as_well_stay(second: Repository, tmp_path: Path) -> None:
    keys = ("--params", "params.yaml", "--param-key", "lr")
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Keys", *keys)
    before = (second.path / SETTINGS).read_bytes()
    run = record_run(second)
    assert_works(second, *REGISTER, "--run", run)
    assert (second.path / SETTINGS).read_bytes() == before


def test_a_run_of_format_1_is_registered_as_before(second: Repository) -> None:
    run = record_run(second)
    (name,) = list_references(second)
    old = re.sub(rb"\nsources:\n(?:  .*\n)+", b"\n", read_raw_run(second, name))
    files = {"run.yaml": old.replace(b"mlver/run/2", b"mlver/run/1")}
    curves = subprocess.run(
        ["git", "cat-file", "blob", f"{name}:curves.jsonl"],
        cwd=second.path,
        check=True,
        capture_output=True,
    )
    forge_run(second, name, {**files, "curves.jsonl": curves.stdout})
    assert read_only_run(second).record.format == 1
    assert_works(second, *REGISTER, "--run", run)


def test_another_run_in_the_place_of_its_own_is_named(second: Repository) -> None:
    """Nobody seals runs: whoever can push could put a better one there."""
    run = record_run(second)
    assert_works(second, *REGISTER, "--run", run)
    reference = f"refs/mlver/runs/digits/{run}"
    text = second.git("show", f"{reference}:run.yaml").replace("accuracy: 0.97", "accuracy: 0.99")
    second.write("run.yaml", text + "\n")
    blob = second.git("hash-object", "-w", "run.yaml")
    (second.path / "run.yaml").unlink()
    listed = f"100644 blob {blob}\trun.yaml\n".encode()
    done_tree = subprocess.run(
        ["git", "mktree"], cwd=second.path, input=listed, capture_output=True, check=True
    )
    tree = done_tree.stdout.decode().strip()
    second.git("update-ref", reference, second.git("commit-tree", "-m", "Forged", tree))
    done = second.mlver("verify")
    assert (done.code, "Traceback" in done.err) == (1, False)
    assert f"{reference} is another run than digits 1.2.0 came from" in " ".join(done.out.split())
    (listed_run,) = read_document(second.mlver("runs", "digits", "--json"), "runs")["runs"]
    assert listed_run["versions"] == []


def test_an_amended_version_keeps_what_its_run_had(second: Repository) -> None:
    run = record_run(second)
    assert_works(second, *REGISTER, "--run", run)
    second.write("model/weights.safetensors", "other weights")
    amend = ("register", "digits", "--amend", "--weights", "model")
    said = assert_refused(second, *amend)
    assert f"came from the run digits/{run}, which had other weights" in " ".join(said.split())
    assert_works(second, "register", "digits", "--amend", "--metric", "accuracy=0.9")
    assert_works(second, "verify", "--all")


@pytest.mark.parametrize(("part", "key"), [("weights", "digest"), ("code", "commit")])
def test_a_version_that_says_otherwise_than_its_run_is_named(
    second: Repository, part: str, key: str
) -> None:
    run = record_run(second)
    assert_works(second, *REGISTER, "--run", run)
    record = read_record(second)
    old = read_version_document(second, "1.1.0")[part][key]
    assert old != record[part][key]
    text = (second.path / RECORD).read_text().replace(record[part][key], old)
    second.write(RECORD, text)
    said = " ".join(second.mlver("verify", "digits@1.2.0").out.split())
    assert f"{RECORD} came from {run}, a run that had other {part}" in said


def test_what_changed_since_the_run_is_not_recorded(second: Repository) -> None:
    run = record_run(second)
    second.write("params.yaml", "lr: 5\nseed: 1\n")
    second.write("metrics.json", '{"accuracy": 0.1}')
    code = second.git("rev-parse", "HEAD")
    second.write("README.md", "Later\n")
    second.commit("Later")
    assert_works(second, *REGISTER, "--run", run)
    record = read_record(second)
    assert record["params"] == {"lr": 0.002, "seed": 42}
    assert record["metrics"] == {"accuracy": 0.97, "log_loss": 0.2}
    assert record["code"]["commit"] == code
    assert record["environment"]["seed"] == 42
    assert second.git("rev-parse", "refs/mlver/code/digits/1.2.0") == code


def test_pipeline_batch_labels_and_message_come_along(second: Repository) -> None:
    options = ("--pipeline", "nightly", "--step", "fit", "--batch", "2026-Q3", "--label", "a=b")
    run = record_run(second, *options, "-m", "From the run")
    assert_works(second, "register", "digits", "--bump", "minor", "--run", run, "--label", "a=c")
    record = read_record(second)
    assert (record["pipeline"], record["step"]) == ("nightly", "fit")
    assert record["labels"] == {"batch": "2026-Q3", "a": "c"}
    assert record["message"] == "From the run"
    listed = read_document(second.mlver("runs", "--json"), "runs")
    assert listed["runs"][0]["versions"] == ["1.2.0"]
    assert "1.2.0" in assert_works(second, "runs")
    assert "1.2.0" in assert_works(second, "list", "--where", "pipeline = nightly")
    shown = assert_works(second, "show", "digits@1.2.0")
    assert f"digits/{run}" in shown
    assert "nightly, step fit" in shown


def test_the_command_line_counts_before_the_run(second: Repository) -> None:
    run = record_run(second)
    options = ("--param", "lr=0.5", "--metric", "accuracy=0.9")
    assert_works(second, *REGISTER, "--run", run, *options)
    record = read_record(second)
    assert record["params"]["lr"] == 0.5
    assert record["metrics"]["accuracy"] == 0.9
    replaced = {"params": {"lr": 0.002}, "metrics": {"accuracy": 0.97}}
    assert record["extra"]["replaced"] == replaced


def test_other_weights_or_data_are_refused(second: Repository) -> None:
    run = record_run(second)
    second.write("model/weights.safetensors", "others\n")
    said = assert_refused(second, *REGISTER, "--run", run)
    now = read_document(second.mlver("hash", "model", "--json"), "hash")["digest"][:19]
    then = read_only_run(second).record.weights
    assert then is not None
    assert (
        f"the weights are not those that the run {run} wrote: model is {now}, and it wrote"
        f" {str(then.digest)[:19]}" in said
    )
    second.write("model/weights.safetensors", "trained\n")
    second.write("data/train.csv", "others\n")
    said = assert_refused(second, *REGISTER, "--run", run)
    assert "the data set train is not the one" in said
    assert not (second.path / RECORD).exists()


def test_a_failed_run_and_one_that_is_not_here_are_refused(second: Repository) -> None:
    second.mlver("run", "digits", *shell("exit 1"))
    run = read_only_run(second).record.run
    said = assert_refused(second, *REGISTER, "--run", run)
    assert f"the run {run} failed" in said
    assert "there is no run `0000`" in assert_refused(second, *REGISTER, "--run", "0000")


def test_a_run_of_uncommitted_code_needs_allow_dirty(second: Repository) -> None:
    second.write("README.md", "Changed\n")
    run = record_run(second)
    second.git("checkout", "--quiet", "README.md")
    said = assert_refused(second, *REGISTER, "--run", run)
    assert "was not committed" in said
    assert_works(second, *REGISTER, "--run", run, "--allow-dirty")
    assert read_record(second)["code"]["dirty"] is True


@pytest.mark.parametrize("option", [("--amend",), ("--environment", "venv")])
def test_what_contradicts_a_run_is_refused(second: Repository, option: tuple[str, ...]) -> None:
    run = record_run(second)
    assert_refused(second, *REGISTER, "--run", run, *option, code=2)


def test_the_first_version_may_come_from_a_run(project: Repository) -> None:
    assert_works(project, "init")
    project.commit("Init")
    options = ("--weights", "model", "--params", "params.yaml", "--data", "train=data/train.csv")
    said = project.mlver("run", "digits", *options, *shell(QUICK)).out
    run = read_only_run(project).record
    assert run.weights is not None
    assert f"mlver register digits --run {run.run[-6:]} -m WHY" in said
    assert_works(project, "register", "digits", "--run", run.run, "-m", "First")
    record = yaml.safe_load((project.path / RECORD.replace("1.2.0", "1.0.0")).read_text())
    assert record["data"]["train"]["digest"] == str(run.data["train"].digest)
    assert record["run"] == f"digits/{run.run}"


def test_weights_that_no_run_wrote_do_not_come_of_one(second: Repository) -> None:
    """Whoever trains beside a run, or copies better weights there, has not recorded that."""
    run = record_run(second, script="true")
    assert read_only_run(second).record.weights is None
    digest = read_document(second.mlver("hash", "model", "--json"), "hash")["digest"][:19]
    for words in ((), ("--weights", "model")):
        said = assert_refused(second, *REGISTER, "--run", run, *words)
        assert f"the run {run} wrote no weights, so those at model ({digest}) are not its" in said
        assert "hint: mlver run digits --weights model -- COMMAND" in said
    assert not (second.path / RECORD).exists()


def test_weights_elsewhere_are_named_to_the_run(second: Repository) -> None:
    script = QUICK.replace("model/weights.safetensors", "other/weights.safetensors")
    second.write("other/.keep", "")
    run = record_run(second, "--weights", "other", script=script)
    weights = read_only_run(second).record.weights
    assert weights is not None
    assert weights.path == "other"
    assert_works(second, *REGISTER, "--run", run, "--allow-dirty")
    assert read_record(second)["weights"]["digest"] == str(weights.digest)
    assert "other" in (second.path / SETTINGS).read_text()
    record_run(second, "--weights", "nowhere", script="true")
    (record,) = [one.record for one in read_runs(second) if one.record.weights is None]
    assert "the weights at nowhere: nothing is there, and nothing wrote it" in record.remarks


@pytest.mark.parametrize("outcome", ["failed", "interrupted"])
def test_an_unfinished_run_has_to_be_allowed(second: Repository, outcome: str) -> None:
    run = record_run(second)
    reference = f"refs/mlver/runs/digits/{run}"
    text = read_raw_run(second, reference).replace(b"finished", outcome.encode())
    curves = subprocess.run(
        ["git", "cat-file", "blob", f"{reference}:curves.jsonl"],
        cwd=second.path,
        check=True,
        capture_output=True,
    )
    forge_run(second, reference, {"run.yaml": text, "curves.jsonl": curves.stdout})
    said = assert_refused(second, *REGISTER, "--run", run)
    ended = "failed" if outcome == "failed" else "was interrupted"
    assert f"the run {run} {ended}, so nobody knows what its weights are worth" in said
    assert f"hint: mlver register digits --bump minor --run {run} --allow-unfinished" in said
    assert_works(second, *REGISTER, "--run", run, "--allow-unfinished")
    assert read_record(second)["extra"]["outcome"] == outcome
    assert f"digits/{run} ({outcome})" in assert_works(second, "show", "digits@1.2.0")
    assert_works(second, "verify", "--all")


def test_a_run_becomes_a_version_once(second: Repository) -> None:
    run = record_run(second)
    assert_works(second, *REGISTER, "--run", run)
    for options in ((), ("--dry-run",), ("--allow-unfinished",)):
        said = assert_refused(second, *REGISTER, "--run", run, *options)
        assert f"the run {run} is digits 1.2.0 already" in said
        assert "hint: mlver show digits@1.2.0" in said


def test_python_registers_from_a_run_as_well(
    second: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = record_run(second)
    monkeypatch.chdir(second.path)
    result = mlver.register("digits", "Third", bump="minor", run=run)
    assert result.version == "1.2.0"
    assert read_record(second)["run"] == f"digits/{run}"
