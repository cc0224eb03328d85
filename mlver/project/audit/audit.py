"""What no single version shows: records changed or deleted since they were committed, tags without
records, strays.

Whatever a repository holds, it ends no look at the rest: what stops one is a broken link itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.document.conflicts import holds_conflict
from mlver.errors import (
    InvalidDocument,
    MlverError,
    NewerFormat,
    shell_command,
    summarise_error,
)
from mlver.findings import Finding, FindingKind
from mlver.git import merging, trees
from mlver.policy.renumber import AttachedRecord
from mlver.project.audit.approval_seals import check_seal_file
from mlver.project.audit.attached_links import (
    judge_link,
    judge_retirement,
    judge_trained_again,
    judge_verdict,
)
from mlver.project.audit.kept_files import check_kept, list_kept_files
from mlver.project.audit.recorded_drifts import judge_recorded_drift
from mlver.project.audit.rollout_links import judge_rollout
from mlver.project.history import case_twins, renumbered
from mlver.project.history.landed_verdicts import find_late_verdicts
from mlver.project.project import Project
from mlver.project.registry.attached import VERDICTS, read_attached
from mlver.project.registry.registry import UPGRADE_HINT, describe_unknown_sections
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.layout import (
    AttachedPath,
    PromotionPath,
    SettingsPath,
    VersionPath,
)
from mlver.records.listing import PrefixListing
from mlver.records.reproduction import ReproductionRecord
from mlver.records.retirement import RetirementRecord
from mlver.records.rollout import RolloutRecord
from mlver.records.tags import TagName, read_tag_name
from mlver.records.verdict import VerdictRecord
from mlver.system.folders import walk_folder

_CHANGE_WORDS = {
    "D": "deleted in commit",
    "M": "changed in commit",
    "R": "replaced in the merge",
}
_NONE_KNOWN: Mapping[str, Digest | None] = {}
_UNSETTLED = "holds both sides of a merge conflict that was never settled"


def catch_errors(subject: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Pass findings on; what stops the looking is one more, about `subject`."""
    try:
        yield from findings
    except MlverError as error:
        yield describe_failure(subject, error)


def describe_failure(subject: str, error: MlverError) -> Finding:
    """Describe what stopped the looking at `subject`."""
    return Finding("name", subject, summarise_error(error, subject), error.hints)


def describe_unreadable(
    project: Project, kind: FindingKind, path: str, error: MlverError
) -> Finding:
    """Describe a record that says nothing.

    `find_uncommitted` tells how to undo it where HEAD still holds it whole.
    """
    message = summarise_error(error, path)
    try:
        contents = project.registry.read_file(path) or b""
    except MlverError:
        contents = b""
    show_log = shell_command("git", "log", "-p", "--", path)
    if isinstance(error, NewerFormat):
        return Finding(kind, path, message, (UPGRADE_HINT, show_log))
    if holds_conflict(contents):
        return Finding(kind, path, _UNSETTLED, ("mlver resolve",))
    return Finding(kind, path, message, (show_log,))


def check_config(project: Project) -> Iterator[Finding]:
    """Name settings that cannot be read; raise MlverError where `mlver init` never ran."""
    try:
        project.registry.read_shown_config()
    except InvalidDocument as error:
        finding = describe_unreadable(project, "settings", layout.CONFIG, error)
        yield replace(finding, hints=error.hints or finding.hints)


def find_unknown_sections(project: Project) -> Iterator[Finding]:
    """Name the sections of the settings that this mlver does not know.

    Settings that cannot be read are left to `check_config`.
    """
    try:
        config = project.registry.read_shown_config()
    except MlverError:
        return
    if config.unknown_sections:
        message = describe_unknown_sections(config)
        yield Finding("settings", layout.CONFIG, message, (UPGRADE_HINT,))


def find_leftovers(project: Project) -> Iterator[Finding]:
    """Name settings that mean nothing any more; those that cannot be read are left out."""
    try:
        config = project.registry.read_shown_config()
    except MlverError:
        return
    if config.tags.promotions is not None:
        message = (
            "has `promotions` under `tags`, which means nothing any more: every promotion is"
            " sealed; take that key out"
        )
        # git's own grep finds nothing in settings that were never committed
        show = shell_command("grep", "-n", "promotions", layout.CONFIG)
        yield Finding("settings", layout.CONFIG, message, (show,))


