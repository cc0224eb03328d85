"""Every training is recorded, in git and nowhere else, however it ends."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.project.runs.kept import read_kept_curves, read_kept_diff
from mlver.project.transaction import SCRATCH
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.runs.trainings import (
    PYTHON,
    QUICK,
    TRAIN,
    describe_rest,
    list_references,
    read_only_run,
    read_runs,
    shell,
)


def test_a_training_is_recorded_whole_and_nothing_else_changes(second: Repository) -> None:
    second.write("train.py", TRAIN)
    second.commit("The training")
    head, references, _ = describe_rest(second)
    command = ("run", "digits", "-m", "A wider layer", "--", PYTHON, "train.py")
    said = assert_works(second, *command)
    run = read_only_run(second)
    record = run.record
    assert said.startswith(f"Recorded digits {record.run}")
    assert "2 params, 1 data set, curves of 3 steps" in said
    assert describe_rest(second)[:2] == (head, references)
    assert second.git("status", "--porcelain") == " M metrics.json"
    assert list_references(second) == [f"refs/mlver/runs/digits/{record.run}"]
    assert record.run.startswith("20260102T030405Z-")
    assert (record.outcome, record.exit_code, record.message) == ("finished", 0, "A wider layer")
    assert record.command == f"{PYTHON} train.py"
    assert record.params == {"lr": 0.002, "seed": 42}
    assert record.metrics == {"accuracy": 0.97, "log_loss": 0.2}
    assert (record.code.commit, record.code.dirty, record.diff) == (head, False, None)
    assert record.data["train"].digest == Digest.of_bytes(b"a,b\n1,2\n")
    assert record.weights is not None
    assert record.weights.path == "model"
    assert record.environment.seed == 42
    assert record.variables["PYTHONHASHSEED"] == "0"
    assert record.machine.processors
    assert record.resources["max_rss_bytes"] > 1 << 20
    assert record.remarks == ()
    curves = read_kept_curves(Project.open_existing(second.path), run)
    assert (list(curves.steps), dict(curves.series)) == ([1, 2, 3], {"loss": [1, 0.5, 1 / 3]})
    assert second.git("rev-list", "--count", run.commit) == "1"
    assert not (second.path / ".git/mlver" / SCRATCH).exists()
    second.git("fsck", "--strict", "--no-dangling")


def test_the_result_is_described_by_its_schema(second: Repository) -> None:
    document = read_document(second.mlver("run", "--json", *shell(QUICK)), "run")
    run = read_only_run(second)
    assert (document["run"], document["commit"]) == (run.record.run, run.commit)
    assert document["record"] == str(run.digest)
    assert document["points"] == 3


def test_a_command_that_fails_is_recorded_and_explained(second: Repository) -> None:
    done = second.mlver("run", "digits", *shell("exit 7"))
    assert done.code == 3
    assert "which ended with exit code 7" in done.out
    record = read_only_run(second).record
    assert (record.outcome, record.exit_code, record.metrics) == ("failed", 7, {})
    assert record.weights is None


def test_a_command_that_is_killed_is_recorded(second: Repository) -> None:
    done = second.mlver("run", "digits", *shell("kill -9 $$"))
    assert (done.code, read_only_run(second).record.exit_code) == (3, -9)
    assert "was ended by signal 9" in done.out


def test_a_command_that_cannot_start_leaves_no_run(second: Repository) -> None:
    said = assert_refused(second, "run", "digits", "--", "no-such-command")
    assert "no-such-command cannot be run" in said
    assert list_references(second) == []


@pytest.mark.parametrize("words", [("run",), ("run", "digits"), ("run", "digits", "--")])
def test_without_a_command_there_is_nothing_to_run(
    second: Repository, words: tuple[str, ...]
) -> None:
    assert "behind `--`" in assert_refused(second, *words, code=2)


def test_words_that_nobody_marked_as_the_command_are_refused(second: Repository) -> None:
    said = assert_refused(second, "run", "digits", "echo", "--", "true", code=2)
    assert "one model, and `--` before the command" in said


def test_uncommitted_changes_go_along_and_can_be_applied(second: Repository) -> None:
    second.write("train.sh", "echo one\n")
    second.commit("The training")
    second.write("train.sh", "echo two\n")
    second.write("notes.txt", "new\n")
    assert_works(second, "run", *shell("true"))
    run = read_only_run(second)
    assert run.record.code.dirty
    diff = read_kept_diff(Project.open_existing(second.path), run)
    assert diff is not None
    second.git("checkout", "--quiet", "train.sh")
    second.write(".git/changes", diff)
    second.git("apply", ".git/changes")
    assert (second.path / "train.sh").read_text() == "echo two\n"
    assert run.record.remarks == ("these files are in no commit, and not recorded: notes.txt",)


def test_uncommitted_changes_can_be_left_out(second: Repository) -> None:
    second.write("README.md", "Changed\n")
    assert_works(second, "run", "--no-diff", *shell("true"))
    record = read_only_run(second).record
    assert (record.code.dirty, record.diff) == (True, None)


def test_a_secret_in_uncommitted_changes_is_refused_before_anything_runs(
    second: Repository,
) -> None:
    second.write("README.md", f"token = ghp_{'a1B2' * 9}\n")
    said = assert_refused(second, "run", *shell("touch ran"))
    assert "a GitHub token" in said
    assert "--no-diff leaves them out" in said
    assert not (second.path / "ran").exists()
    assert_works(second, "run", "--no-diff", *shell("true"))


@pytest.mark.parametrize(
    "option", [("--param", "key=AKIAABCDEFGHIJKLMNOP"), ("-m", "AKIAABCDEFGHIJKLMNOP")]
)
def test_a_secret_in_what_is_recorded_is_refused(
    second: Repository, option: tuple[str, str]
) -> None:
    assert "an AWS access key" in assert_refused(second, "run", *option, *shell("true"))
    assert list_references(second) == []


def test_params_are_those_that_it_began_with(second: Repository) -> None:
    script = "echo 'lr: 9' > params.yaml; echo 'late: 1' > late.yaml"
    files = ("--params", "params.yaml", "--params", "late.yaml", "--param", "seed=7")
    assert_works(second, "run", *files, *shell(script))
    record = read_only_run(second).record
    assert record.params == {"lr": 0.002, "seed": 7, "late": 1}
    assert record.environment.seed == 7


def test_metrics_of_before_are_not_those_of_the_run(second: Repository) -> None:
    assert_works(second, "run", *shell("true"))
    assert read_only_run(second).record.metrics == {}


def test_what_is_no_number_is_remarked_upon_and_hides_nothing(second: Repository) -> None:
    script = (
        'echo \'{"accuracy": 0.5, "loss": NaN, "name": "x"}\' > metrics.json;'
        ' echo \'{"loss": NaN, "a": 1}\' > $MLVER_CURVES; echo half >> $MLVER_CURVES'
    )
    assert_works(second, "run", *shell(script))
    run = read_only_run(second)
    assert run.record.metrics == {"accuracy": 0.5}
    assert run.record.remarks[:2] == (
        "the metric loss is nan, not a number",
        "the metric name is text, not a number",
    )
    assert "the curves" in run.record.remarks[2]


def test_a_metrics_file_in_json_lines_is_a_curve(second: Repository) -> None:
    script = 'printf \'{"epoch": 1, "loss": 3}\\n{"epoch": 2, "loss": 2}\\n\' > log.jsonl'
    assert_works(second, "run", "--metrics", "log.jsonl", *shell(script))
    run = read_only_run(second)
    assert run.record.metrics == {"epoch": 2, "loss": 2}
    curves = read_kept_curves(Project.open_existing(second.path), run)
    assert curves.series["loss"] == [3, 2]


def test_the_first_training_comes_before_the_first_version(project: Repository) -> None:
    assert_works(project, "init")
    options = ("--params", "params.yaml", "--data", "train=data/train.csv")
    done = project.mlver("run", "digits", *options, *shell("true"))
    assert done.code == 0
    assert "digits has no version yet" in done.err
    assert read_only_run(project).record.params == {"lr": 0.001, "seed": 42}


def test_pipelines_steps_and_batches_are_recorded_and_inherited(second: Repository) -> None:
    inner = f"exec {PYTHON} -m mlver run --step train --batch 2026-Q3 -- true"
    assert_works(second, "run", "--pipeline", "nightly", "--step", "all", *shell(inner))
    inner_run, outer = sorted(read_runs(second), key=lambda run: run.record.step != "train")
    assert (outer.record.pipeline, outer.record.step) == ("nightly", "all")
    assert (inner_run.record.pipeline, inner_run.record.batch) == ("nightly", "2026-Q3")


def test_a_step_belongs_to_a_pipeline(second: Repository) -> None:
    said = assert_refused(second, "run", "--step", "train", *shell("true"), code=2)
    assert "--pipeline" in said


def test_a_dry_run_runs_and_records_nothing(second: Repository) -> None:
    said = assert_works(second, "run", "--dry-run", *shell("touch ran"))
    assert said.startswith("Would run sh -c 'touch ran'")
    assert not (second.path / "ran").exists()
    assert list_references(second) == []


def test_an_interrupted_training_is_recorded(second: Repository) -> None:
    words = [sys.executable, "-m", "mlver", "run", "digits", *shell("touch began; sleep 60")]
    process = subprocess.Popen(
        words, cwd=second.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    limit = time.monotonic() + 30
    while not (second.path / "began").exists() and time.monotonic() < limit:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    record = read_only_run(second).record
    assert (record.outcome, record.exit_code) == ("interrupted", None)


def test_several_trainings_run_at_once(second: Repository) -> None:
    words = [sys.executable, "-m", "mlver", "run", "digits", *shell("true")]
    processes = [
        subprocess.Popen(words, cwd=second.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    for process in processes:
        process.communicate()
    assert len(read_runs(second)) == 2


def test_data_that_is_gone_is_no_reason_not_to_train(second: Repository) -> None:
    (second.path / "data/train.csv").unlink()
    assert_works(second, "run", *shell("true"))
    record = read_only_run(second).record
    assert record.data == {}
    assert "the data set train was not hashed" in record.remarks[0]


def test_no_plain_text_of_a_secret_param_is_anywhere_in_the_repository(
    second: Repository, tmp_path: Path
) -> None:
    pyrage = pytest.importorskip("pyrage")
    identity = pyrage.x25519.Identity.generate()
    assert_works(second, "config", "set", "encrypt.params", "db.*")
    assert_works(second, "config", "set", "encrypt.recipients", str(identity.to_public()))
    second.commit("Secrets")
    secret = "correct-horse-battery"
    second.write(".git/info/exclude", "secret.yaml\n")
    second.write("secret.yaml", f"db: {{password: {secret}}}\nlr: 1\n")
    assert_works(second, "run", "--params", "secret.yaml", *shell("true"))
    record = read_only_run(second).record
    assert record.params == {"lr": 1}
    assert list(record.secrets) == ["db.password"]
    for reference in list_references(second):
        for name in second.git("ls-tree", "-r", "--name-only", reference).split():
            assert secret not in second.git("cat-file", "blob", f"{reference}:{name}")
    for folder, _, names in os.walk(second.path / ".git/mlver"):
        for name in names:
            assert secret.encode() not in Path(folder, name).read_bytes()
    said = assert_refused(
        second, "run", "--params", "secret.yaml", *shell(f"echo {secret}"), code=2
    )
    assert "the secret param db.password also stands in command" in said
    assert secret not in said
    assert json.dumps(record.to_document()).find(secret) < 0


@pytest.mark.parametrize("place", ["model/latest", "model/.early"])
def test_a_link_that_leads_nowhere_hides_no_weights(second: Repository, place: str) -> None:
    script = f"{QUICK}\nln -s nowhere {place}"
    done = second.mlver("run", *shell(script))
    assert done.code == 0, done.err
    record = read_only_run(second).record
    # They are found, and why they cannot be hashed is said.
    assert record.weights is not None or any("nowhere" in remark for remark in record.remarks)


def test_changes_too_long_to_be_kept_are_not_recorded(second: Repository) -> None:
    second.write("notes.txt", "short\n")
    second.git("add", "notes.txt")
    second.commit("Notes")
    (second.path / "notes.txt").write_bytes(os.urandom(6 << 20).hex().encode())
    assert_works(second, "run", *shell(QUICK))
    record = read_only_run(second).record
    said = "the uncommitted changes take more than 4 MiB, and are not recorded"
    assert (record.diff, record.code.dirty, said in record.remarks) == (None, True, True)
    with (second.path / "notes.txt").open("wb") as file:
        file.truncate(1 << 40)
    assert_works(second, "run", *shell(QUICK))
    assert all(said in run.record.remarks for run in read_runs(second))


def test_a_data_set_that_is_not_there_is_refused_before_anything_runs(second: Repository) -> None:
    said = assert_refused(second, "run", "--data", "more=nowhere.csv", *shell("touch ran"))
    assert "nothing is at nowhere.csv" in said
    assert not (second.path / "ran").exists()
    assert list_references(second) == []


def test_files_that_nothing_wrote_are_named(second: Repository) -> None:
    words = ("--metrics", "later.json", "--params", "absent.yaml")
    told = assert_works(second, "run", *words, *shell("true"))
    assert "not recorded: the metrics of later.json: nothing is there" in told
    assert "not recorded: the params of absent.yaml: nothing is there" in told


def test_a_run_that_was_told_nothing_says_how_to(second: Repository) -> None:
    told = second.mlver("run", "fresh", *shell("true")).out
    assert (
        "it was told no params (--params FILE or --param K=V) and no metrics (--metrics FILE, or"
        " lines of JSON to $MLVER_CURVES)"
    ) in " ".join(told.split())
    told = assert_works(second, "run", "digits", *shell(QUICK))
    assert "it was told" not in told


def test_the_next_step_of_a_first_run_names_the_weights(second: Repository) -> None:
    done = second.mlver("run", "fresh", *shell("true"))
    assert done.out.endswith("next: mlver run fresh --weights PATH -- sh -c true\n")
    train = shell("echo 1 > fresh.bin")
    done = second.mlver("run", "fresh", "--weights", "fresh.bin", *train)
    register = done.out.splitlines()[-1].removeprefix("next: mlver ")
    assert_works(second, *shlex.split(register.replace("WHY", "First")))
    told = assert_works(second, "run", "fresh", *train)
    assert "--weights" not in told
    # The next number has to be chosen from the second version on.
    assert told.endswith("--bump minor -m WHY\n")


def test_a_line_that_is_none_costs_no_other(second: Repository) -> None:
    lines = ('{"step": 1, "loss": 3}', "junk", '{"step": 2, "loss": 2}', "more junk")
    script = "; ".join(f"echo '{line}' >> \"$MLVER_CURVES\"" for line in lines)
    assert_works(second, "run", *shell(script))
    record = read_only_run(second).record
    assert record.points == 2
    assert "a line of the curves: line 2: is no JSON: Expecting value, and 1 lines more" in (
        record.remarks
    )


def test_a_name_that_is_no_text_loses_no_run(second: Repository) -> None:
    line = '{"step": 1, "\\ud800": 1}'
    second.write("odd.jsonl", line + "\n" + '{"step": 2, "loss": 1}' + "\n")
    assert_works(second, "run", *shell('cat odd.jsonl > "$MLVER_CURVES"'))
    record = read_only_run(second).record
    assert record.points == 1
    assert "a line of the curves: line 1: has a name that is no text" in record.remarks


def test_a_run_without_curves_has_no_picture(second: Repository) -> None:
    assert_works(second, "run", *shell("true"))
    run = read_only_run(second).record.run
    said = assert_refused(second, "runs", "--show", run, "--svg")
    assert "has no curves to draw" in said
