"""Two snapshots' artifacts compared: by content first, by file only where it differs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mlver.features.comparing.snapshot import ModelSnapshot, PinnedArtifact
from mlver.project.artifacts.pointers import describe_pointers
from mlver.records.manifest import Manifest, ManifestComparison, compare_manifests

ArtifactState = Literal[
    "unchanged", "changed", "added", "removed", "missing", "pointer", "unreadable", "elsewhere"
]
_ABSENT = PinnedArtifact(path="", digest=None, size=0, files=0, form=None, entries=lambda: ())


@dataclass(frozen=True, slots=True)
class RenamedFile:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ModeChange:
    """A file of both sides that may be executed on one of them: the new one, or the old one."""

    path: str
    executable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDiff:
    """An artifact on one side or both. Sizes are in bytes.

    `missing` means that its place in the work tree is empty, or that links there lead nowhere;
    `pointer` that files there stand in place of content, which `fetch` fetches; `unreadable` that
    something there cannot be read, and why; `elsewhere` that it lies at an address, which nobody
    read for this.
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
    modes: tuple[ModeChange, ...] = ()
    pointer: str | None = None
    fetch: str | None = None
    unreadable: str | None = None


def compare_artifacts(old: ModelSnapshot, new: ModelSnapshot) -> Iterator[ArtifactDiff]:
    """Every artifact of either side, the new side's first."""
    for artifact_name in dict.fromkeys([*new.artifacts, *old.artifacts]):
        yield _compare_artifact(
            artifact_name, old.artifacts.get(artifact_name), new.artifacts.get(artifact_name)
        )


def _compare_artifact(
    name: str, old: PinnedArtifact | None, new: PinnedArtifact | None
) -> ArtifactDiff:
    state = _find_state(old, new)
    before = old or _ABSENT
    after = new or _ABSENT
    file_changes = ManifestComparison((), (), (), ())
    # To list the files takes a while, and says something only where the content differs.
    if state == "changed" and before.digest != after.digest:
        file_changes = compare_manifests(Manifest(before.entries()), Manifest(after.entries()))
    renamed: list[RenamedFile] = []
    for old_name, new_name in file_changes.renamed:
        renamed.append(RenamedFile(os.fsdecode(old_name), os.fsdecode(new_name)))
    return ArtifactDiff(
        name=name,
        path=after.path or before.path,
        state=state,
        old_digest=_format_digest(before),
        new_digest=_format_digest(after),
        old_size=before.size,
        new_size=after.size,
        old_files=before.files,
        new_files=after.files,
        added=_decode_names(file_changes.added),
        removed=_decode_names(file_changes.removed),
        changed=_decode_names(file_changes.changed),
        renamed=tuple(renamed),
        modes=_list_mode_changes(before, after, file_changes),
        pointer=describe_pointers(after.path, after.pointers) or None,
        fetch=after.pointers[0].hint if after.pointers else after.remedy,
        unreadable=after.unreadable,
    )


def _find_other_modes(old: PinnedArtifact, new: PinnedArtifact) -> frozenset[bytes]:
    if old.executable is None or new.executable is None:
        return frozenset()
    different = old.executable ^ new.executable
    return different if different and new.has_modes() else frozenset()


def _list_mode_changes(
    old: PinnedArtifact, new: PinnedArtifact, changes: ManifestComparison
) -> tuple[ModeChange, ...]:
    """The files of both sides whose executable bit differs, in order."""
    one_sided = {*changes.added, *changes.removed}
    for names in changes.renamed:
        one_sided.update(names)
    mode_changes: list[ModeChange] = []
    for name in sorted(_find_other_modes(old, new) - one_sided):
        mode_changes.append(ModeChange(os.fsdecode(name), name in (new.executable or ())))
    return tuple(mode_changes)


def _format_digest(artifact: PinnedArtifact) -> str | None:
    if artifact.digest is None:
        return None
    return str(artifact.digest)


def _find_state(old: PinnedArtifact | None, new: PinnedArtifact | None) -> ArtifactState:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    if new.elsewhere:
        return "elsewhere"
    if new.unreadable is not None:
        return "unreadable"
    if new.digest is None or new.dangling:
        return "missing"
    if old.digest == new.digest:
        return "changed" if _find_other_modes(old, new) else "unchanged"
    if new.pointers:
        return "pointer"
    return "changed"


def _decode_names(names: tuple[bytes, ...]) -> tuple[str, ...]:
    return tuple(map(os.fsdecode, names))
