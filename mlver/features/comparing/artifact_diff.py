"""Two snapshots' artifacts compared, by content first and by file only where the content differs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mlver.features.comparing.snapshot import ModelSnapshot, PinnedArtifact
from mlver.records.manifest import Manifest, compare_manifests

ArtifactState = Literal["unchanged", "changed", "added", "removed", "missing"]


@dataclass(frozen=True, slots=True)
class RenamedFile:
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDiff:
    """An artifact on both sides or one; `missing`: its place in the work tree is empty. Sizes are in bytes."""

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
    for name in [*new.artifacts, *(name for name in old.artifacts if name not in new.artifacts)]:
        yield _compare_artifact(name, old.artifacts.get(name), new.artifacts.get(name))


def _compare_artifact(
    name: str, old: PinnedArtifact | None, new: PinnedArtifact | None
) -> ArtifactDiff:
    state = _find_state(old, new)
    there = new or old
    assert there is not None
    before = Manifest(old.entries() if old and state == "changed" else ())
    after = Manifest(new.entries() if new and state == "changed" else ())
    files = compare_manifests(before, after)
    return ArtifactDiff(
        name=name,
        path=there.path,
        state=state,
        old_digest=str(old.digest) if old and old.digest else None,
        new_digest=str(new.digest) if new and new.digest else None,
        old_size=old.size if old else 0,
        new_size=new.size if new else 0,
        old_files=old.files if old else 0,
        new_files=new.files if new else 0,
        added=_decode_names(files.added),
        removed=_decode_names(files.removed),
        changed=_decode_names(files.changed),
        renamed=tuple(RenamedFile(os.fsdecode(a), os.fsdecode(b)) for a, b in files.renamed),
    )


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
