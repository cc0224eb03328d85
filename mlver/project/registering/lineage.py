"""Which version a new one follows, and whether its parts belong together.

A checkout moves the weights and the data in the work tree, a pull moves the params and the metrics:
after either, the work tree may hold the weights of one version and the metrics of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError, NewerFormat, shell_command
from mlver.project.project import Project
from mlver.project.registering.inputs import RegisterInputs
from mlver.project.registering.request import RegisterRequest
from mlver.records import layout
from mlver.records.version import VersionRecord
from mlver.version import Version

_WEIGHTS = "weights"
# Before the name of a data set, which may be any word.
_DATA = "data."


def trace_lineage(
    project: Project, request: RegisterRequest, inputs: RegisterInputs, record: VersionRecord
) -> VersionRecord:
    """Complete a record with the version before it, its parent, and the parts that are another's.

    Raise MlverError for weights of one version with data, params or metrics of another, unless the
    request allows that.
    """
    others = _KnownVersions(project, record, inputs.registered)
    matching = others.list_matching_weights()
    previous = None if inputs.previous is None else str(inputs.previous)
    mixed: dict[str, str] = {}
    if matching:
        matching, mixed = _find_foreign_parts(others, matching)
        previous = matching[0].version
    if mixed:
        mixed = {_WEIGHTS: matching[0].version, **mixed}
    if mixed and not request.allow_mixed:
        raise _build_mixed_error(request, mixed)
    parent = None if inputs.parent is None else str(inputs.parent)
    if request.parent is None and request.update != "full":
        parent = previous
    return replace(record, previous=previous, parent=parent, mixed=mixed)


class _KnownVersions:
    """The versions below a new one, newest first; a record that cannot be read is passed over."""

    def __init__(
        self, project: Project, record: VersionRecord, registered: Sequence[Version]
    ) -> None:
        self.project = project
        self.record = record
        self.numbers = [*reversed(registered)]

    def list_matching_weights(self) -> list[VersionRecord]:
        """The versions that pin the same weights."""
        weights = self.record.weights.digest
        matching: list[VersionRecord] = []
        for number in self.numbers:
            # only a record that names the digest at all is worth parsing
            if not self._names_digest(number, [weights]):
                continue
            other = self._read_version(number)
            if other is not None and other.weights.digest == weights:
                matching.append(other)
        return matching

    def find_owners(self, parts: Mapping[str, Any]) -> dict[str, str]:
        """The newest version that has each of these parts; those of no version are left out."""
        owners: dict[str, str] = {}
        wanted = dict(parts)
        for number in self.numbers:
            if not wanted:
                break
            digests = [contents for contents in wanted.values() if isinstance(contents, Digest)]
            # params and metrics show in a parsed record only
            if len(digests) == len(wanted) and not self._names_digest(number, digests):
                continue
            other = self._read_version(number)
            if other is None:
                continue
            found = _list_parts(other)
            for name in list(wanted):
                if found.get(name) == wanted[name]:
                    owners[name] = other.version
                    del wanted[name]
        return owners

    def _names_digest(self, number: Version, digests: Sequence[Digest]) -> bool:
        """Say whether a version's record has one of these digests anywhere in its bytes."""
        path = layout.version_path(self.record.model, number)
        data = self.project.registry.read_file(path) or b""
        return any(str(digest).encode() in data for digest in digests)

    def _read_version(self, number: Version) -> VersionRecord | None:
        try:
            other, _ = self.project.registry.read_version(self.record.model, number)
        except NewerFormat:
            # It names what lies here, so it may be the version that the new one follows.
            raise
        except MlverError:
            return None
        return other


def _find_foreign_parts(
    others: _KnownVersions, matching: list[VersionRecord]
) -> tuple[list[VersionRecord], dict[str, str]]:
    """Narrow the versions whose weights lie here by each other part, and find the parts that belong
    to none of them, but to another version.

    A part that belongs to no version at all is new, and says nothing.
    """
    unmatched: dict[str, Any] = {}
    for name, contents in _list_parts(others.record).items():
        narrowed = [other for other in matching if _list_parts(other).get(name) == contents]
        if narrowed:
            matching = narrowed
        else:
            unmatched[name] = contents
    owners = others.find_owners(unmatched)
    foreign = {name: owners[name] for name in unmatched if name in owners}
    return matching, foreign


def _list_parts(record: VersionRecord) -> dict[str, Any]:
    """The parts of a version beside its weights, by name; empty ones belong to no version."""
    parts: dict[str, Any] = {}
    for name, artifact in record.data.items():
        parts[f"{_DATA}{name}"] = artifact.digest
    if record.params:
        parts["params"] = record.params
    if record.metrics:
        parts["metrics"] = record.metrics
    return parts


def _build_mixed_error(request: RegisterRequest, mixed: Mapping[str, str]) -> MlverError:
    phrases = [f"{_describe_part(part)} of {version}" for part, version in mixed.items()]
    described = f"{', '.join(phrases[:-1])} and {phrases[-1]}"
    return MlverError(
        f"these files do not belong together: {described}; put those of one version in place,"
        " or add --allow-mixed, which the record will say",
        hints=(
            shell_command("mlver", "checkout", f"{request.model}@{mixed[_WEIGHTS]}", "--inputs"),
            shell_command("mlver", "status", request.model),
        ),
    )


def _describe_part(part: str) -> str:
    if part.startswith(_DATA):
        return f"the data set {part.removeprefix(_DATA)} is that"
    return f"the {part} are those"
