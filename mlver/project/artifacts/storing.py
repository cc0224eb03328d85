"""The repository's object store, and the measuring that stores what it measures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from mlver.content.delta import decode_part
from mlver.hashing.measure import MeasuredArtifact
from mlver.project.artifacts import measuring as artifact_measuring
from mlver.project.artifacts.agreed_links import AgreedLink
from mlver.project.project import Project
from mlver.storage.local import LocalStore
from mlver.storage.local.deposit import ObjectDeposit
from mlver.storage.local.trash import LocalTrash
from mlver.storage.store import RepositoryStore


def open_store(project: Project) -> RepositoryStore:
    """The object store beside git's own."""
    return open_local(project)


def open_local(project: Project) -> LocalStore:
    """The same, with what only gc does to it."""
    return LocalStore.open_in(project.state_directory, decode_part)


def open_trash(project: Project) -> LocalTrash:
    """What gc does with the files of that store."""
    return LocalTrash(open_local(project))


def open_store_in(folder: Path) -> RepositoryStore:
    """An object store of its own, for contents on their way to somewhere else."""
    return LocalStore.open_in(folder)


def open_batch_deposit(project: Project) -> ObjectDeposit:
    """Open a deposit that also takes whole batches of small files from other processes.

    That is the local store's own ability, which no other store has to promise.
    """
    return open_local(project).open_deposit()


@contextmanager
def open_measurer(
    project: Project, *, store: bool, agreed: Collection[AgreedLink] | None = None
) -> Iterator[Callable[..., MeasuredArtifact]]:
    """Yields `measure(path, store=…)`.

    What it stores is there, all of it durably, once the block has ended. `agreed` are the links
    that are followed, as in `find_followed`.
    """
    deposit = None
    if store:
        deposit = open_batch_deposit(project)
    with deposit or nullcontext():

        def measure_artifact(path: str, *, store: bool) -> MeasuredArtifact:
            # Where others keep the bytes, such as DVC, links may lead to what they keep.
            sink = deposit if store else None
            return artifact_measuring.measure_into(
                project, path, sink, follow=not store, agreed=agreed
            )

        yield measure_artifact
