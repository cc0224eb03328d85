"""`mlver event`: what a tag means, for the pipeline it started.

Only the tag, its commit and the records in it are read, so a clone of that one tag, of depth 1, is
enough. The tag of an adopted version is older than its record: that is read on HEAD, or on the main
branch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mlver.digest import Digest
from mlver.errors import (
    InvalidDocument,
    MlverError,
    printable_name,
    shell_command,
    summarise_error,
)
from mlver.git import changes_in, merging, remotes
from mlver.git.git_tag import GitTag
from mlver.git.main_branch import find_main_branch
from mlver.git.repository import GitRepository
from mlver.git.revisions import resolve_revision
from mlver.policy.chain import RecordLanding, judge_signature, judge_tag
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry, decode_promotion, decode_version
from mlver.project.tags import seals
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.config import ProjectConfig
from mlver.records.promotion import Action, PromotionRecord
from mlver.records.tags import TagName, promotion_tag_name, read_tag_name
from mlver.records.version import VersionRecord
from mlver.version import Version, highest_version, parse_version

_REF = "refs/tags/"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResult:
    """A `version` was released, or a `promotion` moved a stage: what `tag` says, read at its
    `commit`.

    `previous` is the version before: the next lower one, or the one that held the stage. `record`
    is the digest of the record the tag is of. What the records do not say, or cannot, is None.
    `later` is the tag of the stage's last promotion, where this one is not the last. `problems` are
    why it is not `verified`.
    """

    tag: str
    kind: Literal["version", "promotion"]
    model: str
    version: str | None
    stage: str | None
    sequence: int | None
    action: Action | None
    previous: str | None
    parent: str | None
    record: str | None
    commit: str | None
    author: str | None
    created: str | None
    message: str | None
    artifacts: Mapping[str, Artifact]
    later: str | None
    problems: tuple[str, ...]
    verified: bool

    @property
    def exit_code(self) -> int:
        return 0 if self.verified else 1


def read_event(
    project: Project, tag: str | None = None, *, on: str | None = None, ask_remote: bool = False
) -> EventResult:
    """What `tag` means: a name or full reference, or the only tag at HEAD, if None.

    `on` is a branch, or any commit, that has to hold the tag's commit: what never landed is no
    event. `ask_remote`: where the checkout left a lightweight tag in place of the annotated one,
    look at the remote's. Raise MlverError for a tag that is not mlver's.
    """
    tag_name = tag.removeprefix(_REF) if tag is not None else _find_only_tag(project)
    parsed_name = read_tag_name(tag_name)
    if parsed_name is None:
        raise _build_foreign_error(tag_name)
    existing = project.repository.tags(f"{_REF}{tag_name}").get(tag_name)
    if existing is None:
        raise MlverError(
            f"the tag {tag_name} is not here",
            hint=shell_command("git", "fetch", "origin", f"{_REF}{tag_name}:{_REF}{tag_name}"),
        )
    if ask_remote and not existing.annotated:
        existing = _fetch_annotated_tag(project.repository, existing)
    landing = _find_adoption(project, parsed_name, existing, on)
    result = _EventReader(project.repository, parsed_name, existing, landing).build_result()
    problems = [
        *result.problems,
        *_check_signature(project, existing),
        *_check_branch(project.repository, existing, on),
    ]
    return replace(
        result,
        later=_find_later(project.repository, parsed_name),
        problems=tuple(problems),
        verified=result.verified and not problems,
    )


def _find_later(repository: GitRepository, tag_name: TagName) -> str | None:
    """Find the tag of the stage's last promotion, where it comes after the one that a tag names.

    An older pipeline that is run again would deploy the past. A clone of one tag cannot tell.
    """
    if tag_name.stage is None or tag_name.sequence is None:
        return None
    model, stage = tag_name.model, tag_name.stage
    last = tag_name.sequence
    for name in repository.tags(f"{_REF}{promotion_tag_name(model, stage, 0)[:-1]}*"):
        other = read_tag_name(name)
        if other is not None and other.stage == stage and other.sequence is not None:
            last = max(last, other.sequence)
    head_commit = repository.head().commit
    if head_commit is not None:
        for path in repository.files_at(head_commit, layout.stage_folder(model, stage)):
            place = layout.parse_path(path)
            if place is not None and place.kind == "promotion":
                last = max(last, place.sequence)
    if last == tag_name.sequence:
        return None
    return promotion_tag_name(model, stage, last)


def _check_signature(project: Project, tag: GitTag) -> list[str]:
    """What the settings find wrong with the tag's signature."""
    registry = project.registry
    config = ProjectConfig()
    if registry.read_file(layout.CONFIG) is not None:
        config = registry.read_config()
    signature = seals.check_signatures(project, {tag.name: tag})[tag.name]
    broken = judge_signature(tag.name, signature, required=config.tags.signed)
    return [link.message for link in broken]


