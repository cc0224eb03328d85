"""What a version was trained on is compared with what it is served, or with later data."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb
import pytest
from scipy import stats

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.project.transaction import SCRATCH
from mlver.records import layout
from mlver.records.evaluation import ServedData
from mlver.records.sections.insight import DriftThresholds
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import digest_tree, read_document
from tests.conftest import Repository
from tests.features.drifting.made_tables import make_rows, write_json_lines, write_rows

REF = "digits@1.2.0"


def drift(repository: Repository, *arguments: str, code: int = 0) -> dict[str, object]:
    done = repository.mlver("drift", *arguments, "--json")
    assert (done.code, done.err) == (code, "")
    document: dict[str, object] = read_document(done, "drift")
    return document


def find_column(document: dict[str, object], name: str) -> dict[str, object]:
    table = document["table"]
    assert isinstance(table, dict)
    (column,) = [column for column in table["columns"] if column["name"] == name]
    assert isinstance(column, dict)
    return column


def test_what_is_served_as_before_is_no_skew(trained: Repository, tmp_path: Path) -> None:
    live = tmp_path / "today.csv"
    live.write_text(write_rows(3))
    before = digest_tree(trained.path / ".mlver")
    said = assert_works(trained, "drift", REF, "--live", str(live))
    lines = said.splitlines()
    assert lines[0] == (
        "No skew between train of digits 1.2.0 and what is served: 0 of 4 columns moved"
    )
    assert lines[1] == f"  train of digits 1.2.0 (400 rows) → {live} (400 rows)"
    assert lines[2].split() == "column KS PSI JS mean variance missing p".split()
    assert "  not looked at: id\n" in said
    assert digest_tree(trained.path / ".mlver") == before
    assert not (trained.path / ".git/mlver" / SCRATCH).exists()


def test_a_skew_is_named_and_measured_exactly(trained: Repository, tmp_path: Path) -> None:
    live = tmp_path / "today.csv"
    live.write_text(write_rows(3, shift=1.0))
    document = drift(trained, REF, "--live", str(live), code=1)
    assert (document["kind"], document["ok"], document["exact"]) == ("skew", False, True)
    assert document["new_digest"] == str(Digest.of_bytes(live.read_bytes()))
    income = find_column(document, "income")
    old = [row["income"] for row in make_rows(2)]
    new = [row["income"] for row in make_rows(3, shift=1.0)]
    expected = stats.ks_2samp(old, new, method="asymp")
    assert income["ks"] == pytest.approx(float(expected.statistic), abs=1e-12)
    assert (income["verdict"], income["reason"]) == ("drift", "KS; PSI")
    assert {find_column(document, name)["verdict"] for name in ("age", "city", "joined")} == {
        "none"
    }
    said = trained.mlver("drift", REF, "--live", str(live))
    assert said.out.startswith("Skew between train of digits 1.2.0 and what is served: 1 of 4")


def test_two_versions_drift(trained: Repository) -> None:
    trained.write("data/train.csv", write_rows(9, shift=-2))
    assert_works(trained, "register", "digits", "--bump", "minor", "-m", "Poorer")
    document = drift(trained, "digits@1.1.0", "@1.3.0", "--data", "train", code=1)
    assert (document["kind"], document["version"]) == ("drift", "1.3.0")
    income = find_column(document, "income")
    assert isinstance(income["mean_shift"], float)
    assert income["mean_shift"] < -1.5
    assert drift(trained, "digits@1.1.0", "@1.2.0")["ok"] is True


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_other_formats_hold_the_same_table(
    trained: Repository, tmp_path: Path, suffix: str
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(write_json_lines(3, shift=1.0))
    if suffix == "parquet":
        target = tmp_path / "rows.parquet"
        duckdb.sql(f"COPY (FROM read_json('{rows}')) TO '{target}'")
    else:
        target = rows
    document = drift(trained, REF, "--live", str(target), code=1)
    table = document["table"]
    assert isinstance(table, dict)
    assert {column["name"] for column in table["columns"] if column["verdict"] == "drift"} == {
        "income"
    }


def test_few_rows_are_inconclusive(trained: Repository, tmp_path: Path) -> None:
    live = tmp_path / "today.csv"
    live.write_text(write_rows(3, shift=5, count=199))
    document = drift(trained, REF, "--live", str(live), code=4)
    assert document["ok"] is False
    done = trained.mlver("drift", REF, "--live", str(live))
    assert done.out.startswith("Inconclusive: it takes 200 rows on both sides\n")


def test_the_settings_name_the_thresholds(trained: Repository, tmp_path: Path) -> None:
    live = tmp_path / "today.csv"
    live.write_text(write_rows(3, shift=1.0))
    for words in (("ks", "0.9"), ("psi", "9"), ("ignore", "age", "id")):
        assert_works(trained, "config", "set", f"insight.drift.{words[0]}", *words[1:])
    document = drift(trained, REF, "--live", str(live))
    assert document["thresholds"] == {
        "ks": 0.9,
        "js": 0.02,
        "psi": 9,
        "p": 0.05,
        "rows": 200,
        "ignore": ["age", "id"],
    }
    table = document["table"]
    assert isinstance(table, dict)
    assert table["ignored"] == ["id", "age"]


def test_a_column_that_is_gone_is_a_skew(trained: Repository, tmp_path: Path) -> None:
    live = tmp_path / "today.csv"
    live.write_text(write_rows(3).replace("joined", "since", 1))
    done = trained.mlver("drift", REF, "--live", str(live))
    lines = done.out.splitlines()
    assert (done.code, lines[0]) == (
        1,
        "Skew between train of digits 1.2.0 and what is served: 0 of 3 columns moved, 1 is gone",
    )
    assert lines[-4:] == [
        "  gone: joined",
        "  only now: since",
        "  not looked at: id",
        "hint: mlver config set insight.drift.ignore id joined",
    ]
    assert_works(trained, "config", "set", "insight.drift.ignore", "id", "joined")
    assert_works(trained, "drift", REF, "--live", str(live))


def test_a_column_of_which_nobody_can_tell_is_named(trained: Repository, tmp_path: Path) -> None:
    assert_works(trained, "config", "set", "insight.drift.ks", "0.9")
    header, *rows = write_rows(3).splitlines()
    for place in range(199, len(rows)):
        key, age, _, *others = rows[place].split(",")
        rows[place] = ",".join([key, age, "", *others])
    live = tmp_path / "today.csv"
    live.write_text("\n".join([header, *rows]) + "\n")
    done = trained.mlver("drift", REF, "--live", str(live))
    lines = done.out.splitlines()
    assert (done.code, lines[0], lines[-1]) == (
        4,
        "Inconclusive: nobody can tell of income, and no other column moved",
        "hint: mlver config set insight.drift.ignore id income",
    )
    assert "fewer than 200 values" in done.out
    drift(trained, REF, "--live", str(live), "--record", code=4)
    live.write_text(live.read_text().replace("Bern", "Genf"))
    assert trained.mlver("drift", REF, "--live", str(live)).code == 1


def test_a_folder_of_files_is_one_table(trained: Repository, tmp_path: Path) -> None:
    first, *rows = write_rows(3, shift=1.0).splitlines()
    for name, part in (("monday", rows[:150]), ("later/tuesday", rows[150:])):
        place = tmp_path / "live" / f"{name}.csv"
        place.parent.mkdir(exist_ok=True, parents=True)
        place.write_text("\n".join([first, *part]) + "\n")
    whole = tmp_path / "live.csv"
    whole.write_text("\n".join([first, *rows]) + "\n")
    documents = [
        drift(trained, REF, "--live", str(place), code=1) for place in (tmp_path / "live", whole)
    ]
    assert documents[0]["table"] == documents[1]["table"]
    trained.write("served/later/tuesday.csv", (tmp_path / "live/later/tuesday.csv").read_bytes())
    trained.write("served/monday.csv", (tmp_path / "live/monday.csv").read_bytes())
    words = ("--data", "served=served", "--bump", "minor", "-m", "A folder")
    assert_works(trained, "register", "digits", *words)
    registry = Project.open_existing(trained.path).registry
    record, _ = registry.read_version("digits", "1.3.0")
    assert documents[0]["new_digest"] == str(record.data["served"].digest)


def test_a_folder_with_a_file_of_the_training_data_is_nothing_that_was_served(
    trained: Repository, tmp_path: Path
) -> None:
    (tmp_path / "live").mkdir()
    (tmp_path / "live/1.csv").write_text(write_rows(5))
    shutil.copyfile(trained.path / "data/train.csv", tmp_path / "live/2.csv")
    said = assert_refused(trained, "drift", REF, "--live", str(tmp_path / "live"))
    assert "it holds the very bytes of train of digits@1.2.0" in said


def test_a_drift_is_recorded_as_an_evaluation_that_log_shows(
    trained: Repository, tmp_path: Path
) -> None:
    live = tmp_path / "today.csv"
    live.write_text(write_rows(3, shift=1.0))
    words = (REF, "--live", str(live), "--record", "-m", "Monday")
    document = drift(trained, *words, code=1)
    assert document["evaluation"] == 1
    assert document["commit"] == trained.git("rev-parse", "HEAD")
    registry = Project.open_existing(trained.path).registry
    ((record, _),) = registry.read_evaluations("digits", "1.2.0")
    assert record.data == {
        "live": ServedData(served=str(live), digest=Digest.of_bytes(live.read_bytes()))
    }
    measured = record.metrics["drift"]
    assert isinstance(measured, dict)
    assert (measured["columns"], measured["judged"], record.count) == (1, 4, 400)
    kept = record.drift
    assert kept is not None
    assert (kept.kind, kept.dataset, kept.exact, kept.repeated) == ("skew", "train", True, 0.0)
    assert [column.name for column in kept.columns] == "age income city joined".split()
    assert (kept.thresholds, kept.ignored) == (DriftThresholds(ignore=("id",)), ("id",))
    again = trained.mlver("drift", *words)
    assert "recorded already as evaluation 1 of digits 1.2.0" in again.out
    assert trained.git("rev-parse", "HEAD") == document["commit"]
    assert_works(trained, "verify", "--all")
    assert "1 of 4 columns of train moved; Monday\n" in assert_works(trained, "log", "digits")
    assert trained.git("status", "--porcelain") == ""


def test_a_recorded_drift_is_one_line_wherever_versions_are_shown(
    trained: Repository, tmp_path: Path
) -> None:
    live = tmp_path / "today.csv"
    live.write_text(write_rows(3, shift=1.0))
    assert_works(trained, "config", "set", "insight.drift.ignore", "id", "city")
    drift(trained, REF, "--live", str(live), "--record", code=1)
    told = "1 of 3 columns of train moved"
    shown = assert_works(trained, "show", REF)
    assert f"drift 2026-01-02 03:04 on live: {told}\n" in shown
    assert "psi" not in shown
    assert f"on live  {told}" in assert_works(trained, "lineage", REF)
    listed = read_document(trained.mlver("list", "digits", "--json"), "list")
    (metrics,) = [
        version["evaluated"]
        for version in listed["models"][0]["versions"]
        if version["version"] == "1.2.0"
    ]
    assert metrics == {"drift.columns@live": 1}


@pytest.mark.parametrize("words", [(), ("--record",)])
def test_a_copy_of_the_training_data_is_nothing_that_was_served(
    trained: Repository, tmp_path: Path, words: tuple[str, ...]
) -> None:
    live = tmp_path / "today.csv"
    shutil.copyfile(trained.path / "data/train.csv", live)
    said = assert_refused(trained, "drift", REF, "--live", str(live), *words)
    told = "it holds the very bytes of train of digits@1.2.0, which digits 1.2.0 was trained on"
    assert told in said
    assert f"hint: mlver lineage --data {Digest.of_bytes(live.read_bytes())}" in said


def test_a_file_of_the_training_data_is_nothing_that_was_served(
    trained: Repository, tmp_path: Path
) -> None:
    for number in (5, 6):
        trained.write(f"rows/{number}.csv", write_rows(number))
    words = ("--data", "train=rows", "--bump", "minor", "-m", "A folder")
    assert_works(trained, "register", "digits", *words)
    live = tmp_path / "today.csv"
    live.write_text(write_rows(6))
    said = assert_refused(trained, "drift", "digits@1.3.0", "--live", str(live))
    assert "it holds the very bytes of a file in train of digits@1.3.0" in said


def test_rows_of_the_training_data_in_another_file_tell_nothing(
    trained: Repository, tmp_path: Path
) -> None:
    first, *rows = write_rows(2).splitlines()
    renamed = [f"new{row}" for row in reversed(rows[:300])]
    live = tmp_path / "today.csv"
    live.write_text("\n".join([first, *renamed]) + "\n")
    document = drift(trained, REF, "--live", str(live), "--record", code=4)
    assert (document["repeated"], document["ok"]) == (1.0, False)
    done = trained.mlver("drift", REF, "--live", str(live))
    assert done.out.startswith("Inconclusive: 100% of the rows of ")
    assert "today.csv are rows of train of digits 1.2.0 " in " ".join(done.out.split())


REFUSED = {
    "no data set": (("--data", "test", "--live", "x.csv"), "has no data set called test"),
    "no file": (("--live", "gone.csv"), "No such file or directory: "),
    "no table": (("--live", "x.txt"), "x.txt is no table that mlver reads: those are .csv"),
    "a FIFO": (("--live", "fifo.csv"), "it is a FIFO, not a regular file"),
    "an empty folder": (("--live", "folder.csv"), "folder.csv is no table that mlver reads"),
    "a mixed folder": (("--live", "mixed"), "mixed is no table that mlver reads: those are .csv"),
    "a folder with a FIFO": (("--live", "odd"), "it is a FIFO, not a regular file"),
    "a folder with a broken file": (("--live", "bad"), "in bad/2.csv, line 3 has 1 value"),
    "a broken file": (
        ("--live", "broken.csv"),
        "line 3 has 1 value, and the first line has 2 names",
    ),
    "an empty file": (("--live", "empty.csv"), "empty.csv cannot be read as a table: it is empty"),
    "both": (("@1.1.0", "--live", "x.csv"), "drift compares a version with a file, or with"),
    "neither": ((), "drift compares a version with a file, or with another version"),
    "a message": (("@1.1.0", "-m", "Why"), "-m is for what --record keeps"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_compared_is_refused(trained: Repository, case: str) -> None:
    os.mkfifo(trained.path / "fifo.csv")
    (trained.path / "folder.csv").mkdir()
    trained.write("mixed/1.csv", write_rows(1))
    trained.write("mixed/2.jsonl", "{}\n")
    trained.write("odd/1.csv", write_rows(1))
    os.mkfifo(trained.path / "odd/2.csv")
    trained.write("bad/1.csv", "a,b\n1,2\n")
    trained.write("bad/2.csv", "a,b\n1,2\n3\n")
    trained.write("empty.csv", "")
    trained.write("broken.csv", "a,b\n1,2\n3\n")
    trained.write("x.csv", write_rows(1))
    trained.write("x.txt", write_rows(1))
    arguments, message = REFUSED[case]
    done = trained.mlver("drift", REF, *arguments)
    assert (done.code in (2, 3), done.out) == (True, "")
    assert message in done.err
    assert not (trained.path / ".git/mlver" / SCRATCH).exists()


def test_a_missing_file_is_named_once(trained: Repository) -> None:
    said = assert_refused(trained, "drift", REF, "--live", "gone.csv")
    assert said.count("gone.csv") == 1


def test_data_that_is_no_table_is_refused(trained: Repository) -> None:
    trained.write("data/train.txt", "words")
    words = ("--data", "train=data/train.txt", "-m", "Words")
    assert_works(trained, "register", "digits", "--bump", "minor", *words)
    said = assert_refused(trained, "drift", "digits@1.3.0", "@1.2.0")
    assert said.startswith("error: train of digits 1.3.0 is no table that mlver reads")


def test_data_whose_bytes_are_gone_is_named(trained: Repository) -> None:
    for name in ("objects", "packs"):
        shutil.rmtree(trained.path / ".git/mlver" / name, ignore_errors=True)
    said = assert_refused(trained, "drift", "digits@1.1.0", "@1.2.0")
    assert "data/train.csv" in said or "objects" in said


def test_a_stage_may_ask_that_data_did_not_move(trained: Repository, tmp_path: Path) -> None:
    path = trained.path / layout.CONFIG
    text = path.read_text()
    path.write_text(text.replace("  staging:\n", "  staging:\n    requires: {drift: none}\n", 1))
    trained.commit("Staging asks for it")
    promote = ("promote", REF, "--to", "staging", "-m", "Try")
    refused = trained.mlver(*promote)
    assert "no drift of it is recorded" in refused.out
    assert f"hint: mlver drift {REF} --live FILE --record" in refused.out
    live = tmp_path / "today.csv"
    live.write_text(write_rows(3, shift=1.0))
    drift(trained, REF, "--live", str(live), "--record", code=1)
    assert "1 of 4 columns of train had moved: income" in trained.mlver(*promote).out
    live.write_text(write_rows(3))
    drift(trained, REF, "--live", str(live), "--record")
    assert "none of 4 columns of train had moved" in assert_works(trained, *promote)
    assert_works(trained, "verify", "--all")
