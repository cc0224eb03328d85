"""The format `environment`: what a version was trained in, as files for pip, Conda and Docker.

It is made of the recorded package list. The files that pin every byte, such as a `uv.lock` of the
version's commit, are written beside it, below `locked/`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, refusal_error, shell_command
from mlver.features.exporting.directory import CHECKSUMS, RECORD
from mlver.features.exporting.formats import Exported, PlannedExport
from mlver.project.edit.staging_folder import staging_folder
from mlver.project.reproducing.recipes import list_committed, list_local, pin_packages
from mlver.records.manifest import format_line
from mlver.records.version import TrainingEnvironment, VersionRecord
from mlver.system import durable

_PYTHON = re.compile(r"3\.[0-9]{1,3}(?:\.[0-9]{1,3})?")
_LOCKED = "locked"


def write_environment(planned: PlannedExport) -> Exported:
    """Write the files of a version's environment; see ExportFormat."""
    files = _build_files(planned)
    size = sum(map(len, files.values()))
    if planned.dry_run:
        return Exported(len(files), None)
    lines = [
        format_line(path.encode(), Digest.of_bytes(data).hex)
        for path, data in sorted([*files.items(), (RECORD, planned.data)])
    ]
    try:
        with staging_folder(planned.project, planned.what, planned.target) as staging:
            for path, data in files.items():
                _write_file(staging / path, data)
            durable.create_file(staging / RECORD, planned.data)
            durable.create_file(staging / CHECKSUMS, b"".join(lines))
    except OSError as error:
        raise refusal_error(f"exporting to {planned.target}", error) from error
    return Exported(len(files), size)


def _write_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.create_file(path, data)


def _build_files(planned: PlannedExport) -> Mapping[str, bytes]:
    record = planned.record
    environment = record.environment
    if environment is None or not environment.packages:
        raise MlverError(
            f"{record.model} {record.version} records no packages, so nobody knows its environment",
            hint=shell_command("mlver", "show", f"{record.model}@{record.version}"),
        )
    if not _PYTHON.fullmatch(environment.python):
        raise MlverError(f"{printable_name(environment.python)} is no version of Python")
    packages = pin_packages(environment.packages)
    heading = _write_heading(record, environment)
    texts = {
        "requirements.txt": "".join(f"{line}\n" for line in (*heading, *packages)),
        "environment.yml": _write_conda(record, environment, packages, heading),
        "Dockerfile": _write_dockerfile(environment, heading),
    }
    files = {path: text.encode() for path, text in texts.items()}
    # Those lie at the top of the repository, so their names are no paths.
    for path, data in list_committed(planned.project, record, environment).items():
        files[f"{_LOCKED}/{path.rpartition('/')[2]}"] = data
    return files


def _write_heading(record: VersionRecord, environment: TrainingEnvironment) -> list[str]:
    lines = [
        f"# {record.model} {record.version}: the packages that were installed, by name and version",
        f"# on {printable_name(environment.platform)}; nobody proved that they give the same again",
    ]
    local = list_local(environment.packages)
    if local:
        lines.append(f"# without what was installed from a folder then: {', '.join(local)}")
    if environment.command is not None:
        lines.append(f"# trained by: {printable_name(environment.command)}")
    return lines


def _write_conda(
    record: VersionRecord,
    environment: TrainingEnvironment,
    packages: list[str],
    heading: list[str],
) -> str:
    lines = [
        *heading,
        f"name: {record.model}-{record.version}",
        "dependencies:",
        f"- python={environment.python}",
        "- pip",
        "- pip:",
        *(f'  - "{package}"' for package in packages),
    ]
    return "".join(f"{line}\n" for line in lines)


def _write_dockerfile(environment: TrainingEnvironment, heading: list[str]) -> str:
    lines = [
        *heading,
        f"FROM python:{environment.python}",
        "WORKDIR /work",
        "COPY requirements.txt .",
        "RUN pip install --no-cache-dir --no-deps -r requirements.txt",
    ]
    return "".join(f"{line}\n" for line in lines)
