"""The tags to be made: of one record, and of all records of a commit that want one (for `tag` and for `release`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.policy.chain import events_due
from mlver.project.edit.intent import PlannedTag
from mlver.project.history import renumbered
from mlver.project.project import Project
from mlver.project.registry.registry import decode_promotion, decode_version
from mlver.project.tags import planned_tags
from mlver.project.tags.promotion_tags import has_promotion_tags
from mlver.records import layout
from mlver.records.tags import TagName, promotion_tag_name, version_tag_name
from mlver.version import parse_version, sort_versions


@dataclass(frozen=True, slots=True)
class SealedRecord:
    tag: str
    commit: str


@dataclass(frozen=True, slots=True)
class SealableRecord:
    """A record that is to have a tag."""

    path: str
    tag: str


TagPlans = list[tuple[PlannedTag, str]]


def list_sealed(plans: TagPlans) -> tuple[SealedRecord, ...]:
    return tuple(SealedRecord(plan.name, commit) for plan, commit in plans)


def list_sealable(
    project: Project, commit: str, tagged: Collection[str], models: Collection[str] = ()
) -> list[SealableRecord]:
    """The records of a commit that are to have a tag, in the order pipelines should hear of them; `tagged` are the
    tags there are. What lies among the records under another name is passed over, and said."""
    versions: dict[str, list[str]] = defaultdict(list)
    promotions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for path in project.repository.files_at(commit, *_list_folders(models)):
        place = layout.parse_path(path)
        if place is None:
            if path.split("/")[3:4] == ["versions"]:
                project.reporter.show_note(
                    f"{path} is no record's name, and was passed over: mlver verify --all"
                )
        elif place.kind == "version" and place.version is not None:
            versions[place.model].append(place.version)
        elif place.kind == "promotion" and place.stage is not None and place.sequence is not None:
            promotions[place.model, place.stage].append(place.sequence)
    found = [
        _build_sealable(TagName(model, str(number)))
        for model, numbers in sorted(versions.items())
        for number in sort_versions(map(parse_version, numbers))
    ]
    if not has_promotion_tags(project):
        return found
    for (model, stage), numbers in sorted(promotions.items()):
        known = {number for number in numbers if promotion_tag_name(model, stage, number) in tagged}
        due = events_due(sorted(numbers), known)
        found += [_build_sealable(TagName(model, stage=stage, sequence=number)) for number in due]
    return found


def _list_folders(models: Collection[str]) -> list[str]:
    return [f"{layout.MODELS}/{model}" for model in models] or [layout.MODELS]


def _build_sealable(named: TagName) -> SealableRecord:
    return SealableRecord(layout.record_path(named), named.full_name)


def plan_missing_tags(
    project: Project, commit: str, unsealed: Sequence[SealableRecord], *, main_line: bool = False
) -> tuple[TagPlans, tuple[Finding, ...]]:
    """The tags to make for records of `commit`, each with the commit that added it; and records no tag may seal.

    On the `main_line` that is a commit of the first parents that lead to `commit`.
    """
    if not unsealed:
        return [], ()
    paths = [one.path for one in unsealed]
    added = project.repository.added_by(paths, commit, main_line=main_line)
    boundary = project.repository.boundary()
    edits = {
        change.path: change.commit
        for change in renumbered.find_tampering(project, *paths, tip=commit)
    }
    plans: TagPlans = []
    unsealable: list[Finding] = []
    for path, data in zip(
        paths, project.repository.blobs(f"{commit}:{path}" for path in paths), strict=True
    ):
        try:
            if path in edits:
                raise MlverError(
                    f"was edited in commit {edits[path][:10]}, after it had been committed",
                    hints=_build_fetch_hints(path),
                )
            if added.get(path) in boundary:
                raise MlverError(
                    "landed before the history of this shallow clone begins, so it may have been edited since",
                    hint="git fetch --unshallow --tags",
                )
            plan = _plan_tag(project, path, data)
        except MlverError as error:
            unsealable.append(
                Finding(
                    "record",
                    path,
                    error.message,
                    (error.hint or shell_command("git", "log", "-p", "--", path),),
                )
            )
        else:
            assert data is not None
            plans.append(
                (plan, _find_holding_commit(project, added.get(path, commit), path, data, commit))
            )
    return plans, tuple(unsealable)


def _plan_tag(project: Project, path: str, data: bytes | None) -> PlannedTag:
    """The tag for a record; raise MlverError where none may be made."""
    if data is None:
        raise MlverError(
            "is no file but a repository of its own", hint=shell_command("git", "log", "--", path)
        )
    if layout.is_version_path(path):
        return _plan_version_tag(project, path, data)
    record = decode_promotion(data, path)
    if project.registry.read_version_digest(record.model, record.version) != record.record:
        raise MlverError(
            f"promoted another record of {record.version} than the one here",
            hints=_build_fetch_hints(path),
        )
    return planned_tags.plan_promotion_tag(record, data)


def _plan_version_tag(project: Project, path: str, data: bytes) -> PlannedTag:
    record = decode_version(data, path)
    if record.adopted_tag and record.adopted_tag.tag == version_tag_name(
        record.model, record.version
    ):
        raise MlverError(
            "was adopted from a tag that is not here, and is not made anew", hint="git fetch --tags"
        )
    for promotion, promoted in project.registry.read_promotions_of(record.model, record.version):
        if promoted.record != Digest.of_bytes(data):
            raise MlverError(
                f"is not the record that {promotion} promoted", hints=_build_fetch_hints(path)
            )
    return planned_tags.plan_version_tag(record, data)


def _build_fetch_hints(path: str) -> tuple[str, ...]:
    """Get the seal of what the record was, and see what was done to it."""
    return ("git fetch --tags", shell_command("git", "log", "-p", "--", path))


def _find_holding_commit(project: Project, added: str, path: str, data: bytes, commit: str) -> str:
    """The commit that added the record, or the last where it held other bytes yet (a conflict settled later)."""
    (held,) = project.repository.blobs([f"{added}:{path}"])
    return added if held is not None and Digest.of_bytes(held) == Digest.of_bytes(data) else commit
