"""Whether others could get a version if this machine were gone: asked of every remote."""

from __future__ import annotations

import os

from mlver.errors import MlverError, summarise_error
from mlver.git import changes_in
from mlver.git.merging import is_ancestor
from mlver.git.remotes import default_remote, leads_home, list_branches
from mlver.policy.recoverability import Recoverability
from mlver.policy.remote_addresses import find_address_fault, find_directory
from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote, list_remotes
from mlver.project.remote.needed import list_needed
from mlver.project.remote.team import open_team
from mlver.project.remote.trust import require_trusted
from mlver.records.tags import version_tag_name
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet

_HEADS = "refs/heads/"


def find_recoverability(project: Project, record: VersionRecord) -> Recoverability:
    """Ask every remote for the contents of a version, and git's remote for its record.

    Nothing is raised for a remote that does not answer or that nobody trusts: the result says it.
    Raise MlverError where a manifest is missing.
    """
    asked = project.record_time
    contents = list_needed(project, [record])
    missing: dict[str, int] = {}
    silent: dict[str, str] = {}
    counted: set[str] = set()
    for remote in list_remotes(project):
        try:
            # One place under two names is one copy.
            place = _identify_place(remote)
            if place in counted:
                continue
            counted.add(place)
            missing[remote.name] = count_missing(project, remote, contents)
        except MlverError as error:
            silent[remote.name] = summarise_error(error)
    own = _find_own_remote(project)
    branch, unbranched = (None, None) if own else _find_branch(project, record)
    return Recoverability(
        asked=asked,
        contents=len(contents),
        missing=missing,
        silent=silent,
        branch=branch,
        unbranched=unbranched,
        own=own,
    )


def _identify_place(remote: ConfiguredRemote) -> str:
    """What tells places apart: a directory's own path, whatever links lead to it."""
    path = find_directory(remote.settings)
    if path is not None and find_address_fault(remote.settings) is None:
        return os.path.realpath(path)
    return f"{remote.settings.endpoint or ''} {remote.settings.url.rstrip('/')}"


def count_missing(project: Project, remote: ConfiguredRemote, contents: DigestSet) -> int:
    """Ask a remote how many of these contents it lacks. Raise MlverError where it cannot tell."""
    require_trusted(project, (remote,), asking=False)
    return len(open_team(project, remote).store.find_missing(dict.fromkeys(contents)))


def _find_own_remote(project: Project) -> str | None:
    """The git remote that would be asked, if it leads to this very repository."""
    remote = default_remote(project.repository)
    return remote if remote is not None and leads_home(project.repository, remote) else None


def _find_branch(project: Project, record: VersionRecord) -> tuple[str | None, str | None]:
    """Find a branch of git's remote that holds the record; else say why that cannot be told."""
    repository = project.repository
    remote = default_remote(repository)
    if remote is None:
        return None, None
    sealed = f"refs/tags/{version_tag_name(record.model, record.version)}^{{commit}}"
    try:
        branches = list_branches(repository, remote)
    except MlverError as error:
        return None, f"{remote} did not answer: {summarise_error(error)}"
    known = changes_in.find_objects(repository, [sealed, *branches.values()])
    commit, tips = known[0], known[1:]
    if commit is None:
        return None, "no tag says which commit holds its record"
    for reference, tip in zip(branches, tips, strict=True):
        if tip is not None and is_ancestor(repository, tip.object_id, commit.object_id):
            return f"{remote}/{reference.removeprefix(_HEADS)}", None
    if None in tips:
        return None, f"{remote} has commits that are not here: git fetch {remote}"
    return None, None
