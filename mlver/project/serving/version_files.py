"""The files of a version as a target has them: their names, their digests, and who may run them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command
from mlver.policy.serving.served import ServedVersion
from mlver.project.artifacts import modes
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.measuring import pinned_files
from mlver.project.project import Project
from mlver.project.serving.holders import RoleHolder, StageRoles
from mlver.project.serving.targets import FoundTarget
from mlver.records.artifact import Artifact
from mlver.version import parse_version

# What a version's folder says of itself, where files have their paths in the repository.
IDENTITY = "mlver.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFiles:
    """A version that is to be in a target, and what its folder holds.

    `artifacts` names the artifacts that are deployed, as `--only` of other commands does.
    `executable` are those of the files that may be run. `weights` is the path of the weights in
    the folder, None where they have the folder for themselves.
    """

    holder: RoleHolder
    served: ServedVersion
    artifacts: tuple[str, ...]
    executable: frozenset[str]
    weights: str | None

    @property
    def name(self) -> str:
        return f"{self.served.model} {self.served.version}"

    def describe_identity(self) -> Mapping[str, Any]:
        """What `mlver.json` says: which version this is, and the digest of every file."""
        return {
            "model": self.served.model,
            "version": str(self.served.version),
            "digest": str(self.served.record),
            "stage": self.served.stage,
            "sequence": self.served.sequence,
            "weights": self.weights,
            "files": {path: str(digest) for path, digest in self.served.files.items()},
        }


def list_version_files(project: Project, target: FoundTarget, holder: RoleHolder) -> DeployedFiles:
    """List the files of a version for a target.

    Raise MlverError for names that cannot be there, and for weights that nobody keeps.
    """
    artifacts = _select_artifacts(target, holder)
    files: dict[str, Digest] = {}
    executable: set[str] = set()
    for artifact in artifacts.values():
        runnable = modes.pinned_executable(artifact) or frozenset()
        for name, hexadecimal in pinned_files(project, artifact):
            path = _name_file(target, artifact, name)
            known = files.setdefault(path, Digest(hexadecimal))
            if known != Digest(hexadecimal):
                raise _build_twice_error(target, holder, path)
            if name in runnable:
                executable.add(path)
    if target.layout.keeps_paths:
        _refuse_identity(holder, files)
    served = ServedVersion(
        model=holder.record.model,
        version=parse_version(holder.record.version),
        record=holder.digest,
        stage=holder.stage,
        sequence=holder.sequence,
        files=files,
        created=holder.record.created,
    )
    return DeployedFiles(
        holder=holder,
        served=served,
        artifacts=tuple(artifacts),
        executable=frozenset(executable),
        weights=holder.record.weights.path if target.layout.keeps_paths else None,
    )


def refuse_overlaps(project: Project, target: FoundTarget, roles: StageRoles) -> None:
    """Raise MlverError where a checkout and a deployment would write to the same place."""
    top = Path(os.path.realpath(project.top_folder))
    for holder in (roles.stable, roles.canary, *roles.kept):
        artifacts = {} if holder is None else holder.record.named_artifacts()
        for artifact in artifacts.values():
            place = top / artifact.path
            if artifact.is_remote:
                continue
            if place.is_relative_to(target.folder) or target.folder.is_relative_to(place):
                raise MlverError(
                    f"{target.name} lies where versions of {target.model} have"
                    f" {printable_name(artifact.path)}; give it a folder of its own",
                    hint=shell_command("mlver", "config", "set", f"deploy.{target.name}.path", "D"),
                )


def _select_artifacts(target: FoundTarget, holder: RoleHolder) -> Mapping[str, Artifact]:
    """Select the weights, and the data sets in the repository where the settings ask for these."""
    artifacts = holder.record.named_artifacts()
    chosen: dict[str, Artifact] = {"weights": artifacts["weights"]}
    if target.settings.data:
        chosen |= {name: item for name, item in artifacts.items() if not item.is_remote}
    return chosen


def _name_file(target: FoundTarget, artifact: Artifact, name: bytes) -> str:
    if target.layout.keeps_paths:
        return join_name(artifact.path, name)
    own_name = join_name("", name) or artifact.path.rpartition("/")[2]
    return target.layout.name_file(own_name, target.settings.options)


def _refuse_identity(holder: RoleHolder, files: Mapping[str, Digest]) -> None:
    """Raise MlverError where a file would lie in the place of `mlver.json`."""
    for path in files:
        if path.partition("/")[0].casefold() == IDENTITY:
            name = f"{holder.record.model}@{holder.record.version}"
            raise MlverError(
                f"{printable_name(path)} of {name} has the name of a file that a deployment itself"
                " writes; register it under another path",
                hint=shell_command("mlver", "show", name),
            )


def _build_twice_error(target: FoundTarget, holder: RoleHolder, path: str) -> MlverError:
    name = f"{holder.record.model}@{holder.record.version}"
    return MlverError(
        f"two files of {name} would be {printable_name(path)} in {target.name}",
        hint=shell_command("mlver", "show", name),
    )
