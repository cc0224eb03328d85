"""What an adoption leaves out is told, and can be given or left out by an option."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.adopting.foreign import left, md5, tagged
from tests.features.adopting.test_adopt import gto

__all__ = ["gto"]


def record(repository: Repository, ref: str = "m@1.0.0") -> Any:
    return read_document(repository.mlver("show", ref, "--json"), "show")["record"]


@pytest.fixture
def plain(repository: Repository) -> Repository:
    """A version that git keeps, and a pipeline of DVC that made it."""
    repository.write("w.bin", "weights")
    repository.write("data/raw.csv", "a")
    repository.write("eval/metrics.json", json.dumps({"acc": 0.5, "f1": {"a": 1, "note": "x"}}))
    repository.write("conf/train.yaml", "lr: 0.1\n")
    repository.write(
        "dvc.yaml",
        "metrics:\n- eval/metrics.json\n"
        "stages:\n"
        "  train:\n    cmd: python train.py\n    deps:\n    - train.py\n    - data/raw.csv\n"
        "    params:\n    - conf/train.yaml:\n      - lr\n    outs:\n    - w.bin:\n"
        "        cache: false\n",
    )
    repository.commit()
    tagged(repository, "v1.0.0")
    assert_works(repository, "init")
    return repository


def test_text_among_metrics_is_left_out_and_told(repository: Repository) -> None:
    repository.write("w.bin", "weights")
    repository.write("metrics.json", json.dumps({"acc": 0.5, "name": "x", "deep": {"l": [1]}}))
    repository.write("params.yaml", "lr: .nan\n")
    repository.commit()
    repository.git("tag", "v1.0.0")
    repository.git("tag", "v1.1.0")
    assert_works(repository, "init")
    done = repository.mlver("adopt", "m", "--weights", "w.bin", "--json")
    assert done.code == 0
    told = "metrics.json: left out name: is text, not a number; deep.l: is a list, not a number"
    assert f"note: v1.0.0 and 1 more: {told}\n" in done.err
    assert "note: v1.0.0 and 1 more: params.yaml is not valid: line 1: lr: `.nan`" in done.err
    versions = read_document(done, "adopt")["versions"]
    assert versions[0]["left_out"][1] == told
    assert record(repository)["metrics"] == {"acc": 0.5}


def test_what_a_pipeline_names_is_taken_in_or_told(plain: Repository) -> None:
    done = plain.mlver("adopt", "m", "--weights", "w.bin")
    assert done.code == 0
    assert "dvc.yaml says that data/raw.csv is read to make the weights; --data NAME=" in done.err
    assert "train.py" not in done.err
    adopted = record(plain)
    assert (adopted["metrics"], adopted["params"]) == ({"acc": 0.5, "f1": {"a": 1}}, {"lr": 0.1})
    settings = (plain.path / ".mlver/models/m/model.yaml").read_text()
    assert "- eval/metrics.json" in settings
    assert "- conf/train.yaml" in settings


def test_what_is_named_goes_before_what_a_pipeline_names(plain: Repository) -> None:
    plain.write("other.json", json.dumps({"loss": 2}))
    plain.write("given.yaml", "batch: 8\n")
    plain.commit()
    tagged(plain, "v1.1.0")
    words = ("--metrics", "other.json", "--params", "given.yaml", "--data", "train=data")
    done = plain.mlver("adopt", "m", "--weights", "w.bin", *words)
    assert (done.code, "is read to make the weights" in done.err) == (0, False)
    assert "note: v1.0.0: there is no other.json\n" in done.err
    assert not record(plain).keys() & {"metrics", "params"}
    newer = record(plain, "m@1.1.0")
    assert (newer["metrics"], newer["params"]) == ({"loss": 2}, {"batch": 8})


def test_stages_of_an_artifact_in_a_subfolder_are_adopted(repository: Repository) -> None:
    repository.write("w.bin", "weights")
    repository.commit()
    tagged(repository, "teams/cv=net@v1.0.0", "teams/cv=net#prod#1", "teams/nlp=net#prod#1")
    repository.write("w.bin", "others")
    repository.commit()
    tagged(repository, "teams/cv=net@v1.1.0", "teams/cv=net#prod#2", "teams/cv=net@v1.1.0!#3")
    assert_works(repository, "init")
    assert left(repository.mlver("adopt", "--json")).keys() == {
        "teams/cv=net@v1.0.0",
    }
    words = ("--pattern", "teams/cv=net@v{version}", "--weights", "w.bin")
    done = repository.mlver("adopt", "net", *words)
    assert done.code == 0
    assert "  prod of net: 1.0.0\n" in done.out
    assert "teams/cv=net@v1.1.0 was taken back by another tag" in done.err


@pytest.fixture
def lossy(gto: Repository) -> Repository:
    """The bytes of the first version are gone for good."""
    name = md5("weights 1")
    (gto.path / f".dvc/cache/files/md5/{name[:2]}/{name[2:]}").unlink()
    return gto


def test_one_lost_version_is_skipped_where_that_is_said(lossy: Repository) -> None:
    done = lossy.mlver("adopt")
    assert done.code == 1
    assert "hint: mlver adopt digits --skip-lost\n" in done.out
    found = read_document(lossy.mlver("adopt", "--skip-lost", "--json"), "adopt")
    assert [one["subject"] for one in found["skipped"]] == ["digits@v1.0.0", "digits#prod#1"]
    assert [(one["stage"], one["holders"]) for one in found["stages"]] == [("prod", ["2.0.0"])]
    shown = assert_works(lossy, "adopt", "--skip-lost")
    assert shown.startswith("Skipped digits@v1.0.0  the bytes of models/m.pkl")
    assert_works(lossy, "verify", "--all")


def test_tags_that_are_passed_over_are_told(repository: Repository) -> None:
    repository.write("w.bin", "weights")
    repository.commit()
    names = ("1.2.3", "v1.2.3", "v2", "v2.0", "svc-a/v3.0.0", "nightly")
    for name in names:
        repository.git("tag", name)
    tagged(repository, "inner")
    repository.git("tag", "--annotate", "-m", "A tag of a tag", "v1.3.0", "inner")
    assert_works(repository, "init")
    done = repository.mlver("adopt", "m", "--weights", "w.bin")
    assert done.code == 0
    assert "note: v1.2.3 names the version that 1.2.3 names already: passed over\n" in done.err
    assert "note: passed over inner, nightly, svc-a/v3.0.0, v2, v2.0, which name no" in done.err
    assert record(repository, "m@1.3.0")["message"] == "A tag of a tag"
    assert assert_works(repository, "verify", "--all").startswith("All is well  2 versions")


def test_thousands_of_versions_are_adopted_in_one_go(repository: Repository) -> None:
    repository.write("w.bin", "weights")
    head = repository.commit()
    count = 2_000
    lines = []
    for number in range(count):
        lines.append(f"create refs/tags/release-of-my-classifier-1.{number}.0 {head}\n")
    subprocess.run(
        ["git", "update-ref", "--stdin"],
        cwd=repository.path,
        input="".join(lines),
        text=True,
        check=True,
    )
    assert_works(repository, "init")
    words = (
        "my-classifier",
        "--weights",
        "w.bin",
        "--pattern",
        "release-of-my-classifier-{version}",
    )
    shown = assert_works(repository, "adopt", *words)
    assert shown.startswith(f"Adopted {count:,} versions\n")
    assert len(repository.git("tag", "--list", "my-classifier@v*").splitlines()) == count
    assert repository.git("rev-list", "--count", f"{head}..HEAD") == "1"
