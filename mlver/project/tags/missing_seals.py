"""Tags that records of a commit still need: which records, and what each tag will say.

`mlver tag` makes them here, `mlver release` publishes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command, summarise_error
from mlver.findings import Finding
from mlver.git import references
from mlver.git.repository import GitRepository
from mlver.project.edit import planned_tags
from mlver.project.edit.intent import PlannedTag
from mlver.project.history import case_twins, renumbered
from mlver.project.project import Project
from mlver.project.registry.registry import decode_promotion, decode_version
from mlver.project.tags import promotion_seals
from mlver.records import layout
from mlver.records.layout import RecordPath
from mlver.records.tags import TagName, version_tag_name
from mlver.version import parse_version, sort_versions


@dataclass(frozen=True, slots=True)
class SealedRecord:
    tag: str
    commit: str


@dataclass(frozen=True, slots=True)
class SealableRecord:
    """A record that is to have a tag. `current`: it is no promotion that a later one replaced."""

    path: str
    tag: str
    current: bool = True


_BEFORE_SEALS = b"schema: mlver/promotion/1\n"

TagPlans = list[tuple[PlannedTag, str]]


def list_sealed(plans: TagPlans) -> tuple[SealedRecord, ...]:
    return tuple(SealedRecord(plan.name, commit) for plan, commit in plans)


# -- records that want a tag -----------------------------------------------------------------------


def list_sealable(
    project: Project, commit: str, tagged: Collection[str], models: Collection[str] = ()
) -> list[SealableRecord]:
    """List the records of a commit that are to have a tag, in the order pipelines should see them.

    `tagged` names the tags that exist. A promotion of format 1 is older than seals: only one that
    has a tag all the same is listed. A file among the versions that has no record's name is
    reported as a note and left out.
    """
    versions: dict[str, list[str]] = defaultdict(list)
    promotions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place in _list_places(project, commit, models):
        if place.kind == "version":
            versions[place.model].append(place.version)
        elif place.kind == "promotion":
            promotions[place.model, place.stage].append(place.sequence)
    # Versions come first, so that no pipeline hears of a promotion whose version has no tag yet.
    records = _list_sealable_versions(versions)
    moves = _list_promotions(promotions)
    untagged = [record.path for record in moves if record.tag not in tagged]
    before_seals = find_before_seals(project.repository, commit, untagged)
    records += [record for record in moves if record.path not in before_seals]
    return records


def _list_places(project: Project, commit: str, models: Collection[str]) -> Iterator[RecordPath]:
    """Yield what the paths of a commit's records say, for `models` or for all models."""
    folders = [f"{layout.MODELS}/{model}" for model in models]
    if not folders:
        folders = [layout.MODELS]
    for path in project.repository.files_at(commit, *folders):
        place = layout.parse_path(path)
        if place is not None:
            yield place
        elif _lies_among_versions(path):
            project.reporter.show_note(
                f"{path} is no record's name, and was passed over: mlver verify --all"
            )


def _lies_among_versions(path: str) -> bool:
    # .mlver/models/<model>/versions/…
    parts = path.split("/")
    return len(parts) > 3 and parts[3] == "versions"


def _list_sealable_versions(versions: Mapping[str, Sequence[str]]) -> list[SealableRecord]:
    records: list[SealableRecord] = []
    for model, numbers in sorted(versions.items()):
        parsed_numbers = map(parse_version, numbers)
        for number in sort_versions(parsed_numbers):
            tag_name = TagName(model, str(number))
            records.append(_build_sealable(tag_name))
    return records


def _list_promotions(
    promotions: Mapping[tuple[str, str], Sequence[int]],
) -> list[SealableRecord]:
    """List the promotions of each stage, oldest first."""
    records: list[SealableRecord] = []
    for (model, stage), sequences in sorted(promotions.items()):
        for sequence in sorted(sequences):
            tag_name = TagName(model, stage=stage, sequence=sequence)
            records.append(_build_sealable(tag_name, current=sequence == max(sequences)))
    return records


