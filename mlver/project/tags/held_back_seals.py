"""Seals that are not to be pushed: of records that the remote does not have, and of records that
depend on one whose seal was refused.

A record whose seal was pushed keeps its number. So the seal of a record that may yet have to give
way to another one stays here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.git import changes_in
from mlver.git.repository import GitRepository
from mlver.project.registry.registry import decode_promotion, decode_version
from mlver.project.tags.missing_seals import SealableRecord
from mlver.records import layout
from mlver.records.promotion import PromotionRecord

# The findings of refused records, by the records' paths.
RefusedRecords = Mapping[str, Finding]


def find_dependents(
    repository: GitRepository,
    commit: str,
    records: Sequence[SealableRecord],
    refused: RefusedRecords,
) -> dict[str, Finding]:
    """Find those of these records of `commit` that depend on one of the `refused`, by path.

    A promotion depends on its version and on the promotions of its stage before it; a version
    depends on those that it follows. `records` are in the order of `list_sealable`.
    """
    if not refused:
        return {}
    known = dict(refused)
    contents = repository.blobs(f"{commit}:{record.path}" for record in records)
    dependents: dict[str, Finding] = {}
    for record, data in zip(records, contents, strict=True):
        if record.path in known or data is None:
            continue
        cause = _find_cause(record.path, data, known)
        if cause is None:
            continue
        message = f"depends on {cause.subject}, which was refused"
        finding = Finding("tag", record.tag, message, cause.hints)
        dependents[record.path] = known[record.path] = finding
    return dependents


def _find_cause(path: str, data: bytes, refused: RefusedRecords) -> Finding | None:
    """What was refused of the records that this one depends on; None where nothing was."""
    try:
        if layout.is_version_path(path):
            version = decode_version(data, path)
            needed = [
                layout.version_path(version.model, number) for number in version.followed_versions
            ]
        else:
            promotion = decode_promotion(data, path)
            needed = [layout.version_path(promotion.model, promotion.version)]
            needed += _list_earlier(promotion, refused)
    except MlverError:
        # What cannot be read has no seal that could be pushed, or is refused by name.
        return None
    for needed_path in needed:
        if needed_path in refused:
            return refused[needed_path]
    return None


def _list_earlier(promotion: PromotionRecord, paths: Iterable[str]) -> list[str]:
    """Those of these paths that hold an earlier promotion of the same stage."""
    earlier: list[str] = []
    for path in paths:
        place = layout.parse_path(path)
        if place is None or place.kind != "promotion":
            continue
        same_stage = (place.model, place.stage) == (promotion.model, promotion.stage)
        if same_stage and place.sequence < promotion.sequence:
            earlier.append(path)
    return earlier


def find_unsent(
    repository: GitRepository,
    remote: str,
    tips: Iterable[str],
    places: Mapping[SealableRecord, str],
) -> dict[str, Finding]:
    """Find those of these records that no branch of `remote` holds, by path.

    `places` has a commit that holds each record. `tips` are the commits of the remote's branches;
    of branches whose commits are not here, what was fetched last counts.
    """
    if not places:
        return {}
    fetched = repository.process.read(
        ["for-each-ref", "--format=%(objectname)", f"refs/remotes/{remote}/"]
    )
    commits = changes_in.find_commits(repository, [*tips, *fetched.decode().split()])
    beyond = _find_beyond(repository, commits, places.values())
    doubtful = {record: commit for record, commit in places.items() if commit in beyond}
    hints = (shell_command("git", "push", remote, "HEAD"), "mlver tag --push")
    message = f"seals a record that no branch of {remote} has yet; push its branch first"
    unsent: dict[str, Finding] = {}
    for record in _select_absent(repository, sorted(commits), doubtful):
        unsent[record.path] = Finding("tag", record.tag, message, hints)
    return unsent


def _find_beyond(
    repository: GitRepository, tips: Iterable[str], commits: Iterable[str]
) -> set[str]:
    """Find those of these commits that none of the tips has in its history."""
    wanted = set(commits)
    # By standard input, because a command line holds only so many.
    request = "\n".join([*wanted, *(f"^{tip}" for tip in tips), ""])
    listing = repository.process.read(["rev-list", "--stdin"], stdin=request.encode())
    return wanted & set(listing.decode().split())


def _select_absent(
    repository: GitRepository, tips: Sequence[str], places: Mapping[SealableRecord, str]
) -> list[SealableRecord]:
    """Select the records that none of the tips holds, by whatever commit they landed."""
    sources = [f"{commit}:{record.path}" for record, commit in places.items()]
    wanted: dict[str, str | None] = {}
    for record, known in zip(places, changes_in.find_objects(repository, sources), strict=True):
        wanted[record.path] = None if known is None else known.object_id
    searched = [(tip, path) for tip in tips for path in wanted]
    found = changes_in.find_objects(repository, (f"{tip}:{path}" for tip, path in searched))
    present: set[str] = set()
    for (_, path), known in zip(searched, found, strict=True):
        if known is not None and known.object_id == wanted[path]:
            present.add(path)
    return [record for record in places if record.path not in present]
