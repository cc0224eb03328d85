"""Profiles of tables that were kept, below `.mlver/profiles/`."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.digest import Digest
from mlver.project.artifacts.kept_pins import build_forged_error
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.profile import TableProfile
from mlver.records.version import VersionRecord


def read_profile(project: Project, record: VersionRecord, name: str) -> TableProfile | None:
    """Read the profile of a data set of a version; None where its record pins none, or it is gone.

    Raise ForgedFile where another one is there.
    """
    pin = record.kept.profiles.get(name)
    if pin is None or name not in record.data:
        return None
    digest = record.data[name].digest
    path = layout.profile_path(digest)
    data = project.registry.read_file(path)
    if data is None:
        return None
    if Digest.of_bytes(data) != pin:
        raise build_forged_error(record, path)
    return TableProfile.parse(data, path, digest)


def read_pinned_profiles(project: Project, record: VersionRecord) -> Mapping[str, TableProfile]:
    """Read the profiles that a version's record pins and that are here, by data set.

    Raise ForgedFile where another one is there.
    """
    profiles: dict[str, TableProfile] = {}
    for name in record.data:
        profile = read_profile(project, record, name)
        if profile is not None:
            profiles[name] = profile
    return profiles


def read_unpinned_profile(project: Project, digest: Digest) -> TableProfile | None:
    """Read what lies here as the profile of a table; None where nothing does.

    It may be that of a table that was served, which no version pins: whoever wrote it vouches for
    it.
    """
    path = layout.profile_path(digest)
    data = project.registry.read_file(path)
    return None if data is None else TableProfile.parse(data, path, digest)
