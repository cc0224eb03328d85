"""`mlver log --params`: how parameters and data changed from version to version, and who did it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from mlver.policy.time_windows import parse_window
from mlver.project.audit.record_history import read_record_history
from mlver.project.audit.unconfirmed_versions import find_unconfirmed_version_paths
from mlver.project.project import Project
from mlver.project.registry.version_line import read_version_line
from mlver.records.values import flatten_values
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamChange:
    """What became of a parameter; `old` is None where it is new, `new` where it is gone.

    `secret`: only people who are named in the settings can read its values.
    """

    name: str
    change: Literal["added", "removed", "changed"]
    old: Any
    new: Any
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedData:
    """A data set that a version was trained on; `changed`: the version before had other data."""

    name: str
    path: str | None
    digest: str
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamStep:
    """A version, and what changed in it since the version `before` (None: it is the first).

    `unchanged` counts the parameters that stayed as they were, `dropped` are the data sets that the
    version before had and this one has not. `parent` is what it was trained from. `unconfirmed`:
    neither its commit nor its seal confirms the author.
    """

    version: str
    before: str | None
    parent: str | None
    update: str
    created: str
    author: str
    unconfirmed: bool
    message: str
    changes: tuple[ParamChange, ...]
    unchanged: int
    data: tuple[UsedData, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamsResult:
    """The line of a model, newest first; `total` counts what a limit left out as well."""

    model: str
    steps: tuple[ParamStep, ...]
    total: int
    faults: tuple[str, ...]


def read_parameters(
    project: Project,
    model: str | None = None,
    *,
    since: str | None = None,
    limit: int | None = None,
) -> ParamsResult:
    """Read how the parameters of a model changed, along the whole line of its versions.

    `since` leaves out the versions that were registered before. Raise UsageError for no such time.
    """
    name = project.resolve_model(model)
    line = read_version_line(project.registry, name)
    start = ""
    if since is not None:
        start = parse_window(since, "--since", project.record_time).start
    unconfirmed = _find_unconfirmed(project, name, line.records)
    steps: list[ParamStep] = []
    for record, before in line.list_steps():
        if record.created >= start:
            is_doubtful = record.record_path in unconfirmed
            steps.append(_compare_records(record, before, unconfirmed=is_doubtful))
    steps.reverse()
    return ParamsResult(
        model=name, steps=tuple(steps[:limit]), total=len(steps), faults=line.faults
    )


def _find_unconfirmed(
    project: Project, model: str, records: Sequence[VersionRecord]
) -> frozenset[str]:
    if project.repository.head().commit is None:
        return frozenset()
    history = read_record_history(project.repository, [model], everything=True)
    return find_unconfirmed_version_paths(project, history, records)


def _compare_records(
    record: VersionRecord, before: VersionRecord | None, *, unconfirmed: bool
) -> ParamStep:
    old: Mapping[str, Any] = {} if before is None else flatten_values(before.params)
    new = flatten_values(record.params)
    changes = _join_changes(_list_changes(old, new), _list_secret_changes(record, before))
    same = sum(1 for name in new if name in old and _is_same(old[name], new[name]))
    earlier = {} if before is None else before.data
    data: list[UsedData] = []
    for name, item in record.data.items():
        is_same = name in earlier and earlier[name].digest == item.digest
        changed = before is not None and not is_same
        data.append(UsedData(name=name, path=item.path, digest=str(item.digest), changed=changed))
    return ParamStep(
        version=record.version,
        before=None if before is None else before.version,
        parent=record.parent,
        update=record.update,
        created=record.created,
        author=record.author,
        unconfirmed=unconfirmed,
        message=record.message,
        changes=tuple(changes),
        unchanged=same,
        data=tuple(data),
        dropped=tuple(name for name in earlier if name not in record.data),
    )


def _list_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ParamChange]:
    for name in {**old, **new}:
        if name not in old:
            yield ParamChange(name=name, change="added", old=None, new=new[name])
        elif name not in new:
            yield ParamChange(name=name, change="removed", old=old[name], new=None)
        elif not _is_same(old[name], new[name]):
            yield ParamChange(name=name, change="changed", old=old[name], new=new[name])


def _join_changes(plain: Iterable[ParamChange], secret: Iterable[ParamChange]) -> list[ParamChange]:
    """Join the changes of plain and of secret params.

    One that was plain before and is secret now, or the other way round, is one change: it shows the
    value that everybody may read.
    """
    joined = {change.name: change for change in plain}
    for change in secret:
        other = joined.get(change.name)
        if other is not None:
            change = replace(change, change="changed", old=other.old, new=other.new)  # noqa: PLW2901
        joined[change.name] = change
    return list(joined.values())


def _is_same(old: Any, new: Any) -> bool:
    """Say whether two values are one: 1 and 1.0, or 1 and true, are not."""
    return type(old) is type(new) and old == new


def _list_secret_changes(
    record: VersionRecord, before: VersionRecord | None
) -> Iterator[ParamChange]:
    """List the secret params that came or went; whether a value changed, only its readers know."""
    earlier = {} if before is None else before.secrets
    for name in {**earlier, **record.secrets}:
        if name not in earlier:
            yield ParamChange(name=name, change="added", old=None, new=None, secret=True)
        elif name not in record.secrets:
            yield ParamChange(name=name, change="removed", old=None, new=None, secret=True)