def _check_branch(repository: GitRepository, tag: GitTag, on: str | None) -> list[str]:
    if on is None or tag.commit is None:
        return []
    if merging.is_ancestor(repository, resolve_revision(repository, on), tag.commit):
        return []
    return [f"its commit {tag.commit[:10]} is not on {printable_name(on)}"]


def _build_foreign_error(name: str) -> MlverError:
    return MlverError(
        f"{name} is no tag of mlver's, which are MODEL@vVERSION and MODEL@STAGE.NUMBER",
        hint="git tag --list '*@*'",
    )


def _find_only_tag(project: Project) -> str:
    head_commit = project.repository.head().commit
    tag_names: list[str] = []
    for tag_name, tag in project.repository.tags().items():
        if tag.commit == head_commit and tag.seals and read_tag_name(tag_name):
            tag_names.append(tag_name)
    if not tag_names:
        raise MlverError("there is no tag of mlver's at HEAD", hint="mlver event TAG")
    if len(tag_names) > 1:
        raise MlverError(
            f"there are {len(tag_names)} tags of mlver's at HEAD",
            hint=shell_command("mlver", "event", tag_names[0]),
        )
    return tag_names[0]


def _fetch_annotated_tag(repository: GitRepository, tag: GitTag) -> GitTag:
    """The annotated tag that a remote has of this commit; the one here where it has none.

    actions/checkout before 6.0.2 fetches the commit into the tag's name (actions/checkout#290).
    """
    remote = remotes.default_remote(repository)
    if remote is None:
        return tag
    published = remotes.fetch_tag(repository, remote, tag.name)
    # A tag of another commit would tell of other records than those that were checked out.
    if published is None or published.commit != tag.commit:
        return tag
    return published


@dataclass(frozen=True, slots=True)
class _Adoption:
    """The commit that holds the record of an adopted version, and how the record landed."""

    commit: str
    landing: RecordLanding


def _find_adoption(
    project: Project, tag_name: TagName, tag: GitTag, on: str | None
) -> _Adoption | None:
    """Find the record that was adopted from a tag: no commit that the tag is on can hold it.

    HEAD is asked, the branch `on`, and the main branch.
    """
    if tag.seals or tag_name.version is None:
        return None
    repository = project.repository
    main = find_main_branch(repository)
    path = layout.record_path(tag_name)
    for revision in ("HEAD", on, main.remote_reference, main.local_reference):
        commit = changes_in.find_commit(repository, revision) if revision else None
        if commit is None or not any(changes_in.find_objects(repository, [f"{commit}:{path}"])):
            continue
        registry = RecordRegistry(CommittedRecords.at_commit(repository, commit))
        at_commit = replace(project, registry=registry)
        tags = {tag_name.version: tag}
        landings = seals.find_landings(at_commit, tag_name.model, tags, commit)
        if landings:
            return _Adoption(commit, landings[tag_name.version])
    return None


