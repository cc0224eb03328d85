"""What holds a stage is kept whole: no damage to another version's file reaches it."""

from __future__ import annotations

from contextlib import suppress

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.artifacts.pinned import stored_files
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project, ResolvedRef


def store_whole(project: Project, chosen: ResolvedRef) -> None:
    """Store those files of a version whole that `gc` keeps in parts.

    Raise ObjectDamaged, which names the part, where one of their parts is damaged.
    """
    record, _ = project.registry.read_version(chosen.model, chosen.version)
    digests: list[Digest] = []
    for artifact in record.named_artifacts().values():
        if artifact.stored:
            # A manifest that is not there is for `verify` to name.
            with suppress(MlverError):
                digests += [Digest(digest) for _, digest in stored_files(project, artifact)]
    open_store(project).store_whole(digests)
