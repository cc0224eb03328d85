"""What a version pins: measured and compared."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.artifacts import damage, measuring
from mlver.project.project import Project
from mlver.project.reporter import SilentReporter
from mlver.records import layout
from mlver.records.model import ArtifactSettings, ModelSettings
from tests.conftest import Repository
from tests.project.helpers import remove_path, store_version, write_artifact

LARGE = b"large " * 400_000


def test_the_contents_of_a_file_and_of_a_directory(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", "one")
    write_artifact(repository, "d", {"b": "2", "a/c": "1"})
    record = store_version(project, weights="w", train="d")
    assert measuring.list_entries(project, record.weights) == ((b"", Digest.of_bytes(b"one").hex),)
    assert measuring.list_entries(project, record.data["train"]) == (
        (b"a/c", Digest.of_bytes(b"1").hex),
        (b"b", Digest.of_bytes(b"2").hex),
    )
    assert (record.data["train"].size, record.data["train"].files) == (2, 2)


def test_a_file_that_reads_like_a_directory_kept_here_is_refused(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "d", {"a": "1", "b": "2"})
    record = store_version(project, weights="d")
    write_artifact(
        repository,
        "w",
        (repository.path / layout.manifest_path(record.weights.digest)).read_bytes(),
    )
    with pytest.raises(MlverError, match="holds exactly the manifest of a directory"):
        store_version(project, "2.0.0", weights="w")


def test_what_is_not_there_or_holds_no_file_is_nothing(
    project: Project, repository: Repository
) -> None:
    (repository.path / "empty/deep").mkdir(parents=True)
    (repository.path / "dangling").symlink_to("nowhere")
    for path in ("nowhere", "empty", "dangling"):
        assert measuring.measure_at(project, path) is None
    write_artifact(repository, "real", {"a": "1"})
    (repository.path / "empty/link").symlink_to("../real")
    found = measuring.measure_at(project, "empty")
    assert found is not None
    assert found.files == 1


def test_what_cannot_be_kept_is_named_even_without_any_file(
    project: Project, repository: Repository
) -> None:
    (repository.path / "w").mkdir()
    (repository.path / "w/dangling").symlink_to("nowhere")
    with pytest.raises(MlverError, match="dangling is a symlink to nowhere, which does not exist"):
        measuring.measure_into(project, "w", None)
    # nothing is lost there, and nobody who only looks is stopped
    assert measuring.measure_at(project, "w") is None
    os.mkfifo(repository.path / "w/pipe")
    with pytest.raises(MlverError, match="pipe is a FIFO, which has no content to keep"):
        measuring.measure_at(project, "w")


def test_working_files_that_differ_are_named(project: Project, repository: Repository) -> None:
    write_artifact(repository, "w", {"same": "1", "edited": "2", "gone": "3"})
    record = store_version(project, weights="w")
    assert list(measuring.find_changed_files(project, record.weights)) == []
    write_artifact(repository, "w", {"same": "1", "edited": "x", "new": "4"})
    assert list(measuring.find_changed_files(project, record.weights)) == [
        "w/edited",
        "w/gone",
        "w/new",
    ]
    remove_path(repository.path / "w")
    assert list(measuring.find_changed_files(project, record.weights)) == ["w"]


class Heard(SilentReporter):
    """What was begun with which total, and how much of it was done."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int | None]] = []
        self.done: list[int] = []

    def begin_work(self, what: str, total: int | None) -> None:
        self.begun.append((what, total))
        self.done.append(0)

    def advance_work(self, count: int) -> None:
        self.done[-1] += count


def test_totals_are_told_where_they_are_known(project: Project, repository: Repository) -> None:
    write_artifact(repository, "w", LARGE)
    write_artifact(repository, "d", {"a": "12", "b": "345"})
    heard = Heard()
    project = replace(project, reporter=heard)
    record = store_version(project, weights="w", train="d")
    measuring.measure_at(project, "w", fresh=True)
    damage.require_whole(project, record, repairing=True)
    damage.find_damage(project, [], everything=True)
    size, whole = len(LARGE), len(LARGE) + 5
    assert heard.begun == [
        ("hashing w", size),
        ("hashing d", None),
        ("hashing w", size),
        ("checking objects", whole),
        ("checking objects", whole),
    ]
    assert heard.done == [size, 5, size, whole, whole]


def test_paths_that_a_record_pins_are_its_own(project: Project, repository: Repository) -> None:
    (repository.path / "params.yaml").symlink_to("conf/base.yaml")
    repository.write("conf/base.yaml", "lr: 1")
    settings = ModelSettings(
        model="m",
        weights=ArtifactSettings(path="models/w"),
        data={"train": ArtifactSettings(path="data/train")},
        params=("params.yaml",),
        metrics=("out/metrics.json",),
    )
    own = measuring.collect_own_paths(project, settings)
    mine = [
        "models/w",
        "models/w/a",
        "data/train/",
        "params.yaml",
        "conf/base.yaml",
        "out/metrics.json",
        ".mlver/config.yaml",
    ]
    assert [path for path in mine if not own.covers_path(path)] == []
    others = [
        "models/w2",
        "models",
        "data/trainer",
        "params.yaml.bak",
        "out/",
        ".mlver2",
        "train.py",
    ]
    assert [path for path in others if own.covers_path(path)] == []
    assert own.reach_into("out/")
    assert own.reach_into("data/")
    assert not own.reach_into("other/")
