"""Profiles of tables that were kept, below `.mlver/profiles/`."""

from __future__ import annotations

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.profile import TableProfile


def read_profile(project: Project, digest: Digest) -> TableProfile | None:
    """Read the profile of the data of this digest; None where none was kept.

    Raise InvalidDocument for one that is not what it should be.
    """
    path = layout.profile_path(digest)
    data = project.registry.read_file(path)
    if data is None:
        return None
    return TableProfile.parse(data, path, digest)
