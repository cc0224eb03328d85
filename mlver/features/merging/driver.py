"""`mlver resolve --install-driver`: let git itself merge settings key by key, not line by line.

Records need none: two that claim one place have nothing in common that could be merged, which is
what `resolve` is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlver.errors import InvalidDocument
from mlver.features.merging import settings_merge
from mlver.git import changes, new_settings
from mlver.project.edit.recovery import read_if_there
from mlver.project.project import Project
from mlver.records import layout
from mlver.system import durable

DRIVER = "mlver resolve --driver %O %A %B %P"
ATTRIBUTES = (f"{layout.CONFIG} merge=mlver", f"{layout.settings_path('*')} merge=mlver")


@dataclass(frozen=True, slots=True)
class DriverResult:
    """`driver` is the command git runs; lines of .gitattributes ask for it (`attributes`)."""

    driver: str
    attributes: tuple[str, ...]
    dry_run: bool


def install_merge_driver(project: Project, *, dry_run: bool = False) -> DriverResult:
    """Tell this clone's git of the driver. Nothing depends on it."""
    if not dry_run:
        options = {
            "merge.mlver.name": "settings of mlver, merged key by key",
            "merge.mlver.driver": DRIVER,
        }
        new_settings.set_options(project.repository, options, project.remotes_directory)
    return DriverResult(DRIVER, ATTRIBUTES, dry_run)


def merge_settings_file(start: Path, base: str, ours: str, theirs: str, path: str) -> int:
    """Merge one file into `ours`, for git; return 1 where both sides clash and are marked in it."""
    if _merge_keys(start, base, ours, theirs, path):
        return 0
    return int(changes.merge_lines(start, base, ours, theirs))


def _merge_keys(start: Path, base: str, ours: str, theirs: str, path: str) -> bool:
    """Merge key by key, where both sides are valid settings and do not clash."""
    our_data, their_data = read_if_there(start / ours), read_if_there(start / theirs)
    if settings_merge.find_kind(path) is None or not our_data or not their_data:
        return False
    # git gives an empty file where the two sides have no common ancestor
    base_data = read_if_there(start / base) or None
    try:
        merged_bytes, clashes = settings_merge.merge_settings(path, base_data, our_data, their_data)
    except InvalidDocument:
        return False
    if clashes:
        return False
    durable.write_file(start / ours, merged_bytes)
    return True
