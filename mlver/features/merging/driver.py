"""`mlver resolve --install-driver`: let git itself merge settings key by key, not line by line.

Records need none: two that claim one place have nothing in common that could be merged, which is what `resolve` is for.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlver.errors import InvalidDocument
from mlver.features.merging import settings_merge
from mlver.git import changes
from mlver.project.edit.recovery import read_if_there
from mlver.project.project import Project
from mlver.records import layout
from mlver.system import durable

DRIVER = "mlver resolve --driver %O %A %B %P"
ATTRIBUTES = (f"{layout.CONFIG} merge=mlver", f"{layout.settings_path('*')} merge=mlver")


@dataclass(frozen=True, slots=True)
class DriverResult:
    """`driver` is the command git runs; `attributes` are the lines of a .gitattributes that ask for it."""

    driver: str
    attributes: tuple[str, ...]
    dry_run: bool


def install_merge_driver(project: Project, *, dry_run: bool = False) -> DriverResult:
    """Tell this clone's git of the driver. Nothing depends on it."""
    if not dry_run:
        changes.set_option(
            project.repository, "merge.mlver.name", "settings of mlver, merged key by key"
        )
        changes.set_option(project.repository, "merge.mlver.driver", DRIVER)
    return DriverResult(DRIVER, ATTRIBUTES, dry_run)


def merge_settings_file(start: Path, base: str, ours: str, theirs: str, path: str) -> int:
    """What git runs for one file: merge into `ours`; return 1, with both sides marked in it, where they clash."""
    was, mine, other = (read_if_there(start / name) for name in (base, ours, theirs))
    if settings_merge.find_kind(path) is not None and mine and other:
        with suppress(InvalidDocument):
            data, clashes = settings_merge.merge_settings(path, was or None, mine, other)
            if not clashes:
                durable.write_file(start / ours, data)
                return 0
    return 1 if changes.merge_lines(start, base, ours, theirs) else 0
