"""`mlver event`: what a tag means, for the pipeline it started.

Only the tag, its commit and the records in it are read, so a clone of that one tag, of depth 1, is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mlver.digest import Digest
from mlver.errors import InvalidDocument, MlverError, printable_name, shell_command
from mlver.git import merging, remotes
from mlver.git.repository import GitRepository, GitTag
from mlver.git.revisions import resolve_revision
from mlver.policy.chain import judge_signature, judge_tag
from mlver.project.project import Project
from mlver.project.registry.registry import decode_promotion, decode_version
from mlver.project.tags import seals
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.config import ProjectConfig
from mlver.records.promotion import Action, PromotionRecord
from mlver.records.tags import TagName, read_tag_name
from mlver.records.version import VersionRecord
from mlver.version import highest_version, parse_version

_REF = "refs/tags/"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResult:
    """A `version` was released, or a `promotion` moved a stage: what `tag` says, read at its `commit`.

    `previous` is the version before: the next lower one, or the one that held the stage. `record` is the digest of the
    record the tag is of. What the records do not say, or cannot, is None. `problems` are why it is not `verified`.
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
    problems: tuple[str, ...]
    verified: bool

    @property
    def exit_code(self) -> int:
        return 0 if self.verified else 1


def read_event(
    project: Project, tag: str | None = None, *, on: str | None = None, ask_remote: bool = False
) -> EventResult:
    """What `tag` (a name or full reference; the only one at HEAD, if None) means; raise MlverError for one not mlver's.

    `on` is a branch, or any commit, that has to hold the tag's commit: what never landed is no event. `ask_remote`:
    where the checkout left a lightweight tag in place of the annotated one, look at the remote's.
    """
    name = _find_only_tag(project) if tag is None else tag.removeprefix(_REF)
    named = read_tag_name(name)
    if named is None:
        raise _build_foreign_error(name)
    found = project.repository.tags(f"{_REF}{name}").get(name)
    if found is None:
        raise MlverError(
            f"the tag {name} is not here",
            hint=shell_command("git", "fetch", "origin", f"{_REF}{name}:{_REF}{name}"),
        )
    if ask_remote and not found.annotated:
        found = _fetch_annotated_tag(project.repository, found)
    result = _EventReader(project.repository, named, found).build_result()
    problems = (*_check_signature(project, found), *_check_branch(project.repository, found, on))
    return replace(
        result, problems=(*result.problems, *problems), verified=result.verified and not problems
    )


def _check_signature(project: Project, tag: GitTag) -> list[str]:
    """What the settings find wrong with the tag's signature."""
    registry = project.registry
    config = (
        registry.read_config() if registry.read_file(layout.CONFIG) is not None else ProjectConfig()
    )
    signature = seals.check_signatures(project, {tag.name: tag})[tag.name]
    return [
        link.message for link in judge_signature(tag.name, signature, required=config.tags.signed)
    ]


def _check_branch(repository: GitRepository, tag: GitTag, on: str | None) -> list[str]:
    if (
        on is None
        or tag.commit is None
        or merging.is_ancestor(repository, resolve_revision(repository, on), tag.commit)
    ):
        return []
    return [f"its commit {tag.commit[:10]} is not on {printable_name(on)}"]


def _build_foreign_error(name: str) -> MlverError:
    return MlverError(
        f"{name} is no tag of mlver's", hint="mlver's are MODEL@vVERSION and MODEL@STAGE.NUMBER"
    )


def _find_only_tag(project: Project) -> str:
    head = project.repository.head().commit
    here = [
        name for name, tag in project.repository.tags().items() if tag.commit == head and tag.seals
    ]
    here = [name for name in here if read_tag_name(name)]
    if len(here) != 1:
        there = f"there are {len(here)} tags of mlver's" if here else "there is no tag of mlver's"
        raise MlverError(
            f"{there} at HEAD",
            hint=shell_command("mlver", "event", here[0]) if here else "mlver event TAG",
        )
    return here[0]


def _fetch_annotated_tag(repository: GitRepository, tag: GitTag) -> GitTag:
    """The annotated tag that a remote has of this commit; the one here where it has none.

    actions/checkout before 6.0.2 fetches the commit into the tag's name (actions/checkout#290).
    """
    remote = remotes.default_remote(repository)
    there = remotes.fetch_tag(repository, remote, tag.name) if remote else None
    return there if there is not None and there.commit == tag.commit else tag


@dataclass(frozen=True, slots=True)
class _EventReader:
    repository: GitRepository
    named: TagName
    tag: GitTag

    def build_result(self) -> EventResult:
        path = layout.record_path(self.named)
        data = self._read_file(path)
        if data is None and self.tag.seals is None:
            raise _build_foreign_error(self.tag.name)  # somebody else's `name@v1.2.3`
        bare = self._build_bare_result()
        if data is None:
            return replace(bare, problems=(f"its commit does not hold {path}",))
        digest = Digest.of_bytes(data)
        seal = seals.seal_from_bytes(self.tag, data)
        problems = [
            f"{link.subject} {link.message}"
            for link in judge_tag(self.tag.name, path, digest, seal)
        ]
        bare = replace(bare, record=str(digest))
        try:
            told = (
                self._read_promotion(bare, data, path)
                if self.named.stage
                else self._read_version(bare, data, path)
            )
        except InvalidDocument as error:
            return replace(
                bare, problems=(*problems, *(f"{error.where}: {fault}" for fault in error.faults))
            )
        except MlverError as error:
            return replace(bare, problems=(*problems, error.message))
        return replace(told, problems=tuple(problems), verified=not problems)

    def _build_bare_result(self) -> EventResult:
        return EventResult(
            tag=self.tag.name,
            kind="promotion" if self.named.stage else "version",
            model=self.named.model,
            version=self.named.version,
            stage=self.named.stage,
            sequence=self.named.sequence,
            action=None,
            previous=None,
            parent=None,
            record=None,
            commit=self.tag.commit,
            author=None,
            created=None,
            message=None,
            artifacts={},
            problems=(),
            verified=False,
        )

    def _read_file(self, path: str) -> bytes | None:
        if self.tag.commit is None:
            return None
        (data,) = self.repository.blobs([f"{self.tag.commit}:{path}"])
        return data

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
        assert self.tag.commit is not None
        paths = self.repository.files_at(self.tag.commit, layout.versions_folder(record.model))
        places = filter(None, map(layout.parse_path, paths))
        there = [
            parse_version(place.version)
            for place in places
            if place.kind == "version" and place.version
        ]
        found = highest_version(
            number for number in there if number < parse_version(record.version)
        )
        return None if found is None else str(found)

    def _read_promotion(self, bare: EventResult, data: bytes, path: str) -> EventResult:
        record = decode_promotion(data, path)
        where = layout.version_path(record.model, record.version)
        pinned = self._read_file(where)
        if pinned is None or Digest.of_bytes(pinned) != record.record:
            raise MlverError(
                f"{path} promoted another record of {record.version} than the one its commit holds"
            )
        version = decode_version(pinned, where)
        told = replace(
            _add_details(bare, record),
            version=record.version,
            action=record.action,
            previous=record.previous,
        )
        return replace(told, parent=version.parent, artifacts=version.named_artifacts())


def _add_details(bare: EventResult, record: VersionRecord | PromotionRecord) -> EventResult:
    return replace(bare, author=record.author, created=record.created, message=record.message)
