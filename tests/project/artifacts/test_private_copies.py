"""Private copies of artifacts for programs: proven each time, and made by one process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Container
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.artifacts import private_copies
from mlver.project.project import Project
from mlver.storage.local import LocalStore
from mlver.system import durable, lock
from mlver.system.folders import FolderTree
from tests.conftest import CHECKOUT, Repository
from tests.project.artifacts.helpers import (
    as_bytes,
)
from tests.project.helpers import (
    Files,
    flip_bit,
    read_tree,
    store_version,
    write_artifact,
)


@pytest.mark.parametrize("files", ["one", {"a": "1", "d/b": "2"}], ids=["file", "directory"])
def test_a_private_copy_is_proven_each_time(
    project: Project, repository: Repository, files: Files | str
) -> None:
    write_artifact(repository, "models/net.safetensors", files)
    record = store_version(project, weights="models/net.safetensors")
    place = private_copies.make_private_copy(project, record.weights)
    assert place.is_relative_to(project.state_directory)
    assert place.name == "net.safetensors"
    assert private_copies.make_private_copy(project, record.weights) == place
    damaged = place if place.is_file() else place / "d/b"
    flip_bit(damaged)
    private_copies.make_private_copy(project, record.weights)
    assert (place.read_bytes() if place.is_file() else read_tree(place)) == as_bytes(files)


def test_a_private_copy_with_strange_files_is_refused(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", {"a": "1"})
    record = store_version(project, weights="w")
    place = private_copies.make_private_copy(project, record.weights)
    (place / "stranger").write_text("x")
    with pytest.raises(MlverError, match="holds files that do not belong to w") as refused:
        private_copies.make_private_copy(project, record.weights)
    assert refused.value.hint == f"mv -- {place.parent} {place.parent}.other"


@pytest.mark.parametrize(
    "link", ["checkouts", "checkouts/{digest}", "checkouts/{digest}/w", "checkouts/{digest}/w/d"]
)
def test_a_private_copy_is_never_written_through_a_symlink(
    project: Project, repository: Repository, outside: Path, link: str
) -> None:
    write_artifact(repository, "models/w", {"a": "one", "d/b": "2"})
    record = store_version(project, weights="models/w")
    place = project.state_directory / link.format(digest=record.weights.digest.hex)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside)
    (outside / "w").mkdir()
    (outside / "w/a").write_text("precious")
    before = read_tree(outside)
    with pytest.raises(MlverError, match="passes through the symlink"):
        private_copies.make_private_copy(project, record.weights)
    assert read_tree(outside) == before


def test_a_private_copy_leaves_no_temporaries_of_dead_processes(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "models/w", {"a": "1", "d/b": "2"})
    record = store_version(project, weights="models/w")
    place = private_copies.make_private_copy(project, record.weights)
    (place / "d" / f"{durable.TEMPORARY}1").write_text("half")
    flip_bit(place / "a")
    private_copies.make_private_copy(project, record.weights)
    assert read_tree(place) == {"a": b"1", "d/b": b"2"}


def test_processes_that_want_the_same_private_copy_all_get_it(
    project: Project, repository: Repository
) -> None:
    write_artifact(
        repository, "models/w", {f"{number:03}": f"{number}" * 1000 for number in range(300)}
    )
    record = store_version(project, weights="models/w")
    program = (
        "import sys; from pathlib import Path;"
        "from mlver.project.artifacts import measuring, private_copies;"
        "from mlver.project.project import Project;"
        "project = Project.open_existing(Path(sys.argv[1]));"
        "record, _ = project.registry.read_version('m', '1.0.0');"
        "copy = private_copies.make_private_copy(project, record.weights);"
        "print(measuring.measure_path(copy).digest)"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, project.top_folder],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    assert [process.communicate() for process in running] == [
        (f"{record.weights.digest}\n", "")
    ] * 4


def test_a_private_copy_is_made_by_who_holds_the_lock(
    project: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_artifact(repository, "models/w", {"a": "1"})
    record = store_version(project, weights="models/w")
    export = LocalStore.export_objects

    def watched(
        store: LocalStore,
        wanted: list[tuple[Digest, Path]],
        tree: FolderTree | None = None,
        executable: Container[str] = (),
    ) -> None:
        # a second descriptor is another holder to flock(2), in this process too
        with (
            pytest.raises(MlverError, match="another mlver is writing"),
            lock.hold_lock(store.directory / "checkouts", 0),
        ):
            pass
        export(store, wanted, tree=tree, executable=executable)

    monkeypatch.setattr(LocalStore, "export_objects", watched)
    assert read_tree(private_copies.make_private_copy(project, record.weights)) == {"a": b"1"}
