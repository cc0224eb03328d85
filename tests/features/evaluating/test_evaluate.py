"""Versions are measured again on pinned data, and only what a command measured is recorded."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.project.transaction import SCRATCH
from mlver.records import layout
from mlver.records.evaluation import EvaluationRecord
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.evaluating.exams import GOLDEN, PYTHON, ROWS, pin_exam

ON = ("--on", "golden")
RUN = ("--", PYTHON, "evaluate.py")
FIRST = layout.evaluation_path("digits", "1.0.0", 1)


def shell(script: str) -> tuple[str, ...]:
    return ("--", "sh", "-c", script)


def read_records(repository: Repository, version: str) -> list[EvaluationRecord]:
    registry = Project.open_existing(repository.path).registry
    return [record for record, _ in registry.read_evaluations("digits", version)]


def assert_nothing_left(repository: Repository, head: str) -> None:
    assert (repository.git("rev-parse", "HEAD"), repository.git("status", "--porcelain")) == (
        head,
        "",
    )
    assert not (repository.path / ".git/mlver" / SCRATCH).exists()


def test_an_evaluation_is_recorded_in_a_commit_of_its_own(examined: Repository) -> None:
    code = examined.git("rev-parse", "HEAD")
    said = assert_works(examined, "evaluate", "digits@1.0.0", *ON, "-m", "Monthly", *RUN)
    assert said == (
        "Evaluated digits 1.0.0 on golden  (evaluation 1)\n  accuracy  0.6666666666666666\n"
    )
    changed = examined.git("show", "--format=%s%n%b", "--name-only", "HEAD").split("\n")
    assert changed[0] == "mlver: evaluate digits 1.0.0 on golden"
    assert changed[-1] == FIRST
    (record,) = read_records(examined, "1.0.0")
    registry = Project.open_existing(examined.path).registry
    assert record.record == registry.read_version("digits", "1.0.0")[1]
    assert record.data["golden"].digest == Digest.of_bytes(ROWS.encode())
    assert (record.metrics, record.count) == ({"accuracy": 2 / 3}, 3)
    assert record.samples == Digest.of_bytes(b"1\n1\n0\n")
    assert (record.untouched, record.message) == (True, "Monthly")
    assert record.command == f"{shlex.quote(PYTHON)} evaluate.py"
    assert record.code is not None
    assert (record.code.commit, record.code.dirty) == (code, False)
    assert record.environment is not None
    assert record.duration is not None
    assert 0 < record.duration < 60
    assert record.resources.keys() == {"cpu_seconds", "max_rss_bytes"}
    assert record.resources["max_rss_bytes"] > 1 << 20
    assert_works(examined, "verify", "--all")
    assert_nothing_left(examined, examined.git("rev-parse", "HEAD"))


def test_the_command_is_told_what_to_measure_by_variables_and_placeholders(
    examined: Repository,
) -> None:
    script = (
        'test "$MLVER_MODEL $MLVER_VERSION" = "digits 1.1.0" && test "$1" = "$MLVER_WEIGHTS" &&'
        ' test "$2" = "$MLVER_DATA_GOLDEN" && test "$3" = "$MLVER_METRICS" &&'
        ' test "$4" = "$MLVER_SAMPLES" && test -d "$MLVER_OUTPUT" && cmp "$2" data/golden.csv &&'
        ' test "$PWD" = "$5" && grep -q "run 2" "$1/weights.safetensors" &&'
        ' printf \'{"size": 7}\' > "$3"'
    )
    places = ("{weights}", "{data}", "{metrics}", "{samples}", str(examined.path), '{"json": 1}')
    assert_works(examined, "evaluate", "digits", *ON, *shell(script), "sh", *places)
    (record,) = read_records(examined, "1.1.0")
    assert (record.metrics, record.count, record.samples) == ({"size": 7}, None, None)
    assert record.command is not None
    assert "{weights}" in record.command


FAILURES = {
    "exit 3": "sh ended with exit code 3",
    "kill -9 $$": "sh was ended by SIGKILL",
    "true": "the command ended well, but wrote no metrics: $MLVER_METRICS is not there",
    "printf '{\"a\": NaN}' > {metrics}": "`NaN` is not a finite number",
    "printf '{\"a\": 1e999}' > {metrics}": "is not a finite number",
    'printf \'{"a": "good"}\' > {metrics}': "a: is text, not a number",
    "printf '{\"count\": 3}' > {metrics}": "$MLVER_METRICS has no metric",
    'printf \'{"a": 1, "count": -3}\' > {metrics}': "the count -3, which is no number of rows",
    "printf '[1]' > {metrics}": "it must hold a map of names and values",
    "printf '{' > {metrics}": "is not valid",
    "mkfifo {metrics}": "cannot be read: it is a FIFO",
    "printf '{\"a\": 1}' > {metrics}; printf 'x\\n' > {samples}": "'x' is not a finite number",
    'printf \'{"a": 1, "count": 2}\' > {metrics}; echo 1 > {samples}': "count 2 rows",
}


@pytest.mark.parametrize("script", FAILURES)
def test_what_fails_or_measures_nothing_leaves_no_record(examined: Repository, script: str) -> None:
    head = examined.git("rev-parse", "HEAD")
    said = assert_refused(examined, "evaluate", "digits@1.0.0", *ON, *shell(script))
    assert said.startswith("error: digits@1.0.0 was not evaluated: ")
    assert FAILURES[script] in said
    assert_nothing_left(examined, head)


def test_a_command_that_is_not_there_is_named(examined: Repository) -> None:
    head = examined.git("rev-parse", "HEAD")
    said = assert_refused(examined, "evaluate", "digits@1.0.0", *ON, "--", "no-such-command")
    assert "no-such-command cannot be run: No such file or directory" in said
    assert_nothing_left(examined, head)


def test_past_its_time_a_command_is_ended_with_all_it_started(
    examined: Repository, tmp_path: Path
) -> None:
    head = examined.git("rev-parse", "HEAD")
    alive = tmp_path / "alive"
    script = f"(trap '' TERM; sleep 3; touch {alive}) & sleep 60"
    said = assert_refused(
        examined, "evaluate", "digits@1.0.0", *ON, "--timeout", "0.3s", *shell(script)
    )
    assert "sh took longer than 0.3 seconds (--timeout), and was ended" in said
    assert_nothing_left(examined, head)


def test_metrics_that_were_there_before_count_for_nothing(examined: Repository) -> None:
    examined.write("report.json", '{"accuracy": 1}')
    examined.commit("An older report")
    head = examined.git("rev-parse", "HEAD")
    words = ("evaluate", "digits@1.0.0", *ON, "--metrics", "report.json")
    said = assert_refused(examined, *words, "--", "true")
    assert "wrote no metrics" in said
    assert "report.json is older than its start" in said
    # Another file, but as old as before.
    copying = "cp -p report.json other && mv other report.json"
    assert "is older than its start" in assert_refused(examined, *words, *shell(copying))
    assert_nothing_left(examined, head)
    assert_works(
        examined,
        *words,
        *shell("printf '{\"accuracy\": 0.5}' > report.json"),
    )
    (record,) = read_records(examined, "1.0.0")
    assert record.metrics == {"accuracy": 0.5}


def test_samples_that_are_asked_for_have_to_be_written(examined: Repository) -> None:
    words = ("evaluate", "digits@1.0.0", *ON, "--samples", "scores.txt")
    measure = "printf '{\"accuracy\": 0.5}' > {metrics}"
    said = assert_refused(examined, *words, *shell(measure))
    assert "wrote no samples" in said
    assert_works(examined, *words, *shell(f"{measure}; printf '1\\n0\\n' > {{samples}}"))
    (record,) = read_records(examined, "1.0.0")
    assert (record.count, record.samples) == (2, Digest.of_bytes(b"1\n0\n"))


@pytest.mark.parametrize("place", ["{weights}/config.json", "{data}"])
def test_a_command_that_writes_to_what_it_measures_is_told_on(
    examined: Repository, place: str
) -> None:
    """The owner, and root, may write to what is read-only; the store is another file."""
    script = f"chmod u+w {place}; echo x >> {place}; printf '{{\"a\": 1}}' > {{metrics}}"
    done = examined.mlver("evaluate", "digits@1.0.0", *ON, *shell(script))
    assert done.code == 0
    assert "the command changed the files" in done.err
    (record,) = read_records(examined, "1.0.0")
    assert record.untouched is False
    assert_works(examined, "verify", "--all")
    assert (examined.path / GOLDEN).read_text() == ROWS


def test_several_versions_are_measured_and_those_that_fail_are_named(
    examined: Repository,
) -> None:
    script = "test $MLVER_VERSION = 1.1.0 && printf '{\"a\": 1}' > {metrics}"
    done = examined.mlver("evaluate", "digits", *ON, "--all", "--json", *shell(script))
    assert done.code == 3
    document = json.loads(done.out)
    outcomes = [(item["version"], item["outcome"]) for item in document["versions"]]
    assert outcomes == [("1.0.0", "failed"), ("1.1.0", "evaluated")]
    assert "exit code 1" in document["versions"][0]["fault"]
    assert [len(read_records(examined, version)) for version in ("1.0.0", "1.1.0")] == [0, 1]


def test_only_what_was_not_measured_on_todays_data_is_missing(examined: Repository) -> None:
    assert_works(examined, "evaluate", "digits@1.0.0", *ON, *RUN)
    words = ("evaluate", "digits", *ON, "--missing")
    said = assert_works(examined, *words, *RUN)
    assert said.splitlines() == [
        "Evaluated digits 1.1.0 on golden  (evaluation 1)",
        "  accuracy  1.0",
        "measured on golden already: 1.0.0",
    ]
    head = examined.git("rev-parse", "HEAD")
    assert assert_works(examined, *words, *RUN) == "measured on golden already: 1.0.0, 1.1.0\n"
    assert_nothing_left(examined, head)
    # Another exam: nobody has sat it.
    pin_exam(examined, f"{ROWS}worse,0\n")
    assert "Evaluated digits 1.0.0 on golden  (evaluation 2)" in assert_works(
        examined, *words, *RUN
    )


def test_the_last_versions_but_not_those_that_are_retired(examined: Repository) -> None:
    words = ("evaluate", "digits", *ON, "--last", "1")
    assert "digits 1.1.0 on golden" in assert_works(examined, *words, *RUN)
    assert_works(examined, "retire", "digits@1.1.0", "-m", "Bad data")
    said = assert_works(examined, *words, *RUN)
    assert said.startswith("Evaluated digits 1.0.0 on golden")
    assert said.endswith("retired, and left out: 1.1.0\n")


def test_a_dry_run_runs_and_writes_nothing(examined: Repository) -> None:
    head = examined.git("rev-parse", "HEAD")
    done = examined.mlver(
        "evaluate", "digits", *ON, "--all", "--dry-run", "--json", *shell("touch ran")
    )
    document = read_document(done, "evaluate")
    assert [item["outcome"] for item in document["versions"]] == ["planned", "planned"]
    assert not (examined.path / "ran").exists()
    assert_nothing_left(examined, head)


def test_what_the_command_prints_is_no_part_of_the_result(examined: Repository) -> None:
    done = examined.mlver(
        "evaluate", "digits", *ON, "--json", *shell("echo noise; printf '{\"a\": 1}' > {metrics}")
    )
    assert json.loads(done.out)["versions"][0]["metrics"] == {"a": 1}


def test_bad_requests_are_refused_before_anything_runs(examined: Repository) -> None:
    words = ("evaluate", "digits@1.0.0")
    assert "missing option '--on'" in assert_refused(examined, *words, *RUN, code=2)
    assert "pins no data set called gold; it pins golden" in assert_refused(
        examined, *words, "--on", "gold", *RUN, code=2
    )
    assert "needs the command that measures" in assert_refused(examined, *words, *ON, code=2)
    assert "--timeout takes a time such as" in assert_refused(
        examined, *words, *ON, "--timeout", "soon", *RUN, code=2
    )
    assert "--all and --last contradict" in assert_refused(
        examined, *words, *ON, "--all", "--last", "2", *RUN, code=2
    )
    assert "is one version" in assert_refused(examined, *words, *ON, "--all", *RUN, code=2)
    examined.git("switch", "--quiet", "--detach")
    assert "HEAD is detached" in assert_refused(examined, *words, *ON, *RUN)


def test_bytes_that_nobody_has_are_missed_before_anything_runs(examined: Repository) -> None:
    examined.write(GOLDEN, "other rows\n")
    said = assert_refused(examined, "evaluate", "digits@1.0.0", *ON, *shell("touch ran"))
    assert "1 of 1 files of the data set golden (data/golden.csv) are not here" in said
    assert not (examined.path / "ran").exists()


def test_code_that_is_not_committed_is_recorded_as_such(examined: Repository) -> None:
    with (examined.path / "evaluate.py").open("a") as script:
        script.write("# tried\n")
    assert_works(examined, "evaluate", "digits@1.0.0", *ON, *RUN)
    (record,) = read_records(examined, "1.0.0")
    assert record.code is not None
    assert record.code.dirty


def test_missing_bytes_come_from_a_trusted_remote(examined: Repository, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert_works(examined, "remote", "add", "storage", str(store), "--init")
    examined.commit("A remote")
    examined.mlver("push", "--objects")
    for folder in ("objects", "packs"):
        place = examined.path / ".git/mlver" / folder
        place.rename(tmp_path / folder)
    done = examined.mlver("evaluate", "digits@1.0.0", *ON, *RUN)
    assert done.code == 0
    assert "fetched " in done.err


def test_samples_are_pushed_with_the_versions(examined: Repository, tmp_path: Path) -> None:
    """A gate elsewhere reads them."""
    assert_works(examined, "evaluate", "digits@1.0.0", *ON, *RUN)
    store = tmp_path / "store"
    assert_works(examined, "remote", "add", "storage", str(store), "--init")
    assert examined.mlver("push", "--objects").code == 0
    contents = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert b"1\n1\n0\n" in contents
