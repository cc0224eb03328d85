"""What a version pins: measured, stored, proven byte by byte, and compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project import artifacts, layout
from mlver.project.project import Project
from mlver.project.reporter import Silent
from mlver.records.model import ArtifactSettings, ModelSettings
from tests.conftest import Repository
from tests.project.ground import flip, kept, lay, remove

LARGE = b"large " * 400_000


def places(project: Project, data: bytes) -> list[tuple[Path, int]]:
    hexadecimal = Digest.of(data).hex
    return [(Path(place.path), place.offset) for place in artifacts.store(project).places({hexadecimal})[hexadecimal]]


def test_the_contents_of_a_file_and_of_a_directory(project: Project, repository: Repository) -> None:
    lay(repository, "w", "one")
    lay(repository, "d", {"b": "2", "a/c": "1"})
    record = kept(project, weights="w", train="d")
    assert artifacts.contents(project, record.weights) == ((b"", Digest.of(b"one").hex),)
    assert artifacts.contents(project, record.data["train"]) == (
        (b"a/c", Digest.of(b"1").hex),
        (b"b", Digest.of(b"2").hex),
    )
    assert (record.data["train"].size, record.data["train"].files) == (2, 2)


def test_a_file_that_reads_like_a_directory_kept_here_is_refused(project: Project, repository: Repository) -> None:
    lay(repository, "d", {"a": "1", "b": "2"})
    record = kept(project, weights="d")
    lay(repository, "w", (repository.path / layout.manifest(record.weights.digest)).read_bytes())
    with pytest.raises(MlverError, match="holds exactly the manifest of a directory"):
        kept(project, "2.0.0", weights="w")


def test_what_is_not_there_or_holds_no_file_is_nothing(project: Project, repository: Repository) -> None:
    (repository.path / "empty/deep").mkdir(parents=True)
    (repository.path / "dangling").symlink_to("nowhere")
    for path in ("nowhere", "empty", "dangling"):
        assert artifacts.measure_at(project, path) is None
    lay(repository, "real", {"a": "1"})
    (repository.path / "empty/link").symlink_to("../real")
    found = artifacts.measure_at(project, "empty")
    assert found is not None
    assert found.files == 1


def test_what_cannot_be_kept_is_named_even_without_any_file(project: Project, repository: Repository) -> None:
    (repository.path / "w").mkdir()
    (repository.path / "w/dangling").symlink_to("nowhere")
    with pytest.raises(MlverError, match="dangling is a symlink to nowhere, which does not exist"):
        artifacts.measure_at(project, "w")


def test_working_files_that_differ_are_named(project: Project, repository: Repository) -> None:
    lay(repository, "w", {"same": "1", "edited": "2", "gone": "3"})
    record = kept(project, weights="w")
    assert artifacts.differing(project, record.weights) == []
    lay(repository, "w", {"same": "1", "edited": "x", "new": "4"})
    assert artifacts.differing(project, record.weights) == ["w/edited", "w/gone", "w/new"]
    remove(repository.path / "w")
    assert artifacts.differing(project, record.weights) == ["w"]


class Heard(Silent):
    """What was begun with which total, and how much of it was done."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int | None]] = []
        self.done: list[int] = []

    def begin(self, what: str, total: int | None) -> None:
        self.begun.append((what, total))
        self.done.append(0)

    def advance(self, count: int) -> None:
        self.done[-1] += count


def test_totals_are_told_where_they_are_known(project: Project, repository: Repository) -> None:
    lay(repository, "w", LARGE)
    lay(repository, "d", {"a": "12", "b": "345"})
    heard = Heard()
    project = replace(project, reporter=heard)
    record = kept(project, weights="w", train="d")
    artifacts.measure_at(project, "w", fresh=True)
    artifacts.prove(project, record, repairing=True)
    artifacts.damage(project, [], everything=True)
    size, whole = len(LARGE), len(LARGE) + 5
    assert heard.begun == [
        ("hashing w", size),
        ("hashing d", None),
        ("hashing w", size),
        ("checking objects", whole),
        ("checking objects", whole),
    ]
    assert heard.done == [size, 5, size, whole, whole]


# -- proving ---------------------------------------------------------------------------------------------------------


