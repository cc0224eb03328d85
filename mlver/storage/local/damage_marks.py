"""Members of packs that were found damaged: a file in quarantine tells of each."""

from __future__ import annotations

from pathlib import Path

from mlver.storage.local.digest_folders import list_names


def read_damage_marks(quarantined: Path) -> dict[str, set[str]]:
    """Of each pack the members that are not served, as names in quarantine tell."""
    marks: dict[str, set[str]] = {}
    for file_name in list_names(quarantined):
        digest, _, pack = file_name.partition(".")
        if len(digest) == len(pack) == 64:
            marks.setdefault(pack, set()).add(digest)
    return marks
