"""`mlver diff`: two versions, or a version and the work tree, compared part by part."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.features.comparing.artifact_diff import ArtifactDiff, compare_artifacts
from mlver.features.comparing.snapshot import (
    ModelSnapshot,
    keep_file_values,
    snapshot_version,
    snapshot_work_tree,
)
from mlver.features.comparing.value_diff import (
    MetricChange,
    ValueChange,
    compare_metrics,
    compare_values,
)
from mlver.git.repository import CommitSummary
from mlver.project.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDiff:
    """`commits` and `stat` lie between the two commits; `known` is False where this clone lacks one of them."""

    old: str | None
    new: str | None
    old_dirty: bool
    new_dirty: bool
    known: bool
    commits: tuple[CommitSummary, ...]
    stat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffResult:
    """`old` and `new` name the sides (`digits 1.0.0`, `digits (work tree)`)."""

    old: str
    new: str
    params: tuple[ValueChange, ...]
    metrics: tuple[MetricChange, ...]
    artifacts: tuple[ArtifactDiff, ...]
    environment: tuple[ValueChange, ...]
    labels: tuple[ValueChange, ...]
    code: CodeDiff

    @property
    def differs(self) -> bool:
        """Whether anything but the code's commits differs."""
        moved = any(metric.old != metric.new for metric in self.metrics)
        changed = any(artifact.state != "unchanged" for artifact in self.artifacts)
        return bool(self.params or moved or changed or self.environment or self.labels)


def diff_versions(project: Project, a: str | None, b: str | None = None) -> DiffResult:
    """Compare version `a` with version `b`, or with the work tree. `@SELECTOR` in `b` means a version of a's model."""
    chosen = project.resolve_ref(a)
    old = snapshot_version(project, chosen)
    if b is None:
        new = snapshot_work_tree(project, chosen.model, environment=True)
        old = keep_file_values(project, old, new)
    else:
        new = snapshot_version(
            project, project.resolve_ref(f"{chosen.model}{b}" if b.startswith("@") else b)
        )
    settings = project.registry.read_settings(new.model)
    return DiffResult(
        old=old.label,
        new=new.label,
        params=compare_values(old.params, new.params),
        metrics=compare_metrics(old.metrics, new.metrics, settings.directions if settings else {}),
        artifacts=tuple(compare_artifacts(old, new)),
        environment=compare_values(old.environment_document, new.environment_document),
        labels=compare_values(old.labels, new.labels) if b is not None else (),
        code=_diff_code(project, old, new),
    )


def _diff_code(project: Project, old: ModelSnapshot, new: ModelSnapshot) -> CodeDiff:
    ours, theirs = old.code.commit, new.code.commit
    repository = project.repository
    known = all(commit is None or repository.has_commit(commit) for commit in (ours, theirs))
    apart = known and ours is not None and theirs is not None and ours != theirs
    return CodeDiff(
        old=ours,
        new=theirs,
        old_dirty=old.code.dirty,
        new_dirty=new.code.dirty,
        known=known,
        commits=tuple(repository.commits_between(ours, theirs))
        if apart and ours and theirs
        else (),
        stat=repository.stat_between(ours, theirs) if apart and ours and theirs else "",
    )
