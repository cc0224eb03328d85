"""Two snapshots' artifacts compared: by content first, by file only where it differs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mlver.features.comparing.snapshot import ModelSnapshot, PinnedArtifact
from mlver.records.manifest import Manifest, ManifestComparison, compare_manifests

ArtifactState = Literal["unchanged", "changed", "added", "removed", "missing"]


@dataclass(frozen=True, slots=True)
class RenamedFile:
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDiff:
    """An artifact on one side or both. Sizes are in bytes.

    `missing` means that its place in the work tree is empty.
    """

    name: str
    path: str
    state: ArtifactState
    old_digest: str | None
    new_digest: str | None
    old_size: int
    new_size: int
    old_files: int
    new_files: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    renamed: tuple[RenamedFile, ...] = ()


def compare_artifacts(old: ModelSnapshot, new: ModelSnapshot) -> Iterator[ArtifactDiff]:
    """Every artifact of either side, the new side's first."""
    for name in dict.fromkeys([*new.artifacts, *old.artifacts]):
        yield _compare_artifact(name, old.artifacts.get(name), new.artifacts.get(name))


def _compare_artifact(
    name: str, old: PinnedArtifact | None, new: PinnedArtifact | None
) -> ArtifactDiff:
    state = _find_state(old, new)
    pinned = new or old
    assert pinned is not None
    files = ManifestComparison((), (), (), ())
    if state == "changed" and old is not None and new is not None:
        files = compare_manifests(Manifest(old.entries()), Manifest(new.entries()))
    renamed = [
        RenamedFile(os.fsdecode(old_name), os.fsdecode(new_name))
        for old_name, new_name in files.renamed
    ]
    return ArtifactDiff(
        name=name,
        path=pinned.path,
        state=state,
        old_digest=_show_digest(old),
        new_digest=_show_digest(new),
        old_size=old.size if old else 0,
        new_size=new.size if new else 0,
        old_files=old.files if old else 0,
        new_files=new.files if new else 0,
        added=_decode_names(files.added),
        removed=_decode_names(files.removed),
        changed=_decode_names(files.changed),
        renamed=tuple(renamed),
    )


def _show_digest(artifact: PinnedArtifact | None) -> str | None:
    if artifact is None or artifact.digest is None:
        return None
    return str(artifact.digest)


def _find_state(old: PinnedArtifact | None, new: PinnedArtifact | None) -> ArtifactState:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    if new.digest is None:
        return "missing"
    return "unchanged" if old.digest == new.digest else "changed"


def _decode_names(names: tuple[bytes, ...]) -> tuple[str, ...]:
    return tuple(map(os.fsdecode, names))
