"""Which seals may be unsigned though the settings ask for signed ones: those of older records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlver.git import trees
from mlver.git.commit_log import CommitEntry, read_commit_log
from mlver.git.partial import ClonedContents
from mlver.git.repository import GitRepository
from mlver.policy.ancestry import build_ancestry
from mlver.policy.promotion_dates import LONGEST_WAIT_S
from mlver.project.history.policies import CommittedSettings, read_settings
from mlver.project.project import Project
from mlver.project.tags import seals
from mlver.records import layout


def require_signed_seals(project: Project, paths: Iterable[str], tip: str = "HEAD") -> None:
    """Raise MlverError where tags made now, of records of `tip`, would lack a signature that the
    settings ask for.
    """
    wanted = frozenset(paths)
    if not wanted or not seals.makes_unsigned(project):
        return
    if wanted - find_before_signing(project.repository, wanted, tip):
        raise seals.build_unsigned_error()


def find_before_signing(
    repository: GitRepository,
    paths: Iterable[str],
    tip: str = "HEAD",
    *,
    beside: Sequence[str] = (),
) -> frozenset[str]:
    """Find the records of `tip` that landed before the settings asked for signed seals.

    The commits that added them count, wherever their tags point; so does what was done `beside` the
    tip, where that is not merged yet.
    """
    wanted = list(paths)
    if not wanted or repository.head().commit is None:
        return frozenset()
    log = read_commit_log(repository, tip, [layout.CONFIG, *wanted], beside=beside)
    additions = _list_additions(repository, log, wanted, tip)
    settings = read_settings(repository, [entry.commit for entry in log])
    asking = {commit for commit, committed in settings.items() if _asks_for_signing(committed)}
    switches = [
        entry for entry in log if layout.CONFIG in entry.contents and entry.commit in asking
    ]
    ancestry = build_ancestry({entry.commit: entry.parents for entry in log})

    def precedes_signing(addition: CommitEntry) -> bool:
        for switch in switches:
            if ancestry.is_ancestor(addition.commit, switch.commit):
                continue
            if ancestry.is_ancestor(switch.commit, addition.commit):
                continue
            if (addition.committed or 0) - (switch.committed or 0) > LONGEST_WAIT_S:
                return False
        return addition.commit not in asking

    is_whole = not repository.boundary() and not ClonedContents.find_in(repository).is_partial
    found: set[str] = set()
    for path, entries in additions.items():
        if all(precedes_signing(entry) for entry in entries) and (entries or not is_whole):
            found.add(path)
    return frozenset(found)


def _list_additions(
    repository: GitRepository, log: Sequence[CommitEntry], paths: Sequence[str], tip: str
) -> dict[str, list[CommitEntry]]:
    """List the commits that gave each path the contents that `tip` has."""
    current = trees.committed_files(repository, tip, *paths)
    boundary = repository.boundary()
    additions: dict[str, list[CommitEntry]] = {path: [] for path in paths}
    for entry in log:
        # What a shallow clone begins with may have come at any time.
        if entry.commit in boundary:
            continue
        for path in paths:
            if path in current and entry.contents.get(path) == current[path].object_id:
                additions[path].append(entry)
    return additions


def _asks_for_signing(committed: CommittedSettings) -> bool:
    return committed.config is not None and committed.config.tags.signed
