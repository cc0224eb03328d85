"""`mlver status`: the work tree against each model's versions, and the bump that would suit."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from mlver.content import formats
from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.features.comparing.artifact_diff import ArtifactDiff, compare_artifacts
from mlver.features.comparing.ignore_changes import (
    IgnoreChange,
    find_ignore_change,
    holds_version,
    include_pinned,
)
from mlver.features.comparing.snapshot import (
    ComparedCode,
    ModelSnapshot,
    PinnedArtifact,
    keep_file_values,
    read_directions,
    snapshot_version,
    snapshot_work_tree,
)
from mlver.features.comparing.value_diff import (
    MetricChange,
    ValueChange,
    compare_metrics,
    compare_values,
    suggest_bump,
)
from mlver.findings import Finding
from mlver.project.artifacts import measuring, modes
from mlver.project.artifacts.bringing import suggest_bringing
from mlver.project.artifacts.empty_store import has_empty_store
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.attached import find_retirement
from mlver.project.registry.tolerant import TolerantReader
from mlver.project.rollouts.open_shares import OpenShare, list_open_shares
from mlver.records.version import VersionRecord
from mlver.version import Bump, Version, bump_version

# Among so many of the newest versions the one that the work tree holds is looked for.
_RECENT = 20
# What says nothing of the content that was there, or should be.
_NOT_HERE = ("missing", "pointer", "unreadable")
_UNTOLD = (*_NOT_HERE, "elsewhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """`version` is what the work tree is compared with.

    It is the version that the work tree holds, after a checkout, else the `latest`; `retired` is
    why nobody should use it. `commits` counts HEAD's commits since its code, None where unknown.
    `bump` is None when nothing that a version pins has changed; `next` is the version it would
    make. `fetch` brings stored bytes that are neither in the work tree nor in the store.
    `ignore_file` says how `.mlverignore` changed since, where an artifact differs; `left_out` are
    files of the version that lie there as registered, and that the next version leaves out.
    `rollouts` are the versions that have a share of a stage's traffic.
    """

    model: str
    version: str
    latest: str
    retired: str | None
    artifacts: tuple[ArtifactDiff, ...]
    params: tuple[ValueChange, ...]
    metrics: tuple[MetricChange, ...]
    lacking: tuple[str, ...]
    commits: int | None
    dirty: bool
    bump: Bump | None
    next: str | None
    fetch: tuple[str, ...] = ()
    ignore_file: IgnoreChange | None = None
    left_out: tuple[str, ...] = ()
    rollouts: tuple[OpenShare, ...] = ()

    @property
    def lacks_artifact(self) -> bool:
        """Whether an artifact is missing in the work tree."""
        return any(artifact.state == "missing" for artifact in self.artifacts)

    @property
    def differs(self) -> bool:
        # What is missing, or only a pointer, suggests no bump, and is not what the version pins.
        if self.bump is not None:
            return True
        return any(artifact.state in _NOT_HERE for artifact in self.artifacts)


@dataclass(frozen=True, slots=True)
class StatusResult:
    """`faults` are why some records cannot be read.

    The work tree was compared with those that can be read. `unshared` is what others could not get
    of the versions named, if remotes were asked.
    """

    models: tuple[ModelStatus, ...]
    faults: tuple[str, ...]
    unshared: tuple[Finding, ...] = ()

    @property
    def differs(self) -> bool:
        return any(model.differs for model in self.models)


def find_status(
    project: Project, model: str | None = None, *, shared: bool = False
) -> StatusResult:
    """The work tree's state for one model, or for every one.

    With `shared`, remotes are asked what others could not get of the versions in it. Reads only
    those files that the stat cache cannot vouch for.
    """
    model_names = project.registry.list_models()
    if model is not None or not model_names:
        model_names = [project.resolve_model(model)]
    reader = TolerantReader()
    statuses = []
    code: ComparedCode | None = None
    for model_name in model_names:
        versions = _list_readable_versions(project, model_name, reader)
        if not versions:
            continue
        code = code or ComparedCode.read_from(project)
        working_snapshot = snapshot_work_tree(project, model_name, code=code)
        status = _compare_with_versions(project, working_snapshot, versions, reader)
        statuses.append(status)
    # A record is read for more than one reason, and its fault is one.
    faults = tuple(dict.fromkeys(reader.faults))
    unshared = _find_unshared(project, statuses) if shared else ()
    return StatusResult(tuple(statuses), faults, unshared)


def _find_unshared(project: Project, statuses: Iterable[ModelStatus]) -> tuple[Finding, ...]:
    # imported here: few ask remotes
    from mlver.project.remote.unshared import find_unshared

    records: list[VersionRecord] = []
    for status in statuses:
        for version in dict.fromkeys((status.version, status.latest)):
            records.append(project.registry.read_version(status.model, version)[0])
    return find_unshared(project, records)


def _list_readable_versions(project: Project, model: str, reader: TolerantReader) -> list[Version]:
    """The newest versions of a model, lowest first, up to the highest whose record can be read."""
    limit = 2 * _RECENT
    while True:
        newest, version_count = project.registry.list_newest(model, limit)
        versions = newest[::-1]
        while versions:
            if reader.try_reading(project.registry.read_version, model, versions[-1]) is not None:
                return versions
            versions.pop()
        if limit >= version_count:
            return []
        limit *= 10


def _compare_with_versions(
    project: Project,
    working_snapshot: ModelSnapshot,
    versions: list[Version],
    reader: TolerantReader,
) -> ModelStatus:
    model = working_snapshot.model
    latest = versions[-1]
    version = _find_held_version(project, versions, working_snapshot, reader)
    version_snapshot = keep_file_values(
        project, snapshot_version(project, ResolvedRef(model, version)), working_snapshot
    )
    record, _ = project.registry.read_version(model, version)
    working_snapshot, left_out = include_pinned(project, record, working_snapshot)
    retirement = reader.try_reading(find_retirement, project.registry, model, version)
    directions = read_directions(project.registry, model)
    artifacts = tuple(compare_artifacts(version_snapshot, working_snapshot))
    params = compare_values(version_snapshot.params, working_snapshot.params)
    bump: Bump | None = None
    # A number below the latest version's would be refused.
    if version == latest:
        bump = _suggest_bump(version_snapshot, working_snapshot, artifacts, params)
    return ModelStatus(
        model=model,
        version=str(version),
        latest=str(latest),
        retired=None if retirement is None else retirement.reason,
        artifacts=artifacts,
        params=params,
        metrics=compare_metrics(version_snapshot.metrics, working_snapshot.metrics, directions),
        lacking=working_snapshot.lacking,
        commits=_count_commits(project, version_snapshot.code.commit, working_snapshot.code.commit),
        dirty=working_snapshot.code.dirty,
        bump=bump,
        next=None if bump is None else str(bump_version(version, bump)),
        fetch=_suggest_fetching(project, record, artifacts),
        rollouts=tuple(reader.try_reading(list_open_shares, project.registry, model) or ()),
        ignore_file=find_ignore_change(project, record, artifacts),
        left_out=left_out,
    )


def _suggest_fetching(
    project: Project, record: VersionRecord, artifacts: tuple[ArtifactDiff, ...]
) -> tuple[str, ...]:
    """The commands that bring stored bytes where a checkout could not put them in place."""
    missing = {artifact.name for artifact in artifacts if artifact.state == "missing"}
    if not missing:
        return ()
    if not has_empty_store(project) and not _lacks_objects(project, record, missing):
        return ()
    return suggest_bringing(project, f"{record.model}@{record.version}")


def _lacks_objects(project: Project, record: VersionRecord, names: set[str]) -> bool:
    """Say whether an object of these artifacts is not in the store, which holds others."""
    # imported here: few ask for what is missing
    from mlver.project.artifacts.storing import open_store

    digests: set[Digest] = set()
    for name, artifact in record.named_artifacts().items():
        if name not in names or not artifact.stored:
            continue
        try:
            entries = measuring.stored_files(project, artifact)
        except MlverError:
            # `verify` says what is wrong with the manifest
            return False
        digests.update(Digest(hexadecimal) for _, hexadecimal in entries)
    return bool(open_store(project).find_missing(digests))


def _find_held_version(
    project: Project, versions: list[Version], new: ModelSnapshot, reader: TolerantReader
) -> Version:
    """The version whose artifacts the work tree holds; the latest where it holds none.

    Only the newest versions are compared, and those that a stage holds. Of several with the same
    bytes it is the newest whose files may be executed as those of the work tree, if there is one.
    """
    registry = project.registry
    holders = reader.read_holders(registry, new.model)
    newest_first = versions[::-1]
    staged = [version for version in versions if str(version) in holders.values()]
    same_bytes: list[Version] = []
    working_digests: dict[str, Digest | None] = {}
    for name, pinned in new.artifacts.items():
        # of what lies elsewhere, the work tree says nothing
        if not pinned.elsewhere:
            working_digests[name] = pinned.digest
    for version in [*newest_first[:_RECENT], *staged]:
        record_read = reader.try_reading(registry.read_version, new.model, version)
        if record_read is None:
            continue
        record, _ = record_read
        recorded_digests: dict[str, Digest | None] = {}
        for name, artifact in record.named_artifacts().items():
            if not artifact.is_remote:
                recorded_digests[name] = artifact.digest
        if working_digests != recorded_digests:
            # what `.mlverignore` leaves out by now may be all that differs
            if not same_bytes and holds_version(project, record, new.artifacts):
                return version
            continue
        if _have_same_modes(record, new):
            return version
        same_bytes.append(version)
    return same_bytes[0] if same_bytes else versions[-1]


def _have_same_modes(record: VersionRecord, new: ModelSnapshot) -> bool:
    for name, artifact in record.named_artifacts().items():
        if artifact.is_remote:
            continue
        pinned, present = modes.pinned_executable(artifact), new.artifacts[name].executable
        if pinned is not None and present is not None and pinned != present:
            return False
    return True


def _suggest_bump(
    old: ModelSnapshot,
    new: ModelSnapshot,
    artifacts: tuple[ArtifactDiff, ...],
    params: tuple[ValueChange, ...],
) -> Bump | None:
    changed = set()
    for artifact in artifacts:
        if artifact.state != "unchanged" and artifact.state not in _UNTOLD:
            changed.add(artifact.name)
    weights_changed = "weights" in changed
    # Users of an artifact that is gone break, as they do with another format.
    other_form = bool(old.artifacts.keys() - new.artifacts.keys())
    if weights_changed and old.artifacts["weights"].form != _find_form(new.artifacts["weights"]):
        other_form = True
    return suggest_bump(
        form=other_form,
        inputs=bool(params) or bool(changed - {"weights"}),
        weights=weights_changed,
    )


def _find_form(weights: PinnedArtifact) -> str | None:
    if weights.form:
        return weights.form
    file_names = [os.fsdecode(file_name) or weights.path for file_name, _ in weights.entries()]
    return formats.detect_format(file_names)


def _count_commits(project: Project, old: str | None, new: str | None) -> int | None:
    # A version may have been registered before the first commit.
    if old is None or new is None:
        return None
    return project.repository.count_between(old, new)
