"""What doctor says of the cache that the checkouts of this host share."""

from __future__ import annotations

import os
from collections.abc import Iterator

from mlver.errors import MlverError, shell_command
from mlver.features.checking.diagnosis import Diagnosis, DoctorCheck, PassedCheck
from mlver.findings import Finding
from mlver.project.artifacts.shared_cache import find_cache
from mlver.project.project import Project


def check_cache(project: Project) -> Iterator[DoctorCheck]:
    """Whether the cache can be read and added to; nothing where this user has none."""
    try:
        cache = find_cache(project)
    except MlverError as error:
        yield Diagnosis(Finding("settings", "cache", error.message, error.hints), level="wrong")
        return
    if cache is None:
        return
    folder = cache.directory
    look = (shell_command("ls", "-ld", folder),)
    if not os.path.lexists(folder):
        yield PassedCheck("cache", f"{folder} is made when something is stored next")
    elif not folder.is_dir():
        message = f"{folder} is not a folder, so nothing is shared"
        yield Diagnosis(Finding("object", "cache", message, look), level="wrong")
    elif not os.access(folder, os.R_OK | os.X_OK):
        message = f"you may not read {folder}, so nothing is shared"
        yield Diagnosis(Finding("object", "cache", message, look), level="wrong")
    elif not cache.is_writable():
        yield PassedCheck("cache", f"{folder}, which you may read and not add to")
    else:
        yield PassedCheck("cache", f"{folder}, which you may read and add to")
    damaged = cache.count_damaged()
    if damaged:
        copies = "1 damaged copy is" if damaged == 1 else f"{damaged} damaged copies are"
        message = f"{copies} kept aside in {folder}, and never served; nothing there is needed"
        look = (shell_command("ls", "-l", folder / "quarantine"),)
        yield Diagnosis(Finding("object", "cache", message, look), level="remark")