def find_uncommitted(
    project: Project, models: Sequence[str], known: Mapping[str, Digest | None] = _NONE_KNOWN
) -> list[Finding]:
    """Find records that HEAD holds and the work tree does not, or not with the same bytes.

    `known` are the digests of what git holds, by object id, where they were computed already.
    """
    head = project.repository.head().commit
    if head is None:
        return []
    folders = [layout.AUTHORISATIONS, layout.DEPLOYMENTS]
    folders += [f"{layout.MODELS}/{model}" for model in models]
    committed_ids: dict[str, str] = {}
    for record_path, entry in trees.committed_files(project.repository, head, *folders).items():
        if layout.is_record_path(record_path):
            committed_ids[record_path] = entry.object_id
    unknown = [object_id for object_id in committed_ids.values() if object_id not in known]
    hashed = project.repository.blob_digests(unknown) if unknown else ()
    digests = {**known, **dict(zip(unknown, hashed, strict=True))}
    findings: list[Finding] = []
    for record_path, object_id in committed_ids.items():
        compared = _compare_with_head(project, record_path, digests[object_id])
        findings += catch_errors(record_path, compared)
    if not findings:
        return []
    # git checks out nothing of a file that holds both sides; the finding is as of its contents.
    unmerged = merging.list_unmerged(project.repository)
    for index, finding in enumerate(findings):
        if finding.subject in unmerged:
            findings[index] = replace(finding, message=_UNSETTLED, hints=("mlver resolve",))
    return findings


def _compare_with_head(project: Project, path: str, committed: Digest | None) -> Iterator[Finding]:
    contents = project.registry.read_file(path)
    present = None if contents is None else Digest.of_bytes(contents)
    if present != committed:
        message = "differs from what HEAD holds"
        if contents is None:
            message = "is deleted here, though HEAD holds it"
        yield Finding("record", path, message, (shell_command("git", "checkout", "--", path),))


def check_repository(project: Project) -> list[Finding]:
    """Check the whole repository: history, tags, manifests, names and all other records, whatever
    refers to them.
    """
    checks = (
        ("HEAD", check_history(project)),
        ("refs/tags", check_tags(project)),
        (layout.MANIFESTS, check_manifests(project)),
        (layout.LISTINGS, check_listings(project)),
        (layout.ROOT, check_all_kept(project)),
        (layout.MODELS, check_files(project)),
        (layout.MODELS, case_twins.check_names(project)),
    )
    findings: list[Finding] = []
    for subject, check in checks:
        findings += catch_errors(subject, check)
    return findings


def check_history(project: Project, models: Sequence[str] | None = None) -> Iterator[Finding]:
    """Find commits that changed or deleted what should only ever have been added, and records that
    say they were renumbered where nothing shows it.

    With `models`, only their records are looked at.
    """
    if project.repository.head().commit is None:
        return
    report = renumbered.examine_history(project, models)
    yield from report.unconfirmed
    for change in report.tampering:
        if not layout.is_record_path(change.path):
            continue
        if change.yielded and layout.parse_kept_path(change.path) is not None:
            continue  # which side of a merge is believed, records pin
        commit = change.commit[:10]
        message = f"was {_CHANGE_WORDS[change.kind]} {commit}, after it had been committed"
        # Of a merge, git shows nothing that some parent has, too, unless it is asked.
        options = ("-m",) if change.yielded else ()
        show_command = shell_command("git", "show", *options, commit, "--", change.path)
        yield Finding("history", change.path, message, (show_command,))


def check_tags(project: Project, models: Sequence[str] | None = None) -> Iterator[Finding]:
    """Find tags whose record is not here; with `models`, only those of their records."""
    patterns = [f"refs/tags/{model}@*" for model in models or ()]
    for name, tag in project.repository.tags(*patterns).items():
        # A tag without a seal is another tool's `name@v1.2.3`.
        if "@" not in name or not tag.seals or _has_record(project, read_tag_name(name)):
            continue
        reference = f"refs/tags/{name}"
        log_command = shell_command("git", "log", "--oneline", "-3", reference, "--", layout.ROOT)
        yield Finding("tag", name, "seals a record that is not here", (log_command,))


def _has_record(project: Project, tag_name: TagName | None) -> bool:
    # git takes names for a tag that no record can have
    if tag_name is None:
        return False
    record_path = layout.record_path(tag_name)
    try:
        return (
            layout.parse_path(record_path) is not None
            and project.registry.read_file(record_path) is not None
        )
    except MlverError:
        return True  # something is, and named for what it is elsewhere


def check_manifests(project: Project) -> Iterator[Finding]:
    """Find manifests that no longer hash to their names."""
    for name in project.registry.list_names(layout.MANIFESTS):
        record_path = f"{layout.MANIFESTS}/{name}"
        yield from catch_errors(record_path, check_manifest(project, record_path, name))


def check_listings(project: Project) -> Iterator[Finding]:
    """Find listings that no longer hash to their names, or that are none."""
    for name in project.registry.list_names(layout.LISTINGS):
        path = f"{layout.LISTINGS}/{name}"
        yield from catch_errors(path, check_listing(project, path, name))


def check_all_kept(project: Project) -> Iterator[Finding]:
    """Find what is kept of tensors and tables, and cannot be read or has another name."""
    for path in list_kept_files(project):
        yield from catch_errors(path, check_kept(project, path))


