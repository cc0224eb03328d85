"""What doctor says of the versions that hold stages: golden, and all others that are in use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.features.checking.diagnosis import Diagnosis, DoctorCheck, PassedCheck
from mlver.findings import Finding
from mlver.names import GOLDEN
from mlver.project.artifacts import measuring
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.project.registry.attached import find_retirement
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.version import parse_version


def check_holders(project: Project) -> Iterator[DoctorCheck]:
    """Say of each version that holds a stage whether all of it is here, and name retired ones.

    What is missing or damaged is named by the check of all objects.
    """
    whole: list[str] = []
    for model in project.registry.list_models():
        for version, stages in _list_holders(project, model).items():
            # Records that cannot be read are findings of their own.
            with suppress(MlverError):
                retired = _find_retired(project, model, version, stages)
                if retired is not None:
                    yield Diagnosis(retired, level="remark")
                record, _ = project.registry.read_version(model, parse_version(version))
                if not _lacks_objects(project, record):
                    whole.append(f"{model} {version} ({', '.join(stages)})")
    if whole:
        yield PassedCheck("holders", f"all bytes are here of {', '.join(whole)}")


def _list_holders(project: Project, model: str) -> dict[str, list[str]]:
    """List the stages of each version that holds any, `golden` first."""
    holders: dict[str, list[str]] = {}
    try:
        for stage, version in project.registry.find_holders(model).items():
            holders.setdefault(version, []).append(stage)
    except MlverError:
        # The check of the stages names what cannot be read.
        return {}
    for stages in holders.values():
        stages.sort(key=lambda stage: (stage != GOLDEN, stage))
    return holders


def _find_retired(project: Project, model: str, version: str, stages: list[str]) -> Finding | None:
    retirement = find_retirement(project.registry, model, version)
    if retirement is None:
        return None
    again = shell_command("mlver", "rollback", model, "--stage", stages[0], "-m", "WHY")
    message = f"holds {', '.join(stages)}, and is retired: {retirement.reason}"
    return Finding("record", f"{model} {version}", message, (again,))


def _lacks_objects(project: Project, record: VersionRecord) -> bool:
    wanted: list[Digest] = []
    for artifact in record.named_artifacts().values():
        if artifact.stored:
            for _, hexadecimal in measuring.stored_files(project, artifact):
                wanted.append(Digest(hexadecimal))
    return bool(open_store(project).find_missing(DigestSet.from_digests(wanted)))