def find_before_seals(repository: GitRepository, commit: str, paths: Sequence[str]) -> set[str]:
    """Find those of these promotions of a commit whose records are older than seals."""
    if not paths:
        return set()
    before_seals: set[str] = set()
    contents = repository.blobs(f"{commit}:{path}" for path in paths)
    for path, data in zip(paths, contents, strict=True):
        if data is not None and _is_before_seals(path, data):
            before_seals.add(path)
    return before_seals


def _is_before_seals(path: str, data: bytes) -> bool:
    # Parsing ten thousand old records would take longer than all the rest, and mlver writes this
    # line first; the first line of a document is a key of its own, whatever stands below.
    if data.startswith(_BEFORE_SEALS):
        return True
    try:
        return decode_promotion(data, path).format == 1
    except MlverError:
        # It is refused by name when its tag is planned.
        return False


def _build_sealable(tag_name: TagName, *, current: bool = True) -> SealableRecord:
    return SealableRecord(layout.record_path(tag_name), tag_name.full_name, current)


def split_pushes(records: Sequence[SealableRecord]) -> list[Sequence[str]]:
    """Split the tags of records into pushes, so that what is current starts a pipeline.

    Nothing is to be deployed of promotions that later ones replaced: however many these are, they
    go in one push, after the versions they name and before what is to be deployed last.
    """
    version_tags: list[str] = []
    replaced_tags: list[str] = []
    current_tags: list[str] = []
    for record in records:
        if layout.is_version_path(record.path):
            version_tags.append(record.tag)
        elif record.current:
            current_tags.append(record.tag)
        else:
            replaced_tags.append(record.tag)
    if not replaced_tags:
        return references.split_batches([*version_tags, *current_tags])
    return [
        *references.split_batches(version_tags),
        *references.split_long(replaced_tags),
        *references.split_batches(current_tags),
    ]


# -- the tags to make ------------------------------------------------------------------------------


def plan_missing_tags(
    project: Project, commit: str, unsealed: Sequence[SealableRecord], *, main_line: bool = False
) -> tuple[TagPlans, tuple[Finding, ...]]:
    """Plan a tag for each of these records of `commit`, with the commit that added the record.

    Return also a finding for each record that no tag may seal. With `main_line`, the commit that
    added a record is one of the first parents that lead to `commit`.
    """
    if not unsealed:
        return [], ()
    paths = [record.path for record in unsealed]
    past = _read_past(project, commit, paths, main_line=main_line)
    places = [f"{commit}:{path}" for path in paths]
    contents = project.repository.blobs(places)
    plans: TagPlans = []
    unsealable: list[Finding] = []
    older_twins = case_twins.find_older_twins(project, commit, paths)
    for path, data in zip(paths, contents, strict=True):
        try:
            _require_distinct(path, older_twins)
            past.require_unchanged(path)
            bytes_of_record = _require_file(path, data)
            plan = _plan_tag(project, path, bytes_of_record)
        except MlverError as error:
            unsealable.append(_build_finding(path, error))
            continue
        plans.append((plan, past.added_by.get(path, commit)))
    return _choose_commits(project, plans, commit), tuple(unsealable)


def _require_distinct(path: str, older_twins: Mapping[str, str]) -> None:
    """Raise MlverError where the push of a seal would be refused, as would that of its record."""
    if path in older_twins:
        raise MlverError(case_twins.describe_twin(older_twins[path]))


@dataclass(frozen=True, slots=True)
class _RecordPast:
    """What history says of some records: the commits that added and edited each, by its path.

    `boundary` are the commits that a shallow clone's history begins with.
    """

    added_by: Mapping[str, str]
    edited_by: Mapping[str, str]
    boundary: Collection[str]

    def require_unchanged(self, path: str) -> None:
        """Raise MlverError where a record was edited, or where this clone cannot tell."""
        editor = self.edited_by.get(path)
        if editor is not None:
            raise MlverError(
                f"was edited in commit {editor[:10]}, after it had been committed",
                hints=_build_fetch_hints(path),
            )
        if self.added_by.get(path) in self.boundary:
            # git shows a boundary commit as if it had added every file it holds
            raise MlverError(
                "landed before the history of this shallow clone begins, "
                "so it may have been edited since",
                hint="git fetch --unshallow --tags",
            )


