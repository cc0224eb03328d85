"""Settings files that still hold both sides: merged key by key, or left to a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlver.errors import InvalidDocument, shell_command
from mlver.features.merging import settings_merge
from mlver.findings import Finding
from mlver.project.registry.committed import CommittedRecords


@dataclass(frozen=True, slots=True)
class MergedSettings:
    """`files` is what the settled files are to hold; `left` is what a person has to decide."""

    files: Mapping[str, bytes]
    left: tuple[Finding, ...]


def merge_unmerged_settings(
    base: CommittedRecords,
    ours: CommittedRecords,
    theirs: CommittedRecords,
    unmerged: Iterable[str],
) -> MergedSettings:
    """Merge those of the `unmerged` paths that are settings."""
    files: dict[str, bytes] = {}
    left: list[Finding] = []
    for path in sorted(unmerged):
        sides = base.read_file(path), ours.read_file(path), theirs.read_file(path)
        merged = _merge_file(path, *sides)
        if isinstance(merged, Finding):
            left.append(merged)
        else:
            files[path] = merged
    return MergedSettings(files, tuple(left))


def _merge_file(
    path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None
) -> bytes | Finding:
    add = shell_command("git", "add", path)
    settle = (shell_command("git", "diff", "--", path), add)
    if settings_merge.find_kind(path) is None:
        return Finding("conflict", path, "is not mlver's to settle", settle)
    if ours is None or theirs is None:
        deleting = "ours" if ours is None else "theirs"
        keep_or_drop = (add, shell_command("git", "rm", path))
        return Finding("conflict", path, f"was deleted by {deleting}", keep_or_drop)
    try:
        data, clashes = settings_merge.merge_settings(path, base, ours, theirs)
    except InvalidDocument as error:
        return Finding("settings", path, f"cannot be read: {'; '.join(error.faults)}", settle)
    if clashes:
        return Finding("conflict", path, f"both sides set {', '.join(clashes)}", settle)
    return data
