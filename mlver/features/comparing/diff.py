"""`mlver diff`: two versions, or a version and the work tree, compared part by part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlver.features.comparing.artifact_diff import ArtifactDiff, compare_artifacts
from mlver.features.comparing.ignore_changes import include_pinned
from mlver.features.comparing.snapshot import (
    keep_file_values,
    read_directions,
    snapshot_version,
    snapshot_work_tree,
)
from mlver.features.comparing.value_diff import (
    MetricChange,
    ValueChange,
    compare_metrics,
    compare_uses,
    compare_values,
)
from mlver.git.repository import CommitSummary
from mlver.project.history.lost_code import list_fetches
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.attached import find_retirement
from mlver.records.code_references import name_code_reference
from mlver.records.version import CodeState


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDiff:
    """`commits` and `stat` lie between the two commits.

    `known` is False where this clone lacks one of the commits; `fetch` are the commands that may
    bring it.
    """

    old: str | None
    new: str | None
    old_dirty: bool
    new_dirty: bool
    known: bool
    fetch: tuple[str, ...]
    commits: tuple[CommitSummary, ...]
    stat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffResult:
    """`old` and `new` name the sides (`digits 1.0.0`, `digits (work tree)`).

    `retired` says of those that nobody should use any more why, by their name. `uses` are changes
    of the versions that each uses of other models, by model.
    """

    old: str
    new: str
    retired: Mapping[str, str]
    params: tuple[ValueChange, ...]
    metrics: tuple[MetricChange, ...]
    artifacts: tuple[ArtifactDiff, ...]
    environment: tuple[ValueChange, ...]
    labels: tuple[ValueChange, ...]
    uses: tuple[ValueChange, ...]
    code: CodeDiff

    @property
    def differs(self) -> bool:
        """Whether anything but the code's commits differs."""
        if self.params or self.environment or self.labels or self.uses:
            return True
        # Every metric of both sides is listed, those that are equal too.
        if any(metric.old != metric.new for metric in self.metrics):
            return True
        return any(artifact.state != "unchanged" for artifact in self.artifacts)


def diff_versions(project: Project, a: str | None, b: str | None = None) -> DiffResult:
    """Compare version `a` with version `b`, or with the work tree.

    A selector alone in `b` means a version of a's model.
    """
    chosen = project.resolve_ref(a)
    old_side = snapshot_version(project, chosen)
    refs: list[ResolvedRef | None] = [chosen, None]
    # The work tree has neither: they are given as a version is registered.
    labels: tuple[ValueChange, ...] = ()
    uses: tuple[ValueChange, ...] = ()
    if b is None:
        new_side = snapshot_work_tree(project, chosen.model, environment=True)
        record, _ = project.registry.read_version(chosen.model, chosen.version)
        new_side, _ = include_pinned(project, record, new_side)
        old_side = keep_file_values(project, old_side, new_side)
    else:
        other = project.resolve_ref(b, chosen.model)
        refs[1] = other
        new_side = snapshot_version(project, other)
        labels = compare_values(old_side.labels, new_side.labels)
        uses = compare_uses(old_side.uses, new_side.uses)
    directions = read_directions(project.registry, new_side.model)
    return DiffResult(
        old=old_side.label,
        new=new_side.label,
        retired=_find_retired_sides(project, refs),
        params=compare_values(old_side.params, new_side.params),
        metrics=compare_metrics(old_side.metrics, new_side.metrics, directions),
        artifacts=tuple(compare_artifacts(old_side, new_side)),
        environment=compare_values(old_side.environment_document, new_side.environment_document),
        labels=labels,
        uses=uses,
        code=_diff_code(project, old_side.code, new_side.code, refs),
    )


def _find_retired_sides(project: Project, refs: Iterable[ResolvedRef | None]) -> dict[str, str]:
    retired: dict[str, str] = {}
    for ref in refs:
        if ref is None:
            continue
        retirement = find_retirement(project.registry, ref.model, ref.version)
        if retirement is not None:
            retired[f"{ref.model} {ref.version}"] = retirement.reason
    return retired


def _diff_code(
    project: Project, old: CodeState, new: CodeState, refs: Iterable[ResolvedRef | None]
) -> CodeDiff:
    """Compare the code of two sides; `refs` are their versions, None for the work tree."""
    repository = project.repository
    # A clone of limited depth, or a squashed branch, lacks the code that a record names.
    known = True
    fetches: list[str] = []
    for commit, ref in zip((old.commit, new.commit), refs, strict=True):
        if commit is not None and not repository.has_commit(commit):
            known = False
            if ref is not None:
                fetches += list_fetches(project, name_code_reference(ref.model, ref.version))
    commits: tuple[CommitSummary, ...] = ()
    change_summary = ""
    if known and old.commit and new.commit and old.commit != new.commit:
        commits = tuple(repository.commits_between(old.commit, new.commit))
        change_summary = repository.stat_between(old.commit, new.commit)
    return CodeDiff(
        old=old.commit,
        new=new.commit,
        old_dirty=old.dirty,
        new_dirty=new.dirty,
        known=known,
        fetch=tuple(dict.fromkeys(fetches)),
        commits=commits,
        stat=change_summary,
    )
