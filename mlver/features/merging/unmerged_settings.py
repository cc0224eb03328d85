"""Files that still hold both sides.

Settings are merged key by key, what both sides kept of the same bytes is kept once, and all else is
left to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlver.errors import InvalidDocument, shell_command
from mlver.features.merging import settings_merge
from mlver.findings import Finding
from mlver.project.audit.kept_files import choose_kept
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
    """Merge those of the `unmerged` paths that are settings, or kept of the same bytes."""
    merged_files: dict[str, bytes] = {}
    findings: list[Finding] = []
    for settings_path in sorted(unmerged):
        side_contents = (
            base.read_file(settings_path),
            ours.read_file(settings_path),
            theirs.read_file(settings_path),
        )
        merged = _merge_file(settings_path, *side_contents)
        if isinstance(merged, Finding):
            findings.append(merged)
        else:
            merged_files[settings_path] = merged
    return MergedSettings(merged_files, tuple(findings))


def _merge_file(
    path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None
) -> bytes | Finding:
    add_command = shell_command("git", "add", path)
    settle_commands = (shell_command("git", "diff", "--", path), add_command)
    kept = None if ours is None or theirs is None else choose_kept(path, ours, theirs)
    if kept is not None:
        return kept
    if settings_merge.find_kind(path) is None:
        return Finding("conflict", path, "is not mlver's to settle", settle_commands)
    # Whether a deletion or a change was meant, only a person can say.
    if ours is None or theirs is None:
        deleting = "ours" if ours is None else "theirs"
        keep_or_drop = (add_command, shell_command("git", "rm", path))
        return Finding("conflict", path, f"was deleted by {deleting}", keep_or_drop)
    try:
        merged_bytes, clashes = settings_merge.merge_settings(path, base, ours, theirs)
    except InvalidDocument as error:
        return Finding(
            "settings", path, f"cannot be read: {'; '.join(error.faults)}", settle_commands
        )
    if clashes:
        return Finding("conflict", path, f"both sides set {', '.join(clashes)}", settle_commands)
    return merged_bytes
