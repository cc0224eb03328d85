"""What is kept beside versions, derived again from their bytes where these are here.

A record pins what was kept when it was registered, and whoever registered it may have lied.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mlver.content.tables.engine import open_engine
from mlver.content.tables.formats import require_table
from mlver.content.tables.profiling import profile_table
from mlver.content.tables.table import TableFiles, load_table
from mlver.content.tensors.files import DamagedTensors
from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command, summarise_error
from mlver.findings import Finding
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.kept_profiles import read_profile
from mlver.project.artifacts.kept_tensors import derive_tensors, read_kept_tensors
from mlver.project.artifacts.pinned import pinned_files
from mlver.project.artifacts.tensor_files import PinnedFile, list_tensor_files
from mlver.project.artifacts.tensor_sources import SourceOpener, open_sources
from mlver.project.audit.kept_files import check_pinned_files
from mlver.project.project import Project
from mlver.project.runs.kept import list_run_commits, read_run_commits
from mlver.project.tables.sources import (
    copy_version_table,
    is_data_here,
    list_copied,
    scratch_for_tables,
)
from mlver.records import layout
from mlver.records.manifest import Listing
from mlver.records.profile import TableProfile
from mlver.records.run import RunRecord
from mlver.records.run_references import RunName
from mlver.records.version import VersionRecord


@dataclass(slots=True)
class KeptReport:
    """What is wrong with what is kept; `notes` say what could not be derived again."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)


def check_all_pins(
    project: Project, records: Sequence[VersionRecord], *, derive: bool
) -> KeptReport:
    """Check what these versions pin beside their records; with `derive`, by their bytes, too."""
    report = KeptReport()
    for record in records:
        report.findings += check_pinned_files(project, record)
        report.findings += _check_run(project, record)
    if derive:
        with open_sources(project) as opener:
            _DerivedAgain(opener, report).check_records(records)
    return report


def _check_run(project: Project, record: VersionRecord) -> Iterator[Finding]:
    """Check the run that a version came from, where it is here."""
    pin, name = record.kept.run, record.run
    if pin is None or name is None:
        return
    model, _, run = name.rpartition("/")
    reference = RunName(model, run).reference
    commit = list_run_commits(project, model or None).get(reference)
    if commit is None:
        return
    (found,) = read_run_commits(project.repository, [(reference, commit)])
    if isinstance(found, MlverError):
        yield Finding("record", reference, summarise_error(found, reference), found.hints)
    elif found.digest != pin:
        yield Finding(
            "record",
            reference,
            f"is another run than {record.model} {record.version} came from: its record pins"
            " another digest",
            (shell_command("git", "log", "-p", reference),),
        )
    else:
        yield from _compare_with_run(record, found.record)


def _compare_with_run(record: VersionRecord, run: RunRecord) -> Iterator[Finding]:
    """Name what a version says otherwise than its own run; values may have been given since."""
    had = {**run.data}
    if run.weights is not None:
        had["weights"] = run.weights
    artifacts = record.named_artifacts()
    others = [
        name
        for name, one in had.items()
        if name in artifacts and artifacts[name].digest != one.digest
    ]
    if run.weights is None:
        others.append("weights")
    if record.code.commit != run.code.commit:
        others.append("code")
    path = layout.version_path(record.model, record.version)
    show = shell_command("mlver", "runs", run.model, "--show", run.run)
    for name in others:
        yield Finding("record", path, f"came from {run.run}, a run that had other {name}", (show,))


