"""`mlver runs --compare`: in what two runs differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlver.features.runs.showing import write_values
from mlver.project.project import Project
from mlver.project.runs.kept import KeptRun, find_run, read_kept_curves
from mlver.records.run import RunRecord
from mlver.records.sections.encrypt import SECRET
from mlver.records.values import flatten_values, is_same_value


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDifference:
    """A value that two runs have otherwise; None where one has none."""

    group: str
    name: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedCurve:
    """A metric that both runs logged: the values of each, in the order of their steps.

    None stands for none, and a word for what is no finite number.
    """

    metric: str
    old: Sequence[float | str | None]
    new: Sequence[float | str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRunsResult:
    """`old` and `new` are the runs, as `MODEL/RUN`."""

    old: str
    new: str
    differences: tuple[RunDifference, ...]
    curves: tuple[ComparedCurve, ...]

    @property
    def differs(self) -> bool:
        return bool(self.differences)


def compare_runs(
    project: Project, old: str, new: str, model: str | None, *, metrics: Sequence[str] = ()
) -> ComparedRunsResult:
    """Compare two runs; raise MlverError where one is not here, or damaged."""
    before, after = find_run(project, old, model), find_run(project, new, model)
    differences: list[RunDifference] = []
    groups_after = _list_groups(after.record)
    for group, values in _list_groups(before.record).items():
        differences += _compare_group(group, values, groups_after[group])
    return ComparedRunsResult(
        old=f"{before.record.model}/{before.record.run}",
        new=f"{after.record.model}/{after.record.run}",
        differences=tuple(differences),
        curves=tuple(_compare_curves(project, before, after, metrics)),
    )


def _list_groups(record: RunRecord) -> dict[str, dict[str, Any]]:
    """What two runs may differ in, by group, what matters most first."""
    document = record.to_document()
    environment = document["environment"]
    # The text of a secret is another one each time it is encrypted, so nobody can compare it.
    params = {**flatten_values(record.params), **dict.fromkeys(record.secrets, SECRET)}
    about = {key: document.get(key) for key in ("outcome", "exit_code", "command", "batch")}
    where = {key: environment.get(key) for key in ("python", "platform", "accelerator")}
    data = {name: str(artifact.digest) for name, artifact in record.data.items()}
    if record.weights is not None:
        data["weights"] = str(record.weights.digest)
    return {
        "run": about,
        "metrics": flatten_values(record.metrics),
        "params": params,
        "data": data,
        "code": {key: document["code"].get(key) for key in ("commit", "tree", "branch", "dirty")},
        "diff": {"digest": None if record.diff is None else str(record.diff.digest)},
        "environment": where,
        "packages": dict(record.environment.packages),
        "files": {path: str(digest) for path, digest in record.environment.files.items()},
        "variables": dict(record.variables),
        "machine": document.get("machine", {}),
        "resources": {"duration": record.duration, **record.resources},
    }


def _compare_group(
    group: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> list[RunDifference]:
    differences: list[RunDifference] = []
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name), new.get(name)
        if not is_same_value(before, after):
            differences.append(RunDifference(group=group, name=name, old=before, new=after))
    return differences


def _compare_curves(
    project: Project, before: KeptRun, after: KeptRun, metrics: Sequence[str]
) -> list[ComparedCurve]:
    old, new = read_kept_curves(project, before), read_kept_curves(project, after)
    compared: list[ComparedCurve] = []
    for metric in metrics or old.series:
        if metric in old.series and metric in new.series:
            first, second = write_values(old.series[metric]), write_values(new.series[metric])
            compared.append(ComparedCurve(metric=metric, old=first, new=second))
    return compared
