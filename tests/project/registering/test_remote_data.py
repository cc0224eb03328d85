"""Data at an address: pinned by a listing, checked offline, and never brought here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.project.conftest import project  # noqa: F401

MODEL = ".mlver/models/m/model.yaml"
COUNT = 12


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A prefix outside of the repository."""
    for number in range(COUNT):
        path = tmp_path / f"bucket/{number % 2}/part-{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"row {number}\n")
    return tmp_path / "bucket"


@pytest.fixture
def pinned(repository: Repository, data: Path) -> Repository:
    """With one version, whose data lie at the address."""
    assert_works(repository, "init")
    repository.write(".gitignore", "/model.bin\n/*.json\n")
    repository.write("model.bin", "weights")
    repository.commit()
    register(repository, "--weights", "model.bin", "--data", f"train={data.as_uri()}")
    return repository


def register(repository: Repository, *words: str) -> dict[str, object]:
    done = repository.mlver("register", "m", "-m", "Why", *words, "--json")
    assert done.code == 0, done.err
    document: dict[str, object] = read_document(done, "register")
    return document


def train_of(document: dict[str, object]) -> dict[str, object]:
    artifacts = document["artifacts"]
    assert isinstance(artifacts, list)
    return next(item for item in artifacts if item["name"] == "train")


def record_of(repository: Repository, version: str) -> dict[str, object]:
    done = repository.mlver("show", f"m@{version}", "--json")
    train: dict[str, object] = read_document(done, "show")["record"]["data"]["train"]
    return train


def test_listing_and_manifest_are_committed_with_the_record(pinned: Repository, data: Path) -> None:
    train = record_of(pinned, "1.0.0")
    assert (train["path"], train["stored"], train["files"]) == (data.as_uri(), False, COUNT)
    listing = f".mlver/listings/{str(train['listing'])[7:]}.json"
    manifest = f".mlver/manifests/{str(train['digest'])[7:]}.sha256"
    changed = pinned.git("show", "--format=", "--name-only", "HEAD").split("\n")
    assert {listing, manifest} < set(changed)
    assert pinned.git("status", "--porcelain") == ""
    lines = (pinned.path / manifest).read_text().splitlines()
    objects = json.loads((pinned.path / listing).read_text())["objects"]
    assert [f"{item['sha256']}  {item['key']}" for item in objects] == lines
    assert_works(pinned, "hook", "check", "--from", "HEAD~1", "--to", "HEAD")


def test_the_next_version_reads_what_changed(pinned: Repository, data: Path) -> None:
    again = register(pinned, "--bump", "patch")
    assert (train_of(again)["unchanged"], train_of(again)["reused"]) == (True, COUNT)
    assert again["unchanged"]
    (data / "0/part-0").write_text("other\n")
    # a fresh clone has the listing only
    for path in (pinned.path / ".git/mlver/hashing").rglob("*.lines"):
        path.unlink()
    changed = register(pinned, "--bump", "minor", "--data", f"train={data.as_uri()}")
    assert (train_of(changed)["unchanged"], train_of(changed)["reused"]) == (False, COUNT - 1)
    everything = register(pinned, "--bump", "patch", "--hash-all")
    assert train_of(everything)["reused"] == 0
    shown = assert_works(pinned, "diff", "m@1.0.1", "m@1.1.0")
    assert "~  0/part-0" in shown


def test_an_address_that_nobody_typed_here_is_not_read(pinned: Repository, data: Path) -> None:
    shutil.rmtree(pinned.path / ".git/mlver/hashing")
    done = pinned.mlver("register", "m", "--bump", "patch", "-m", "Why")
    assert done.code == 3
    said = f"train lies at {data.as_uri()}, says the repository, and nobody has typed that here"
    assert said in done.err
    hint = f"mlver register m --data train={data.as_uri()} --bump patch -m Why"
    assert f"hint: {hint}\n" in done.err
    assert_works(pinned, *hint.split()[1:])
    assert_works(pinned, "register", "m", "--bump", "patch", "-m", "Why")


def test_looking_reads_nothing_of_it(pinned: Repository, data: Path) -> None:
    data.rename(data.with_name("away"))
    status = assert_works(pinned, "status")
    assert f"train  elsewhere  {data.as_uri()}  {COUNT} files, 74 B, not read" in status
    assert pinned.mlver("status", "--exit-code").code == 0
    verified = assert_works(pinned, "verify", "--all")
    assert "m 1.0.0 train lies at file://" in verified
    assert "nothing of it was read" in verified
    assert "not touched: train" in assert_works(pinned, "checkout", "m")
    assert_works(pinned, "show", "m")
    assert pinned.mlver("doctor", "--json").code == 0
    said = assert_works(pinned, "promote", "m@1.0.0", "--to", "staging", "-m", "Good")
    assert "every byte checked, but not train, at an address" in said


def test_a_stage_can_go_back_to_it(pinned: Repository, data: Path) -> None:
    pinned.write("model.bin", "other weights")
    register(pinned, "--bump", "patch")
    data.rename(data.with_name("away"))
    for version in ("1.0.0", "1.0.1"):
        assert_works(pinned, "promote", f"m@{version}", "--to", "staging", "-m", "Good")
    assert_works(pinned, "rollback", "--stage", "staging", "--checkout", "-m", "Worse")
    assert (pinned.path / "model.bin").read_text() == "weights"