@dataclass(slots=True)
class _DerivedAgain:
    """Looks into each file and table once, however many versions have it."""

    opener: SourceOpener
    report: KeptReport
    _tensors: set[tuple[Digest, Digest | None]] = field(default_factory=set)
    _profiles: set[tuple[Digest, Digest]] = field(default_factory=set)

    def check_records(self, records: Sequence[VersionRecord]) -> None:
        for record in records:
            if record.weights.encrypted is None and not record.weights.is_remote:
                self._check_tensors(record)
            for name, pin in record.kept.profiles.items():
                if name in record.data and (record.data[name].digest, pin) not in self._profiles:
                    self._profiles.add((record.data[name].digest, pin))
                    self._check_profile(record, name)

    def _check_tensors(self, record: VersionRecord) -> None:
        try:
            files = pinned_files(self.opener.project, record.weights)
        except MlverError:
            return  # a manifest with a fault was named already
        for file in list_tensor_files(files, record.weights.path):
            pin = record.kept.tensors.get(file.kept_name)
            if (file.kept_name, pin) not in self._tensors:
                self._tensors.add((file.kept_name, pin))
                self.report.findings += self._judge_tensors(record, files, file)

    def _judge_tensors(
        self, record: VersionRecord, files: Listing, file: PinnedFile
    ) -> Iterator[Finding]:
        is_pinned = file.kept_name in record.kept.tensors
        location = join_name(record.weights.path, file.name)
        shown = printable_name(location)
        path = layout.tensors_path(file.kept_name)
        log = shell_command("git", "log", "-p", "--", path)
        try:
            # Without a pin, only damage is looked for: nothing is believed of the file.
            derived = derive_tensors(self.opener, record.weights, files, file)
            kept = read_kept_tensors(self.opener.project, record, file.kept_name)
        except DamagedTensors as error:
            if is_pinned:
                message = f"tells of tensors in {shown}, which cannot be read: {error.reason}"
                yield Finding("manifest", path, message, (log,))
            elif shown not in record.unreadable:
                yield _describe_hidden_damage(record, shown, error.reason)
            return
        except (MlverError, OSError) as error:
            if is_pinned:
                self._note(path, error)
            return
        if derived is not None and kept is not None and not kept.agrees_with(derived):
            message = f"says other things of {shown} than {record.model} {record.version} has there"
            yield Finding("manifest", path, message, (log,))

    def _check_profile(self, record: VersionRecord, name: str) -> None:
        project = self.opener.project
        path = layout.profile_path(record.data[name].digest)
        try:
            kept = read_profile(project, record, name)
            if kept is None or record.data[name].is_remote:
                return
            if not is_data_here(project, record, name):
                return
            derived = _derive_profile(project, record, name)
        except (MlverError, OSError) as error:
            self._note(path, error)
            return
        if not kept.agrees_with(derived):
            message = f"says other things of {name} than {record.model} {record.version} has there"
            log = shell_command("git", "log", "-p", "--", path)
            self.report.findings.append(Finding("manifest", path, message, (log,)))

    def _note(self, path: str, error: MlverError | OSError) -> None:
        hints: tuple[str, ...] = ()
        reason = str(error)
        if isinstance(error, MlverError):
            reason, hints = summarise_error(error), error.hints
        message = f"was not derived again: {printable_name(reason)}"
        self.report.notes.append(Finding("manifest", path, message, hints))


def _describe_hidden_damage(record: VersionRecord, shown: str, reason: str) -> Finding:
    message = f"does not say that {shown} cannot be read: {reason}"
    show = shell_command("mlver", "show", f"{record.model}@{record.version}")
    return Finding("unconfirmed", record.record_path, message, (show,))


def _derive_profile(project: Project, record: VersionRecord, name: str) -> TableProfile:
    """Describe a data set of a version whose bytes are here."""
    artifact = record.data[name]
    names = [os.fsdecode(path) or artifact.path for path, _ in pinned_files(project, artifact)]
    found = require_table(name, names)
    with scratch_for_tables(project, "verify") as folder:
        place = folder / artifact.digest.hex
        copy_version_table(project, record, name, place)
        files = list_copied(place)
        with open_engine(files, folder / "spilled") as connection:
            table = TableFiles(name, found, tuple(files))
            return profile_table(connection, load_table(connection, table, "derived"))
