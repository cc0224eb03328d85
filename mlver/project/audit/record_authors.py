"""Who promoted or registered: records whose author neither commits nor seals confirm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlver.errors import shell_command
from mlver.findings import Finding, FindingKind
from mlver.git.commit_log import CommitEntry
from mlver.policy.people import is_confirmed
from mlver.project.audit.adopted_promotions import find_adopted
from mlver.project.audit.former_formats import JUDGED_FORMAT
from mlver.project.audit.record_history import RecordHistory, SealedRecord, find_originals
from mlver.project.history.renumbered import judge_renumbering
from mlver.project.history.stage_history import StageHistory
from mlver.project.project import Project
from mlver.project.tags.seen_tags import SeenTags
from mlver.records.promotion import PromotionRecord
from mlver.records.tags import promotion_tag_name, version_tag_name


def find_unconfirmed_paths(
    project: Project, history: RecordHistory, chains: Sequence[StageHistory]
) -> frozenset[str]:
    """Find, by path, the promotions of whole chains whose author nothing confirms.

    It is for what shows promotions.
    """
    tags = SeenTags(project)
    adopted = find_adopted(tags, history, chains)
    judged = [record for record in list_judged(chains) if record.record_path not in adopted]
    verdicts = judge_renumbering(project.repository, judged)
    originals = find_originals(project.repository, history, judged, verdicts)
    unconfirmed = find_unconfirmed(tags, history, originals, judged)
    return frozenset(finding.subject for finding in unconfirmed)


def find_unconfirmed_remarks(history: RecordHistory, authors: Mapping[str, str]) -> frozenset[str]:
    """Find, by path, the notes and retirements whose author none of their commits names.

    `authors` are those that they name, by path. No tag seals them. What no commit here added is
    not judged.
    """
    unconfirmed: set[str] = set()
    for path, author in authors.items():
        landings = history.additions.get(path, ())
        if landings and not is_confirmed(author, list_people(landings)):
            unconfirmed.add(path)
    return frozenset(unconfirmed)


def list_judged(chains: Sequence[StageHistory]) -> list[PromotionRecord]:
    """List the promotions that can be judged again."""
    judged: list[PromotionRecord] = []
    for chain in chains:
        judged += [record for record, _ in chain if record.format >= JUDGED_FORMAT]
    return judged


def list_landings(
    history: RecordHistory,
    originals: Mapping[str, Sequence[CommitEntry]],
    record: SealedRecord,
) -> list[CommitEntry]:
    """List the commits that added a record, here or under the number it had before."""
    landings = history.additions.get(record.record_path, ())
    return [*landings, *originals.get(record.record_path, ())]


def find_unconfirmed(
    tags: SeenTags,
    history: RecordHistory,
    originals: Mapping[str, Sequence[CommitEntry]],
    records: Sequence[SealedRecord],
    *,
    tip: str | None = None,
) -> list[Finding]:
    """Find the records whose author neither their commits nor their seals confirm.

    `tip` is the last of the commits that are about to come in, which can be made again.
    """
    doubtful: dict[str, CommitEntry] = {}
    doubtful_records: list[SealedRecord] = []
    for record in records:
        landings = list_landings(history, originals, record)
        if not landings:
            continue
        if not is_confirmed(record.author, list_people(landings)):
            doubtful[record.record_path] = landings[0]
            doubtful_records.append(record)
    taggers = find_taggers(tags, doubtful_records)
    findings: list[Finding] = []
    for record in doubtful_records:
        if is_confirmed(record.author, taggers.get(record.record_path, ())):
            continue
        is_sealed = record.record_path in taggers
        landing = doubtful[record.record_path]
        findings.append(_report_unconfirmed(record, landing.commit, tip, is_sealed=is_sealed))
    return findings


def _report_unconfirmed(
    record: SealedRecord, commit: str, tip: str | None, *, is_sealed: bool
) -> Finding:
    """Say whom nothing confirms, and what would: what one person registers, another may commit."""
    author = record.author
    message = (
        f"names {author} as its author, whom neither its commit {commit[:10]} nor its seal confirms"
    )
    finding = report(record, "unconfirmed", message)
    ways: list[str] = []
    hints = finding.hints
    if tip is not None:
        trailer = f"Co-authored-by: {author}"
        ways.append(f"the trailer `{trailer}` of its commit")
        again = shell_command("git", "rebase", "-i", f"{commit[:10]}^")
        if commit == tip:
            again = shell_command("git", "commit", "--amend", "--no-edit", "--trailer", trailer)
        hints += (again,)
    if not is_sealed:
        ways.append("a seal that the author makes")
        hints += ("mlver tag",)
    if ways:
        message = f"{message}; {' or '.join(ways)} would"
    return replace(finding, message=message, hints=hints)


def find_taggers(tags: SeenTags, records: Sequence[SealedRecord]) -> dict[str, list[str]]:
    """Find who made the tag of each record, by path; records without a tag are left out.

    Whether the tag seals the record is judged elsewhere.
    """
    seals = tags.read_tags(name_seal(record) for record in records)
    taggers: dict[str, list[str]] = {}
    for record in records:
        seal = seals.get(name_seal(record))
        if seal is not None and seal.tag.annotated and seal.annotation.author:
            taggers[record.record_path] = [seal.annotation.author]
    return taggers


def name_seal(record: SealedRecord) -> str:
    """Name the tag that is to seal a record."""
    if isinstance(record, PromotionRecord):
        return promotion_tag_name(record.model, record.stage, record.sequence)
    return version_tag_name(record.model, record.version)


def list_people(landings: Sequence[CommitEntry]) -> list[str]:
    """List everybody whom these commits name: authors, committers and co-authors."""
    people: list[str] = []
    for entry in landings:
        people += [entry.author, entry.committer, *entry.co_authors]
    return people


def report(record: SealedRecord, kind: FindingKind, message: str) -> Finding:
    path = record.record_path
    return Finding(kind, path, message, (shell_command("git", "log", "-p", "--", path),))