def _read_past(
    project: Project, commit: str, paths: Sequence[str], *, main_line: bool
) -> _RecordPast:
    edited_by: dict[str, str] = {}
    for change in renumbered.find_tampering(project, *paths, tip=commit):
        edited_by[change.path] = change.commit
    return _RecordPast(
        added_by=project.repository.added_by(paths, commit, main_line=main_line),
        edited_by=edited_by,
        boundary=project.repository.boundary(),
    )


def _build_finding(path: str, error: MlverError) -> Finding:
    hint = error.hint
    if hint is None:
        hint = shell_command("git", "log", "-p", "--", path)
    return Finding("record", path, summarise_error(error, path), (hint,))


def _require_file(path: str, data: bytes | None) -> bytes:
    # A path of the tree without a blob is a commit: a submodule where the record should be.
    if data is None:
        raise MlverError(
            "is no file but a repository of its own", hint=shell_command("git", "log", "--", path)
        )
    return data


def _plan_tag(project: Project, path: str, data: bytes) -> PlannedTag:
    """Plan the tag for a record; raise MlverError where none may be made."""
    if layout.is_version_path(path):
        return _plan_version_tag(project, path, data)
    return _plan_promotion_tag(project, path, data)


def _plan_version_tag(project: Project, path: str, data: bytes) -> PlannedTag:
    record = decode_version(data, path)
    tag_name = version_tag_name(record.model, record.version)
    # The record names the tag object it was adopted from: any other tag of that name is wrong.
    if record.adopted_tag is not None and record.adopted_tag.tag == tag_name:
        raise MlverError(
            "was adopted from a tag that is not here, and is not made again",
            hint="git fetch --tags",
        )
    # A seal would give a replaced record the trust that the promoted one had.
    promotions = project.registry.read_promotions_of(record.model, record.version)
    for promotion, promoted in promotions:
        if promoted.record != Digest.of_bytes(data):
            raise MlverError(
                f"is not the record that {promotion} promoted", hints=_build_fetch_hints(path)
            )
    return planned_tags.plan_version_tag(record, data)


def _plan_promotion_tag(project: Project, path: str, data: bytes) -> PlannedTag:
    record = decode_promotion(data, path)
    digest = project.registry.read_version_digest(record.model, record.version)
    if digest != record.record:
        raise MlverError(
            f"promoted another record of {record.version} than the one here",
            hints=_build_fetch_hints(path),
        )
    # No gate ran for an adopted one: a seal would vouch for what nothing else tells of.
    origins = promotion_seals.judge_origins(project, [record])
    for finding in (*origins.missing, *origins.changed):
        raise MlverError(
            f"was adopted, and the tag {finding.subject} {finding.message}", hints=finding.hints
        )
    return planned_tags.plan_promotion_tag(record, data)


def _build_fetch_hints(path: str) -> tuple[str, ...]:
    """Build the hints that get the seal of what the record was, and show what was done to it."""
    show_changes = shell_command("git", "log", "-p", "--", path)
    return ("git fetch --tags", show_changes)


def _choose_commits(project: Project, plans: TagPlans, commit: str) -> TagPlans:
    """Choose a commit that holds each record: the one that added its path, else `commit`.

    The two differ where a conflict over the path was settled later: the first added other bytes.
    """
    places: list[str] = []
    for plan, added_by in plans:
        places += [f"{added_by}:{plan.path}", f"{commit}:{plan.path}"]
    contents = list(project.repository.blobs(places))
    chosen: TagPlans = []
    for (plan, added_by), first, last in zip(plans, contents[::2], contents[1::2], strict=True):
        chosen.append((plan, added_by if first == last else commit))
    return chosen
