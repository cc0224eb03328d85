"""Runs are listed, chosen by what they hold, shown, compared and removed."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.project.project import Project
from mlver.project.remote.root_table import read_roots
from mlver.project.runs.kept import keep_run
from mlver.records.curves import Curves, format_curves
from mlver.records.run import AttachedFile, RunRecord
from tests.cli.conftest import assert_refused, assert_works, copy_repository
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.document.documents import RUN_TEXT
from tests.features.runs.trainings import forge_run

LOSSES = {"000001": 0.5, "000002": 0.3, "000003": 0.4}
BASE = RunRecord.from_document(codec.decode_document("run", RUN_TEXT, "run"))


def make_run(repository: Repository, digits: str, **changes: Any) -> RunRecord:
    curves = format_curves(Curves([1, 2], {"loss": [1, LOSSES.get(digits, 1)]}))
    made = replace(
        BASE,
        model="digits",
        run=f"20261121T030405Z-{digits}",
        diff=None,
        outcome="finished",
        exit_code=0,
        curves=AttachedFile.of_bytes(curves),
        **changes,
    )
    data = codec.encode_document("run", made.to_document())
    keep_run(Project.open_existing(repository.path), made, data, curves, None)
    return made


@pytest.fixture(scope="module")
def recorded_once(
    stories: dict[str, Repository], tmp_path_factory: pytest.TempPathFactory
) -> Repository:
    repository = copy_repository(stories["second"], tmp_path_factory.mktemp("runs") / "repository")
    assert_works(repository, "config", "set", "--model", "digits", "directions.log_loss", "lower")
    for number, (digits, loss) in enumerate(LOSSES.items(), 1):
        metrics = {"log_loss": loss, "accuracy": 1 - loss}
        params = {"lr": 0.1 * number, "layers": {"width": 2**number}}
        make_run(repository, digits, metrics=metrics, params=params)
    failed: dict[str, Any] = {"outcome": "failed", "exit_code": 7}
    data = replace(BASE, model="digits", run="20261121T030405Z-00000f", metrics={}, **failed)
    data = replace(data, curves=None, diff=None, points=0, pipeline="weekly", batch=None)
    document = codec.encode_document("run", data.to_document())
    keep_run(Project.open_existing(repository.path), data, document, None, None)
    return repository


@pytest.fixture
def recorded(recorded_once: Repository, tmp_path: Path) -> Repository:
    return copy_repository(recorded_once, tmp_path / "repository")


def list_digits(repository: Repository, *options: str) -> list[str]:
    document = read_document(repository.mlver("runs", *options, "--json"), "runs")
    return [run["run"][-6:] for run in document["runs"]]


def test_runs_are_listed_with_the_best_marked(recorded: Repository) -> None:
    said = assert_works(recorded, "runs", "digits")
    lines = said.splitlines()
    assert lines[0].split() == ["run", "began", "ended", "took", "log_loss", "accuracy"]
    assert len(lines) == 5
    (best,) = [line for line in lines if "*" in line]
    assert best.startswith("20261121T030405Z-000002")
    assert "failed (7)" in said
    assert "nightly/train" in said


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        ("log_loss < 0.45", {"000002", "000003"}),
        ("metrics.accuracy >= 0.6 and params.lr > 0.25", {"000003"}),
        ("params.layers.width = 4", {"000002"}),
        ("outcome = failed", {"00000f"}),
        ("exit_code = 7", {"00000f"}),
        ("not metrics.accuracy", {"00000f"}),
        ("pipeline = nightly and batch", {"000001", "000002", "000003"}),
        ("pipeline in (weekly, monthly)", {"00000f"}),
        ("code.dirty and created >= 2026-11-21", {"000001", "000002", "000003", "00000f"}),
        ("variables.OMP_NUM_THREADS = 2", set()),
        ("machine.processor ~ epyc and resources.cpu_seconds = 40", set(LOSSES) | {"00000f"}),
    ],
)
def test_filters_are_those_of_list(recorded: Repository, where: str, meant: set[str]) -> None:
    assert set(list_digits(recorded, "--where", where)) == meant


def test_a_metric_sorts_the_best_first_and_runs_without_it_come_last(recorded: Repository) -> None:
    assert list_digits(recorded, "--sort", "log_loss") == ["000002", "000003", "000001", "00000f"]
    assert list_digits(recorded, "--sort", "accuracy") == ["000002", "000003", "000001", "00000f"]
    reverse = list_digits(recorded, "--sort", "params.lr", "--reverse")
    assert reverse[:2] == ["000003", "000002"]
    assert len(list_digits(recorded, "-n", "2")) == 2


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        (("--where", "losss <"), "losss"),
        (("--where", "createdd > 1"), "createdd"),
        (("--sort", "created.x"), "--sort"),
        (("--svg",), "--svg belongs to --show"),
        (("--show", "a", "--compare", "a", "b"), "ask for two things"),
        (("--csv", "--json"), "two ways to print"),
        (("--show", "a", "--svg", "--json"), "two ways to print"),
        (("--show", "a", "--svg", "--diff"), "takes no --diff"),
        (("--show", "a", "--csv", "--diff"), "takes no --diff"),
        (("--show", "a", "--csv", "--svg"), "two ways to print"),
        (("--compare", "a", "b", "--csv"), "--csv belongs to the list and --show"),
        (("--show", "a", "--where", "x"), "--where belongs to the list"),
        (("--compare", "a", "b", "--svg"), "--svg belongs to --show, and does nothing"),
        (("--metric", "loss"), "--metric belongs to --show and --compare"),
        (("--compare", "a", "b", "--limit", "3"), "--limit belongs to the list"),
        (("--all", "-n", "3"), "--limit says something else"),
        (("digit",), "there is no model digit here"),
        (
            ("--where", "acuracy > 1"),
            "no run here has metrics.acuracy; did you mean",
        ),
        (("--sort", "params.xyz"), "no run here has params.xyz; there are "),
        (("--where", "labels.nope"), "no run here has labels.nope"),
        (("--yes",), "--yes belongs to --remove"),
        (("--remove", "a", "--sort", "x"), "--sort belongs to the list"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    recorded: Repository, option: tuple[str, ...], fault: str
) -> None:
    done = recorded.mlver("runs", *option)
    assert done.code == 2
    assert fault in done.err + done.out


def test_csv_has_every_metric_and_param(recorded: Repository) -> None:
    said = assert_works(recorded, "runs", "--csv", "--where", "log_loss = 0.3")
    head, row = said.splitlines()
    cells = dict(zip(head.split(","), row.split(","), strict=True))
    assert cells["run"] == "20261121T030405Z-000002"
    assert (cells["metrics.log_loss"], cells["params.layers.width"]) == ("0.3", "4")


def test_one_run_is_shown_whole_with_its_curves(recorded: Repository) -> None:
    said = assert_works(recorded, "runs", "--show", "000002")
    for words in ("digits 20261121T030405Z-000002  finished", "lr", "0.2", "AMD EPYC", "nightly"):
        assert words in said
    assert "loss  last 0.3, lowest 0.3, highest 1" in said
    document = read_document(recorded.mlver("runs", "--show", "000002", "--json"), "shownrun")
    assert document["series"] == {"loss": [1, 0.3]}
    assert document["record"]["secrets"].keys() == {"token"}


def test_a_loss_that_became_nan_is_shown(second: Repository) -> None:
    """A curve that only ends earlier than the training looks like one that went well."""
    loss = [1, 0.5, math.nan, math.nan]
    curves = Curves([110, 115, 120, 125], {"loss": loss, "peak": [1, math.inf, None, 2]})
    data = format_curves(curves)
    run = replace(BASE, model="digits", run="20261121T030405Z-0000aa", diff=None, points=4)
    made = replace(run, curves=AttachedFile.of_bytes(data))
    document = codec.encode_document("run", made.to_document())
    keep_run(Project.open_existing(second.path), made, document, data, None)
    show = ("runs", "--show", "0000aa")
    said = assert_works(second, *show)
    assert "loss  NaN from step 120; finite values: last 0.5, lowest 0.5, highest 1" in said
    assert "peak  infinite at step 115; finite values: last 2, lowest 1, highest 2" in said
    assert "loss: NaN from step 120; finite values" in assert_works(second, *show, "--svg")
    assert assert_works(second, *show, "--csv") == (
        "step,loss,peak\n110,1,1\n115,0.5,Infinity\n120,NaN,\n125,NaN,2\n"
    )
    shown = read_document(second.mlver(*show, "--json"), "shownrun")
    assert shown["series"] == {
        "loss": [1, 0.5, "NaN", "NaN"],
        "peak": [1, "Infinity", None, 2],
    }
    assert "NaN" in assert_works(second, "runs", "--compare", "0000aa", "0000aa")


def test_curves_are_drawn_as_svg(recorded: Repository) -> None:
    picture = assert_works(recorded, "runs", "--show", "000002", "--svg", "--metric", "loss")
    assert picture.startswith("<svg ")
    assert "polyline" in picture
    said = assert_refused(recorded, "runs", "--show", "000002", "--metric", "los", code=2)
    assert "it logged loss" in said


def test_two_runs_are_compared(recorded: Repository) -> None:
    words = ("runs", "--compare", "000001", "000002")
    said = assert_works(recorded, *words)
    assert "0.1 → 0.2" in said
    document = read_document(recorded.mlver(*words, "--json"), "comparedruns")
    assert document["differs"]
    named = {(part["group"], part["name"]): part for part in document["differences"]}
    assert named["metrics", "log_loss"]["old"] == 0.5
    assert ("params", "token") not in named
    assert document["curves"] == [{"metric": "loss", "old": [1, 0.5], "new": [1, 0.3]}]
    same = assert_works(recorded, "runs", "--compare", "000001", "000001")
    assert "nothing differs" in same


def test_the_newest_run_and_a_whole_reference_name_a_run(recorded: Repository) -> None:
    forge_run(recorded, "refs/mlver/runs/digits/latest", {"run.yaml": RUN_TEXT})
    shown = assert_works(recorded, "runs", "--show", "latest")
    (kept,) = [line.split()[-1] for line in shown.splitlines() if "kept in" in line]
    assert kept == "refs/mlver/runs/digits/20261121T030405Z-00000f"
    assert assert_works(recorded, "runs", "--show", kept) == shown
    assert assert_works(recorded, "runs", "digits", "--show", "latest") == shown
    assert assert_works(recorded, "runs", "--show", "digits/latest") == shown
    elsewhere = kept.replace("digits", "others")
    assert "there is no run" in assert_refused(recorded, "runs", "--show", elsewhere)


def test_numbers_have_as_many_digits_as_tell_them_apart(recorded: Repository) -> None:
    first, second = {"loss": 1 / 3, "lr": 0.1}, {"loss": 1 / 3 + 1e-12, "lr": 2 / 3}
    for digits, metrics in (("0000a1", first), ("0000a2", second)):
        make_run(recorded, digits, metrics=metrics)
    said = assert_works(recorded, "runs", "--compare", "0000a1", "0000a2")
    assert "lr    0.1 → 0.666667\n" in said
    assert "loss  0.3333333333333333 → 0.3333333333343333" in said


def test_a_run_is_named_by_as_much_as_no_other_has(recorded: Repository) -> None:
    assert "no run `nothing`" in assert_refused(recorded, "runs", "--show", "nothing")
    said = assert_refused(recorded, "runs", "--show", "20261121")
    assert "may be any of 4 runs" in said
    whole = "digits/20261121T030405Z-000002"
    assert assert_works(recorded, "runs", "--show", whole).startswith("digits 2026")


def test_gc_keeps_what_a_run_names(recorded: Repository) -> None:
    digest = "sha256:" + "ab" * 32
    data = replace(BASE.data["train"], digest=Digest.parse(digest))
    make_run(recorded, "0000dd", data={"train": data})
    assert "ab" * 32 in read_roots(Project.open_existing(recorded.path))


def test_without_a_run_the_next_step_is_told(second: Repository) -> None:
    said = assert_works(second, "runs")
    assert said == "no run is recorded here yet\nnext: mlver run MODEL -- python train.py\n"


RUN = "refs/mlver/runs/digits/20261121T030405Z-0000aa"
GOOD = replace(BASE, model="digits", run="20261121T030405Z-0000aa", diff=None, curves=None)
HOSTILE: dict[str, tuple[str, dict[str, bytes], str]] = {
    "no record": (RUN, {"other": b""}, "holds no run: run.yaml is not there"),
    "another run's": (RUN, {"run.yaml": RUN_TEXT}, "of translate_kr2en, not its own"),
    "another time's": (
        "refs/mlver/runs/translate_kr2en/20261121T030406Z-1a2b3c",
        {"run.yaml": RUN_TEXT.replace(b"run: 20261121T030405Z", b"run: 20261121T030406Z")},
        "says that it began at 2026-11-21T03:04:05Z",
    ),
    "unknown keys": (RUN, {"run.yaml": RUN_TEXT + b"shell: rm -rf /\n"}, "shell: unknown key"),
    "a newer format": (
        RUN,
        {"run.yaml": RUN_TEXT.replace(b"mlver/run/2", b"mlver/run/3")},
        "written by a newer mlver",
    ),
    "another kind": (RUN, {"run.yaml": b"schema: mlver/note/1\n"}, "this is `mlver/note/1`"),
    "brackets": (RUN, {"run.yaml": b"[" * 200_000}, "0000aa"),
    "endless": (RUN, {"run.yaml": b"a: " + b"x" * (2 << 20)}, "0000aa"),
    "tags": (RUN, {"run.yaml": b"!!python/object/apply:os.system ['touch hacked']"}, "0000aa"),
    "no model": (f"{RUN}.x/20261121T030405Z-0000aa", {"run.yaml": RUN_TEXT}, "names no run"),
    "no id": ("refs/mlver/runs/digits/newest", {"run.yaml": RUN_TEXT}, "names no run"),
    "deep": ("refs/mlver/runs/a/b/20261121T030405Z-0000aa", {"run.yaml": RUN_TEXT}, "names no run"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_runs_are_refused_by_name_and_hide_no_other(
    recorded: Repository, what: str
) -> None:
    reference, files, fault = HOSTILE[what]
    forge_run(recorded, reference, files)
    done = recorded.mlver("runs", "--json")
    document = read_document(done, "runs")
    assert len(document["runs"]) == 4
    (said,) = document["faults"]
    assert fault in said
    assert reference in said
    shown = recorded.mlver("runs", "--show", reference.removeprefix("refs/mlver/runs/"))
    assert shown.code == 3
    assert "Traceback" not in shown.err
    assert not (recorded.path / "hacked").exists()


CURVES = AttachedFile.of_bytes(b'{"step": 1}\n')


@pytest.mark.parametrize(
    ("record", "files", "fault"),
    [
        (replace(GOOD, curves=CURVES), {}, "does not hold the curves.jsonl"),
        (replace(GOOD, curves=CURVES), {"curves.jsonl": b"x\n"}, "does not hold the curves.jsonl"),
        (
            replace(GOOD, curves=AttachedFile.of_bytes(b"[]\n")),
            {"curves.jsonl": b"[]\n"},
            "line 1: is no object",
        ),
        (replace(GOOD, diff=CURVES), {"code.diff": b"x"}, "does not hold the code.diff"),
    ],
)
def test_what_lies_beside_a_record_is_proven(
    recorded: Repository, record: RunRecord, files: dict[str, bytes], fault: str
) -> None:
    data = codec.encode_document("run", record.to_document())
    forge_run(recorded, RUN, {"run.yaml": data, **files})
    said = assert_refused(recorded, "runs", "--show", "0000aa", "--diff")
    assert fault in said


def test_what_others_wrote_reaches_no_terminal_raw(recorded: Repository) -> None:
    evil = "\x1b[31mred\u202e [/red]"
    record = replace(GOOD, message=evil, params={evil: evil}, metrics={evil: 1}, remarks=(evil,))
    data = codec.encode_document("run", record.to_document())
    forge_run(recorded, RUN, {"run.yaml": data})
    for words in (("runs",), ("runs", "--show", "0000aa"), ("runs", "--csv")):
        said = assert_works(recorded, *words)
        assert "\x1b" not in said
        assert "\u202e" not in said
    assert json.loads(recorded.mlver("runs", "--json").out)["runs"]
