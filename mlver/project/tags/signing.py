"""Which seals may be unsigned though the settings ask for signed ones: those of older records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlver.git import trees
from mlver.git.commit_log import CommitEntry, read_commit_log
from mlver.git.partial import ClonedContents
from mlver.git.repository import GitRepository
from mlver.policy.ancestry import CommitAncestry, build_ancestry
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
    tip, where that is not merged yet: there, the first names the main branch.
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
    arrivals = _find_arrivals(repository, log, switches, additions, [*beside, tip])

    def precedes_signing(addition: CommitEntry) -> bool:
        if any(arrival.outlaws(addition) for arrival in arrivals):
            return False
        return addition.commit not in asking

    is_whole = not repository.boundary() and not ClonedContents.find_in(repository).is_partial
    found: set[str] = set()
    for path, entries in additions.items():
        if all(precedes_signing(entry) for entry in entries) and (entries or not is_whole):
            found.add(path)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _SwitchArrival:
    """When a commit that asks for signed seals reached a line of first parents.

    Whoever makes a commit dates it, and may let it begin at any older one. So a commit of a side
    branch counts from when it was merged, and no date makes it older than what landed before.
    """

    ancestry: CommitAncestry
    switch: str
    date: int
    landed_before: Collection[str]

    def outlaws(self, addition: CommitEntry) -> bool:
        """Say whether a record may not be unsigned though its commit knows nothing of this one."""
        if addition.commit in self.landed_before:
            return False
        if (addition.committed or 0) - self.date <= LONGEST_WAIT_S:
            return False
        # a commit that came after it has the settings that it had then
        is_older = self.ancestry.is_ancestor(addition.commit, self.switch)
        return not is_older and not self.ancestry.is_ancestor(self.switch, addition.commit)


def _find_arrivals(
    repository: GitRepository,
    log: Sequence[CommitEntry],
    switches: Sequence[CommitEntry],
    additions: Mapping[str, Sequence[CommitEntry]],
    tips: Sequence[str],
) -> list[_SwitchArrival]:
    """Find where each of these commits reached the line of the first tip that has it.

    One that no line took its settings from counts for nothing.
    """
    if not switches:
        return []
    ancestry = build_ancestry({entry.commit: entry.parents for entry in log})
    dates = {entry.commit: entry.committed or 0 for entry in log}
    added = {entry.commit for entries in additions.values() for entry in entries}
    found: dict[str, _SwitchArrival] = {}
    for tip in dict.fromkeys(tips):
        listing = repository.process.read(
            ["rev-list", "--first-parent", "--reverse", tip, "--", layout.CONFIG, *additions]
        )
        line = [commit for commit in listing.decode().split() if commit in dates]
        waiting = {entry.commit for entry in switches if entry.commit not in found}
        outside = set(added)
        date = 0
        for commit in line:
            date = max(date, dates[commit])
            arrived = {name for name in waiting if ancestry.is_ancestor(name, commit)}
            for name in arrived:
                latest = max(date, dates[name])
                found[name] = _SwitchArrival(ancestry, name, latest, added - outside)
            waiting -= arrived
            outside -= {name for name in outside if ancestry.is_ancestor(name, commit)}
    return list(found.values())


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
