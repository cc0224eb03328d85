"""The seals that a remote lacks: which of them may go there, and which stay here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mlver.findings import Finding
from mlver.git.git_tag import GitTag
from mlver.git.remotes import PublishedReferences
from mlver.project.project import Project
from mlver.project.reporter import SilentReporter
from mlver.project.tags import code_pushes, held_back_seals, missing_seals, standing_tags
from mlver.project.tags.missing_seals import SealableRecord


@dataclass(frozen=True, slots=True)
class SealSending:
    """What a remote is to get: `ready` are the records whose seals it lacks and may have.

    `code` names the references of the code commits that belong to them. `rivals` are the seals
    that the remote has otherwise, `held_back` those that depend on a refused one or on a record
    that no branch there has. `unsealed` are records of HEAD that no tag seals, here or there, and
    `elsewhere` the seals that only the remote has.
    """

    ready: tuple[SealableRecord, ...]
    code: tuple[str, ...]
    rivals: tuple[Finding, ...]
    held_back: tuple[Finding, ...]
    unsealed: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(record.tag for record in self.ready)


def plan_sending(
    project: Project,
    head: str,
    remote: str,
    published: PublishedReferences,
    *,
    refused: Sequence[Finding] = (),
    sends_head: bool = False,
) -> SealSending:
    """Choose the seals of HEAD's records that go to the other side, which lacks them.

    Once pushed, no tag can be taken back. So those stay here that the other side has otherwise,
    whose records no branch there has, or whose records depend on a refused one. What is `refused`
    is named already. `sends_head`: `head` goes along, so its records are there, too.
    """
    local = project.repository.tags()
    # What was passed over has been noted while the tags were planned.
    silent_project = replace(project, reporter=SilentReporter())
    records = missing_seals.list_sealable(silent_project, head, {*local, *published.tags})
    kept_here = _find_refused(records, refused)
    sent = [record for record in records if record.path not in kept_here]
    lacking, differing = _compare_tags(sent, local, published)
    rivals = standing_tags.find_rival_tags(project, remote, head, differing, published.tags)
    kept_here |= _find_refused(differing, rivals)
    tips = [*published.tips, head] if sends_head else list(published.tips)
    held_back = _hold_back(project, head, remote, tips, lacking, kept_here)
    paths = [record.path for record in records if record.path not in held_back]
    return SealSending(
        ready=tuple(record for record in lacking if record.path not in held_back),
        code=tuple(code_pushes.name_code_references(paths)),
        rivals=tuple(rivals),
        held_back=tuple(held_back.values()),
        unsealed=_select_unsealed(records, {*local, *published.tags}),
        elsewhere=tuple(
            record.tag
            for record in records
            if record.tag in published.tags and record.tag not in local
        ),
    )


def _select_unsealed(records: Iterable[SealableRecord], tagged: Collection[str]) -> tuple[str, ...]:
    return tuple(record.path for record in records if record.tag not in tagged)


def _compare_tags(
    records: Iterable[SealableRecord],
    local: Mapping[str, GitTag],
    published: PublishedReferences,
) -> tuple[list[SealableRecord], list[SealableRecord]]:
    """The records whose tags the other side lacks, and those whose tags it has otherwise."""
    lacking: list[SealableRecord] = []
    differing: list[SealableRecord] = []
    for record in records:
        tag = local.get(record.tag)
        if tag is None:
            continue
        if record.tag not in published.tags:
            lacking.append(record)
        elif published.tags[record.tag] != tag.object_id:
            differing.append(record)
    return lacking, differing


def _find_refused(
    records: Sequence[SealableRecord], findings: Sequence[Finding]
) -> dict[str, Finding]:
    """Find the records that these findings are about, by path: they name a path or a tag."""
    by_subject = {finding.subject: finding for finding in findings}
    refused: dict[str, Finding] = {}
    for record in records:
        finding = by_subject.get(record.tag) or by_subject.get(record.path)
        if finding is not None:
            refused[record.path] = finding
    return refused


def _hold_back(
    project: Project,
    head: str,
    remote: str,
    tips: Sequence[str],
    lacking: Sequence[SealableRecord],
    refused: Mapping[str, Finding],
) -> dict[str, Finding]:
    """Find the records whose seals are not pushed yet, by path: of those that `remote` lacks."""
    repository = project.repository
    held_back = held_back_seals.find_dependents(repository, head, lacking, refused)
    others = {record: head for record in lacking if record.path not in held_back}
    unsent = held_back_seals.find_unsent(repository, remote, tips, others)
    return held_back | unsent
