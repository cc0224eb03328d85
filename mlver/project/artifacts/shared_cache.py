"""The shared cache of this host: where it is, and what goes from and to it.

The place is the person's own setting, never the repository's: git's setting `mlver.cache`, or the
variable MLVER_CACHE, which wins. `off` is the place of no cache; an empty variable counts as unset.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, shell_command
from mlver.hashing.measure import MeasuredArtifact
from mlver.project.artifacts.measuring import measured_files
from mlver.project.artifacts.storing import open_batch_deposit, open_store
from mlver.project.project import Project
from mlver.storage.shared_cache import SharedCache

VARIABLE = "MLVER_CACHE"
SETTING = "mlver.cache"
_OFF = "off"
_GROUP = frozenset({"group", "true", "1"})
_ALL = frozenset({"all", "world", "everybody", "2"})


def find_cache(project: Project) -> SharedCache | None:
    """The shared cache that this user has; None without one. Raises UsageError for a bad place."""
    place = os.environ.get(VARIABLE, "")
    source = VARIABLE
    if not place:
        place = project.repository.find_setting(SETTING) or ""
        source = f"git's setting {SETTING}"
    if not place or place == _OFF:
        return None
    folder = Path(os.path.expanduser(place))  # noqa: PTH111 as git does, `~user` as well
    if not folder.is_absolute():
        raise UsageError(
            f"{source} is `{place}`, and has to be a whole path, since it is meant for several"
            " checkouts",
            hint=shell_command("git", "config", "--global", SETTING, f"/srv/{folder.name}"),
        )
    return SharedCache(folder, _choose_mode(project))


def _choose_mode(project: Project) -> int:
    """The permissions of a new cache: as git gives them to the folders of this repository."""
    umask = os.umask(0)
    os.umask(umask)
    mode = 0o777 & ~umask
    shared = (project.repository.find_setting("core.sharedrepository") or "").lower()
    if shared in _GROUP:
        return mode | 0o2070
    if shared in _ALL:
        return mode | 0o2075
    if len(shared) == 4 and shared.startswith("0") and shared.isdigit():
        bits = int(shared, 8)
        # Whoever may read files has to be able to enter their folders.
        return 0o2700 | bits | (bits & 0o444) >> 2
    return mode


def bring_objects(project: Project, wanted: Collection[Digest]) -> frozenset[Digest]:
    """Store those of the objects that this repository lacks and the shared cache has.

    Every byte is hashed; damaged objects are set aside, and named in a note. Hold the lock.
    """
    missing = open_store(project).find_missing(wanted)
    if not missing:
        return frozenset()
    cache = find_cache(project)
    if cache is None:
        return frozenset()
    with open_batch_deposit(project) as deposit:
        result = cache.bring_contents(missing, deposit)
    if result.damaged:
        shown = ", ".join(str(digest) for digest in result.damaged[:3])
        project.reporter.show_note(
            f"the shared cache {cache.directory} held damaged objects, which were not used: {shown}"
        )
    return result.brought


def find_cached(project: Project, wanted: Collection[Digest]) -> set[Digest]:
    """Those of the objects that the shared cache seems to have; for a dry run."""
    cache = find_cache(project)
    return set() if cache is None else cache.find_present(wanted)


def share_objects(project: Project, digests: Collection[Digest]) -> int:
    """Add objects of this repository to the shared cache; return how many were new there.

    It is a convenience for others: what cannot be added is told in a note, and fails nothing.
    """
    cache = find_cache(project)
    if cache is None:
        return 0
    try:
        return cache.add_contents(open_store(project), digests)
    except MlverError as error:
        project.reporter.show_note(f"{error.message} (all is stored in this repository)")
        return 0


def share_measured(
    project: Project, measured: Mapping[str, MeasuredArtifact], paths: Mapping[str, str]
) -> None:
    """Add the files of artifacts that were stored just now; `paths` has the place of each."""
    if find_cache(project) is None:
        return
    digests: set[Digest] = set()
    for name, path in paths.items():
        for _, hexadecimal in measured_files(measured[name], path):
            digests.add(Digest(hexadecimal))
    share_objects(project, digests)