def test_a_dry_run_writes_nothing(pinned: Repository) -> None:
    before = sorted(path for path in (pinned.path / ".git/mlver").rglob("*"))
    document = register(pinned, "--bump", "patch", "--dry-run")
    assert train_of(document)["reused"] == COUNT
    assert sorted(path for path in (pinned.path / ".git/mlver").rglob("*")) == before
    assert pinned.git("status", "--porcelain") == ""


def test_a_listing_that_was_made_elsewhere_is_pinned(pinned: Repository, data: Path) -> None:
    for number in (1, 2):
        assert_works(
            pinned, "hash", data.as_uri(), "--shard", f"{number}/2", "-o", f"s{number}.json"
        )
    assert_works(pinned, "hash", "--merge", "s2.json", "s1.json", "-o", "l.json")
    document = register(pinned, "--bump", "patch", "--listing", "train=l.json")
    assert train_of(document)["digest"] == record_of(pinned, "1.0.0")["digest"]
    done = pinned.mlver("register", "m", "-m", "x", "--bump", "patch", "--listing", "train=s1.json")
    assert "is shard 1/2 only" in done.err
    other = pinned.mlver(
        *("register", "m", "-m", "x", "--bump", "patch"),
        *("--listing", "train=l.json", "--data", f"train={data.as_uri()}/0"),
    )
    assert other.code == 3
    assert "lists file://" in other.err
    lost = pinned.mlver("register", "m", "-m", "x", "--listing", "test=l.json")
    assert (lost.code, "no data set at an address" in lost.err) == (2, True)


def test_an_amended_version_has_the_new_listing_only(pinned: Repository, data: Path) -> None:
    before = record_of(pinned, "1.0.0")
    register(pinned, "--amend", "--data", f"train={data.as_uri()}/0")
    after = record_of(pinned, "1.0.0")
    assert after["files"] == COUNT // 2
    names = {path.stem for path in (pinned.path / ".mlver/listings").iterdir()}
    assert names == {str(after["listing"])[7:]}
    assert after["listing"] != before["listing"]
    register(pinned, "--amend", "--owner", "Kim")
    assert record_of(pinned, "1.0.0") == after
    assert_works(pinned, "verify", "--all")


def test_data_can_come_back_into_the_repository(pinned: Repository) -> None:
    pinned.write("data/a", "a")
    pinned.write(".gitignore", "/model.bin\n/data/\n")
    pinned.commit()
    document = register(pinned, "--bump", "minor", "--data", "train=data")
    assert train_of(document)["stored"]
    assert "listing" not in record_of(pinned, "1.1.0")
    assert "address" not in (pinned.path / MODEL).read_text()
    assert_works(pinned, "verify", "--all")
    assert_works(pinned, "checkout", "m@1.0.0", "--force")
    assert_works(pinned, "checkout", "m@1.1.0", "--force")


def test_weights_at_an_address_are_refused(pinned: Repository, data: Path) -> None:
    done = pinned.mlver("register", "m", "-m", "x", "--weights", data.as_uri())
    assert (done.code, "weights are kept by mlver" in done.err) == (2, True)


def edit_bytes(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def change_listing(repository: Repository, name: str) -> None:
    edit_bytes(repository.path / name, '"size": 6', '"size": 7')


def remove_listing(repository: Repository, name: str) -> None:
    (repository.path / name).unlink()


def break_listing(repository: Repository, name: str) -> None:
    (repository.path / name).write_text("[" * 10_000)


@pytest.mark.parametrize("harm", [change_listing, remove_listing, break_listing])
def test_a_listing_that_is_not_as_it_was_is_damage(
    pinned: Repository, data: Path, harm: Callable[[Repository, str], None]
) -> None:
    name = f".mlver/listings/{str(record_of(pinned, '1.0.0')['listing'])[7:]}.json"
    harm(pinned, name)
    for words in (("verify",), ("verify", "--all"), ("doctor",)):
        done = pinned.mlver(*words)
        assert done.code == 1, words
        assert name in done.out
    pinned.git("commit", "--quiet", "--all", "--no-verify", "-m", "Harm")
    assert pinned.mlver("verify", "--all").code == 1
    assert pinned.mlver("hook", "check", "--from", "HEAD~1", "--to", "HEAD").code != 0
    # what cannot be believed is not taken over, either
    for path in (pinned.path / ".git/mlver/hashing").rglob("*.lines"):
        path.unlink()
    again = register(pinned, "--bump", "patch", "--data", f"train={data.as_uri()}")
    assert train_of(again)["reused"] == 0


def test_an_address_in_model_yaml_that_is_none_is_refused(pinned: Repository) -> None:
    for url in ("s3://bucket/../a", "http://example.org/a", "s3://u:p@bucket"):
        text = (pinned.path / MODEL).read_text()
        lines = [f'    path: "{url}"' if "file:" in line else line for line in text.splitlines()]
        (pinned.path / MODEL).write_text("\n".join(lines) + "\n")
        done = pinned.mlver("register", "m", "-m", "x", "--bump", "patch")
        assert done.code == 3
        assert "a path inside the repository, or an address" in done.err
        (pinned.path / MODEL).write_text(text)