def test_a_whole_version_is_proven_with_its_size(project: Project, repository: Repository) -> None:
    lay(repository, "w", LARGE)
    lay(repository, "d", {"a": "12", "b": "345"})
    record = kept(project, weights="w", train="d")
    assert artifacts.prove(project, record, repairing=True) == len(LARGE) + 5
    assert artifacts.damage(project, [record]).broken == ()


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["packed", "loose"])
def test_a_damaged_object_is_named_by_its_use_and_set_aside(
    project: Project, repository: Repository, data: bytes
) -> None:
    lay(repository, "w", {"a": data, "b": b"fine"})
    record = kept(project, weights="w")
    ((path, offset),) = places(project, data)
    flip(path, offset)
    found = artifacts.damage(project, [record])
    assert [(link.kind, link.subject) for link in found.lost] == [("object", "m 1.0.0 weights/a")]
    assert "is damaged" in found.lost[0].message
    assert found.copies == {Digest.of(data)}
    with pytest.raises(
        MlverError, match=r"m 1\.0\.0 cannot be had whole:\n  m 1\.0\.0 weights/a: is damaged"
    ) as refused:
        artifacts.prove(project, record, repairing=True)
    assert refused.value.hint
    assert any((project.directory / "quarantine").iterdir())
    lay(repository, "again", data)
    kept(project, "2.0.0", weights="again")
    assert artifacts.prove(project, record) == len(data) + 4


def test_a_lost_object_and_a_lost_manifest_are_named(project: Project, repository: Repository) -> None:
    lay(repository, "w", LARGE)
    lay(repository, "d", {"a": "1", "b": "2"})
    record = kept(project, weights="w", train="d")
    ((path, _),) = places(project, LARGE)
    path.unlink()
    manifest = repository.path / layout.manifest(record.data["train"].digest)
    manifest.write_bytes(manifest.read_bytes().replace(b"  b", b"  c"))
    found = artifacts.damage(project, [record])
    assert [(link.kind, link.subject) for link in found.lost] == [
        ("manifest", "m 1.0.0 train"),
        ("object", "m 1.0.0 weights"),
    ]
    manifest.unlink()
    assert "is missing: it lists the files of d" in artifacts.damage(project, [record]).lost[0].message


def test_damage_to_what_no_version_uses_is_found_only_when_everything_is_read(
    project: Project, repository: Repository
) -> None:
    lay(repository, "w", "one")
    record = kept(project, weights="w")
    lay(repository, "other", LARGE)
    kept(project, "2.0.0", weights="other")
    ((path, offset),) = places(project, LARGE)
    flip(path, offset)
    assert artifacts.damage(project, [record]).broken == ()
    found = artifacts.damage(project, [record], everything=True)
    assert len(found.broken) == 1
    assert found.lost == ()


def test_weights_that_are_not_stored_are_looked_for_in_the_work_tree(project: Project, repository: Repository) -> None:
    lay(repository, "w", "one")
    made = kept(project, weights="w")
    record = replace(made, weights=replace(made.weights, stored=False))
    assert artifacts.prove(project, record) == 0
    lay(repository, "w", "two")
    assert [link.message for link in artifacts.damage(project, [record]).lost] == [
        "is not stored by mlver, and w holds other bytes"
    ]
    remove(repository.path / "w")
    with pytest.raises(MlverError, match="and w is not there"):
        artifacts.prove(project, record)


def test_of_much_damage_the_first_is_shown_and_the_rest_counted(project: Project, repository: Repository) -> None:
    lay(repository, "w", {str(number): str(number) for number in range(15)})
    record = kept(project, weights="w")
    ((pack, _),) = places(project, b"1")
    pack.unlink()
    with pytest.raises(MlverError, match=r"and 5 more$") as refused:
        artifacts.prove(project, record)
    assert refused.value.message.count("is missing") == 10


# -- what is no dirt -------------------------------------------------------------------------------------------------


def test_paths_that_a_record_pins_are_its_own() -> None:
    settings = ModelSettings(
        model="m",
        weights=ArtifactSettings(path="models/w"),
        data={"train": ArtifactSettings(path="data/train")},
        params=("params.yaml",),
        metrics=("out/metrics.json",),
    )
    own = artifacts.own_paths(settings)
    mine = ["models/w", "models/w/a", "data/train/", "params.yaml", "out/metrics.json", ".mlver/config.yaml"]
    assert [path for path in mine if not own.covers(path)] == []
    others = ["models/w2", "models", "data/trainer", "params.yaml.bak", "out/", ".mlver2", "train.py"]
    assert [path for path in others if own.covers(path)] == []
    assert own.reach_into("out/")
    assert own.reach_into("data/")
    assert not own.reach_into("other/")
