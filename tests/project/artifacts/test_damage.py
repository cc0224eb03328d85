"""Bytes proven: what is whole, and what is named where it is not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.hashing.measure import MeasuredArtifact
from mlver.project.artifacts import damage, measuring, repair, storing
from mlver.project.artifacts.measuring import measure_path
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.records import layout
from mlver.storage.local import LocalStore
from mlver.storage.store import RepositoryStore
from tests.conftest import Repository
from tests.project.helpers import flip_bit, remove_path, store_version, write_artifact

LARGE = b"large " * 400_000


def places(project: Project, data: bytes) -> list[tuple[Path, int]]:
    hexadecimal = Digest.of_bytes(data).hex
    return [
        (Path(place.path), place.offset)
        for place in LocalStore.open_in(project.state_directory).find_locations({hexadecimal})[
            hexadecimal
        ]
    ]


def test_a_whole_version_is_proven_with_its_size(project: Project, repository: Repository) -> None:
    write_artifact(repository, "w", LARGE)
    write_artifact(repository, "d", {"a": "12", "b": "345"})
    record = store_version(project, weights="w", train="d")
    assert damage.require_whole(project, record, repairing=True).size == len(LARGE) + 5
    assert damage.find_damage(project, [record]).broken == ()


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["packed", "loose"])
def test_a_damaged_object_is_named_by_its_use_and_set_aside(
    project: Project, repository: Repository, data: bytes
) -> None:
    write_artifact(repository, "w", {"a": data, "b": b"fine"})
    record = store_version(project, weights="w")
    ((path, offset),) = places(project, data)
    flip_bit(path, offset)
    found = damage.find_damage(project, [record])
    assert [(link.kind, link.subject) for link in found.lost] == [("object", "m 1.0.0 weights/a")]
    assert "is damaged" in found.lost[0].message
    assert found.copies == {Digest.of_bytes(data)}
    with pytest.raises(
        MlverError, match=r"m 1\.0\.0 cannot be had whole:\n  m 1\.0\.0 weights/a: is damaged"
    ) as refused:
        damage.require_whole(project, record, repairing=True)
    assert refused.value.hint
    assert any((project.state_directory / "quarantine").iterdir())
    write_artifact(repository, "again", data)
    store_version(project, "2.0.0", weights="again")
    assert damage.require_whole(project, record).size == len(data) + 4


def test_a_lost_object_and_a_lost_manifest_are_named(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", LARGE)
    write_artifact(repository, "d", {"a": "1", "b": "2"})
    record = store_version(project, weights="w", train="d")
    ((path, _),) = places(project, LARGE)
    path.unlink()
    manifest = repository.path / layout.manifest_path(record.data["train"].digest)
    manifest.write_bytes(manifest.read_bytes().replace(b"  b", b"  c"))
    found = damage.find_damage(project, [record])
    assert [(link.kind, link.subject) for link in found.lost] == [
        ("manifest", "m 1.0.0 train"),
        ("object", "m 1.0.0 weights"),
    ]
    manifest.unlink()
    assert (
        "is missing: it lists the files of d"
        in damage.find_damage(project, [record]).lost[0].message
    )


def test_damage_to_what_no_version_uses_is_found_only_when_everything_is_read(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", "one")
    record = store_version(project, weights="w")
    write_artifact(repository, "other", LARGE)
    store_version(project, "2.0.0", weights="other")
    ((path, offset),) = places(project, LARGE)
    flip_bit(path, offset)
    assert damage.find_damage(project, [record]).broken == ()
    found = damage.find_damage(project, [record], everything=True)
    assert len(found.broken) == 1
    assert found.lost == ()


def test_weights_that_are_not_stored_are_looked_for_in_the_work_tree(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", "one")
    made = store_version(project, weights="w")
    record = replace(made, weights=replace(made.weights, stored=False))
    assert damage.require_whole(project, record).size == 3
    write_artifact(repository, "w", "two")
    assert [link.message for link in damage.find_damage(project, [record]).lost] == [
        "is not stored by mlver, and w holds other bytes; put it back as it was, from wherever it "
        "is kept"
    ]
    remove_path(repository.path / "w")
    with pytest.raises(MlverError, match="and w is not there"):
        damage.require_whole(project, record)


def test_a_working_file_is_hashed_once_and_the_store_opened_once_however_much_is_missing(
    project: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = []
    for number in range(4):
        write_artifact(repository, "w", f"weights {number}")
        records.append(store_version(project, f"{number + 1}.0.0", weights="w"))
    shutil.rmtree(project.state_directory / "packs")
    hashed: list[Path] = []
    opened: list[Project] = []

    def measure(location: Path) -> MeasuredArtifact:
        hashed.append(location)
        return measure_path(location)

    def open_one(opening: Project) -> RepositoryStore:
        opened.append(opening)
        return open_store(opening)

    monkeypatch.setattr(measuring, "measure_path", measure)
    monkeypatch.setattr(storing, "open_store", open_one)
    found = damage.find_damage(project, records)
    assert len(found.lost) == 4
    assert [finding.hints[:1] == ("mlver doctor --fix",) for finding in found.lost] == [
        *(False, False, False),
        True,
    ]
    assert hashed == [project.top_folder / "w"]
    assert len(opened) == 1
    losses = repair.find_losses(project).losses
    assert len(losses) == 4
    assert len(hashed) == 2
    repair.restore_objects(project, losses)
    assert len(hashed) == 3
    assert len(repair.find_losses(project).losses) == 3


def test_of_much_damage_the_first_is_shown_and_the_rest_counted(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", {str(number): str(number) for number in range(15)})
    record = store_version(project, weights="w")
    ((pack, _),) = places(project, b"1")
    pack.unlink()
    with pytest.raises(MlverError, match=r"and 5 more$") as refused:
        damage.require_whole(project, record)
    assert refused.value.message.count("is missing") == 10