def check_listing(project: Project, path: str, name: str) -> Iterator[Finding]:
    """Check that the listing at a path hashes to its `name`; raise InvalidDocument for none."""
    contents = project.registry.read_file(path)
    if contents is None:
        return
    if f"{Digest.of_bytes(contents).hex}.json" != name:
        restore = shell_command("git", "checkout", "--", path)
        yield Finding("manifest", path, "no longer hashes to its name", (restore,))
        return
    PrefixListing.parse(contents, path)


def check_manifest(project: Project, path: str, name: str) -> Iterator[Finding]:
    """Check that the manifest at a path hashes to its `name`."""
    contents = project.registry.read_file(path)
    if contents is not None and f"{Digest.of_bytes(contents).hex}.sha256" != name:
        yield Finding(
            "manifest",
            path,
            "no longer hashes to its name",
            (shell_command("git", "checkout", "--", path),),
        )


def check_files(project: Project, models: Sequence[str] | None = None) -> Iterator[Finding]:
    """Check every file among the records: its name, and what no version's chain leads to.

    With `models`, only their files are checked.
    """
    folders = [layout.MODELS]
    if models is not None:
        folders = [layout.model_folder(model) for model in models]
    verdict_places: list[AttachedPath] = []
    for record_path, is_link in _list_files(project.top_folder, folders):
        record_place = layout.parse_path(record_path)
        if isinstance(record_place, AttachedPath) and record_place.kind == "verdict":
            verdict_places.append(record_place)
        # The others are walked link by link.
        if isinstance(record_place, VersionPath | PromotionPath) and not is_link:
            continue
        log_command = shell_command("git", "log", "--", record_path)
        if is_link:
            yield Finding("name", record_path, "is a symlink, which no record is", (log_command,))
        elif layout.is_seal_path(record_path):
            yield from check_seal_file(project, record_path)
        elif record_place is None:
            yield Finding("name", record_path, "is no record's name", (log_command,))
        elif not isinstance(record_place, VersionPath | PromotionPath):
            yield from check_record(project, record_path, record_place)
    yield from judge_verdict_dates(project, verdict_places)


def judge_verdict_dates(
    project: Project, places: Iterable[AttachedPath], tip: str = "HEAD"
) -> Iterator[Finding]:
    """Name the verdicts that are dated later than their commits allow; git is asked once.

    `tip` is the last of the commits that have them.
    """
    verdicts: list[VerdictRecord] = []
    for place in places:
        # One that cannot be read is a finding of its own.
        with suppress(MlverError):
            verdicts.append(VERDICTS.read_placed(project.registry, place))
    for path, words in find_late_verdicts(project.repository, verdicts, tip).items():
        yield Finding("date", path, words, (shell_command("git", "log", "-p", "--", path),))


def _list_files(top: Path, folders: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """List what lies in folders of records, and whether it is a symlink to a folder."""
    for folder in folders:
        root = os.fspath(paths.join_inside(top, folder))
        for _, entries in walk_folder(root):
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    is_folder_link = entry.is_symlink() and Path(entry.path).is_dir()
                    yield os.path.relpath(entry.path, top), is_folder_link


def check_record(
    project: Project, path: str, place: SettingsPath | AttachedPath
) -> Iterator[Finding]:
    """Check that settings, or a record about a version, can be read, and that such a record was
    written for the version that is here, and on the record before it.
    """
    if place.kind == "model":
        try:
            project.registry.read_settings(place.model)
        except MlverError as error:
            yield describe_unreadable(project, "settings", path, error)
        return
    try:
        record = read_attached(project.registry, place)
        digest = project.registry.read_version_digest(record.model, record.version)
    except MlverError as error:
        yield describe_unreadable(project, "record", path, error)
        return
    if digest is None:
        message = f"names {record.version}, which has no record"
        yield Finding("record", path, message, (shell_command("git", "log", "--", path),))
    elif record.record != digest:
        message = f"was given for another record of {record.version} than the one here"
        version_path = layout.version_path(record.model, record.version)
        next_command = shell_command("git", "log", "-p", "--", path, version_path)
        yield Finding("record", path, message, (next_command,))
    yield from _judge_contents(project, record)


def _judge_contents(project: Project, record: AttachedRecord) -> Iterator[Finding]:
    """Judge what a record about a version says of other records, and of what was measured."""
    path = record.record_path
    if not isinstance(record, EvaluationRecord | ApprovalRecord):
        yield from catch_errors(path, judge_link(project, record))
    if isinstance(record, ReproductionRecord):
        yield from catch_errors(path, judge_trained_again(project, record))
    if isinstance(record, VerdictRecord):
        yield from catch_errors(path, judge_verdict(project, record))
    if isinstance(record, RolloutRecord):
        yield from catch_errors(path, judge_rollout(project, record))
    if isinstance(record, RetirementRecord):
        yield from catch_errors(path, judge_retirement(project, record))
    if isinstance(record, EvaluationRecord) and record.drift is not None:
        yield from catch_errors(path, judge_recorded_drift(project, record))