@dataclass(frozen=True, slots=True)
class _EventReader:
    repository: GitRepository
    tag_name: TagName
    tag: GitTag
    adoption: _Adoption | None = None

    def build_result(self) -> EventResult:
        record_path = layout.record_path(self.tag_name)
        record_bytes = self._read_file(record_path)
        if record_bytes is None and self.tag.seals is None:
            raise _build_foreign_error(self.tag.name)  # somebody else's `name@v1.2.3`
        bare_result = self._build_bare_result()
        if record_bytes is None:
            return replace(bare_result, problems=(f"its commit does not hold {record_path}",))
        digest = Digest.of_bytes(record_bytes)
        bare_result = replace(bare_result, record=str(digest))
        seal = seals.seal_from_bytes(self.tag, record_bytes)
        if self.adoption is not None:
            seal = replace(seal, landing=self.adoption.landing)
        broken_links = judge_tag(self.tag.name, record_path, digest, seal)
        problems = [f"{link.subject} {link.message}" for link in broken_links]
        try:
            result = self._read_record(bare_result, record_bytes, record_path)
        except InvalidDocument as error:
            problems += [f"{error.where}: {fault}" for fault in error.faults]
            return replace(bare_result, problems=tuple(problems))
        except MlverError as error:
            return replace(bare_result, problems=(*problems, summarise_error(error)))
        return replace(result, problems=tuple(problems), verified=not problems)

    def _build_bare_result(self) -> EventResult:
        return EventResult(
            tag=self.tag.name,
            kind="promotion" if self.tag_name.stage else "version",
            model=self.tag_name.model,
            version=self.tag_name.version,
            stage=self.tag_name.stage,
            sequence=self.tag_name.sequence,
            action=None,
            previous=None,
            parent=None,
            record=None,
            commit=self.tag.commit,
            author=None,
            created=None,
            message=None,
            artifacts={},
            later=None,
            problems=(),
            verified=False,
        )

    def _read_file(self, path: str) -> bytes | None:
        commit = self._find_holder()
        if commit is None:
            return None
        (file_bytes,) = self.repository.blobs([f"{commit}:{path}"])
        return file_bytes

    def _find_holder(self) -> str | None:
        """The commit whose records are read."""
        if self.adoption is not None:
            return self.adoption.commit
        return self.tag.commit

    def _read_record(self, bare: EventResult, data: bytes, path: str) -> EventResult:
        if self.tag_name.stage:
            return self._read_promotion(bare, data, path)
        return self._read_version(bare, data, path)

    def _read_version(self, bare: EventResult, data: bytes, path: str) -> EventResult:
        record = decode_version(data, path)
        return replace(
            _add_details(bare, record),
            parent=record.parent,
            previous=self._find_previous(record),
            artifacts=record.named_artifacts(),
        )

    def _find_previous(self, record: VersionRecord) -> str | None:
        """The highest version below one, of those its commit holds."""
        holder = self._find_holder()
        assert holder is not None
        number = parse_version(record.version)
        lower_numbers: list[Version] = []
        # The commit's own tree is asked: a clone of depth 1 has no other history and no other tag.
        for file_path in self.repository.files_at(holder, layout.versions_folder(record.model)):
            parsed_path = layout.parse_path(file_path)
            if parsed_path is None or parsed_path.kind != "version":
                continue
            other_number = parse_version(parsed_path.version)
            if other_number < number:
                lower_numbers.append(other_number)
        previous = highest_version(lower_numbers)
        return None if previous is None else str(previous)

    def _read_promotion(self, bare: EventResult, data: bytes, path: str) -> EventResult:
        record = decode_promotion(data, path)
        version_path = layout.version_path(record.model, record.version)
        version_data = self._read_file(version_path)
        if version_data is None or Digest.of_bytes(version_data) != record.record:
            raise MlverError(
                f"{path} promoted another record of {record.version} than the one its commit holds"
            )
        version = decode_version(version_data, version_path)
        return replace(
            _add_details(bare, record),
            version=record.version,
            action=record.action,
            previous=record.previous,
            parent=version.parent,
            artifacts=version.named_artifacts(),
        )


def _add_details(bare: EventResult, record: VersionRecord | PromotionRecord) -> EventResult:
    return replace(bare, author=record.author, created=record.created, message=record.message)
