"""Whether a push may delete a seal: only where the record has not landed on the other side.

A record may have to give way to another one that landed under the same number. Then its seal has to
go, though the branch of whoever pushed it may still hold the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.features.hooks.updates import BRANCHES, RefUpdate
from mlver.findings import Finding
from mlver.git import changes_in, history, references, remotes
from mlver.git.changes_in import is_absent
from mlver.git.git_tag import GitTag
from mlver.git.repository import GitRepository
from mlver.project.tags import held_back_seals
from mlver.project.tags.missing_seals import SealableRecord
from mlver.records import layout


@dataclass(frozen=True, slots=True)
class RemainingBranches:
    """The commits of the other side's branches, as they are after a push.

    `main` are those of its main branch, also as it is before the push. `doubt` says why not all of
    them are known, and `hints` what helps.
    """

    main: tuple[str, ...] = ()
    tips: tuple[str, ...] = ()
    doubt: str = ""
    hints: tuple[str, ...] = ()


def ask_remote(
    repository: GitRepository, remote: str, main: str | None, updates: Sequence[RefUpdate]
) -> RemainingBranches:
    """Ask the remote, over the network, for its branches: what was fetched last may be old.

    `main` is its main branch, in full.
    """
    if remote not in remotes.list_remotes(repository):
        return RemainingBranches(doubt="what has landed is known of this clone's remotes only")
    try:
        there = remotes.list_branches(repository, remote)
    except MlverError:
        return RemainingBranches(doubt=f"{remote} does not say what has landed there")
    remaining = _list_remaining(there, main, updates)
    needed = [*remaining.main, *remaining.tips]
    if changes_in.find_commits(repository, needed).issuperset(needed):
        return remaining
    doubt = f"{remote} has commits that were not fetched yet, and the record may have landed there"
    fetch = shell_command("git", "fetch", remote, f"+{BRANCHES}*:refs/remotes/{remote}/*")
    return replace(remaining, doubt=doubt, hints=(fetch,))


def read_own_branches(
    repository: GitRepository, main: str | None, updates: Sequence[RefUpdate]
) -> RemainingBranches:
    """Read the branches of the repository that receives the push; `main` is the one of HEAD."""
    there = references.list_references(repository, BRANCHES.rstrip("/"))
    remaining = _list_remaining(there, main, updates)
    if main in there:
        return remaining
    doubt = "HEAD there names no branch that exists, so that nobody knows what has landed"
    return replace(remaining, doubt=doubt, hints=("git symbolic-ref HEAD refs/heads/BRANCH",))


def _list_remaining(
    there: Mapping[str, str], main: str | None, updates: Sequence[RefUpdate]
) -> RemainingBranches:
    after = dict(there)
    for update in updates:
        if update.ref.startswith(BRANCHES) and is_absent(update.new):
            after.pop(update.ref, None)
        elif update.ref.startswith(BRANCHES):
            after[update.ref] = update.new
    main_tips: list[str] = []
    for listed in (after, there):
        if main is not None and main in listed:
            main_tips.append(listed[main])
    return RemainingBranches(tuple(dict.fromkeys(main_tips)), tuple(dict.fromkeys(after.values())))


def judge_deletion(
    repository: GitRepository,
    path: str,
    tag: GitTag,
    branches: RemainingBranches,
    refusal: Finding,
) -> Iterator[Finding]:
    """Give the refusal where a record that a tag seals has landed, or may have.

    What cannot be told for sure counts as landed.
    """
    object_id = _find_sealed_object(repository, path, tag)
    if object_id is None or repository.is_shallow():
        yield refusal
    elif branches.doubt:
        message = f"{refusal.message}: {branches.doubt}"
        yield replace(refusal, message=message, hints=branches.hints or refusal.hints)
    elif _has_landed(repository, path, tag, branches, object_id):
        yield refusal


def _has_landed(
    repository: GitRepository, path: str, tag: GitTag, branches: RemainingBranches, object_id: str
) -> bool:
    if history.has_held(repository, branches.main, path, object_id):
        return True
    if _has_to_give_way(repository, path, tag, branches.main):
        return False
    # Another branch may be a line of releases.
    return history.has_held(repository, branches.tips, path, object_id)


def _find_sealed_object(repository: GitRepository, path: str, tag: GitTag) -> str | None:
    """Find the id of the contents of the record that a tag seals; None where it seals none."""
    if not tag.seals or tag.commit is None:
        return None
    place = f"{tag.commit}:{path}"
    data = next(iter(repository.blobs([place])))
    known = changes_in.find_objects(repository, [place])[0]
    if data is None or known is None or str(Digest.of_bytes(data)) != tag.seals:
        return None
    return known.object_id


def _has_to_give_way(
    repository: GitRepository, path: str, tag: GitTag, main: Sequence[str]
) -> bool:
    """Say whether main has another record of this name, or of one that this record depends on."""
    place = layout.parse_path(path)
    if place is None or tag.commit is None or not main:
        return False
    folder = f"{layout.MODELS}/{place.model}"
    clashing = history.list_changed(repository, tag.commit, main[0], folder)
    refused: dict[str, Finding] = {}
    for other in clashing:
        if layout.is_sealed_path(other):
            refused[other] = Finding("record", other, "gives way", ())
    records: list[SealableRecord] = []
    for known in repository.files_at(tag.commit, folder):
        if layout.is_sealed_path(known):
            records.append(SealableRecord(known, tag.name))
    # A record may depend on another one that gives way for a third.
    while path not in refused:
        found = held_back_seals.find_dependents(repository, tag.commit, records, refused)
        if not found:
            return False
        refused |= found
    return True
