"""Where the bytes of weights are looked for, and where there are none."""

from __future__ import annotations

import shutil

from mlver.content.tensors.sources import read_bytes
from mlver.digest import Digest
from mlver.project.artifacts.tensor_sources import open_sources
from mlver.project.project import Project
from tests.conftest import Repository
from tests.project.helpers import initialise_project, register_one, write_artifact

WEIGHTS = b"some weights"


def read_object(project: Project, digest: Digest) -> bytes | None:
    with open_sources(Project.open_existing(project.top_folder)) as opener:
        source = opener.open_object(digest)
        return None if source is None else read_bytes(source, 0, source.size)


def test_a_clone_without_a_store_has_no_object(repository: Repository) -> None:
    """There is no folder either in which one could be put together."""
    project = initialise_project(repository)
    write_artifact(repository, "w", WEIGHTS.decode())
    repository.commit("Start")
    register_one(project)
    assert read_object(project, Digest.of_bytes(WEIGHTS)) == WEIGHTS
    shutil.rmtree(project.state_directory)
    assert read_object(project, Digest.of_bytes(WEIGHTS)) is None
    assert not project.state_directory.exists()
