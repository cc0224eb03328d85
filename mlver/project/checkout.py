"""`mlver checkout`: put a version's artifacts in place."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.project.artifacts import (
    agreed_links,
    following,
    unstored,
    working_files,
)
from mlver.project.artifacts.agreed_links import AgreedLink
from mlver.project.artifacts.bringing import naming_remotes
from mlver.project.artifacts.restored_inputs import RestoredInputs, plan_inputs
from mlver.project.artifacts.version_inputs import InputReport, report_inputs
from mlver.project.artifacts.working_files import CheckoutLeave, CheckoutOutcome
from mlver.project.project import Project
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.remote.fetching import FetchedAhead, fetch_versions
from mlver.project.remote.fetching_ahead import fetch_ahead
from mlver.project.remote.needed import list_needed
from mlver.project.tags import trust
from mlver.project.transaction import writing_files
from mlver.project.worktree.input_files import ForeignFile
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet


@dataclass(frozen=True, slots=True)
class CheckoutResult:
    """`restored` are the params and metrics files that were put in place as the version had them.

    `foreign` are those that are not the version's, and `hints` the commands that restore them;
    `unfiled` are values of the version, such as `params.lr`, that no file has: they were given on
    the command line.
    """

    model: str
    version: str
    files: CheckoutOutcome
    restored: tuple[str, ...]
    foreign: tuple[ForeignFile, ...]
    unfiled: tuple[str, ...]
    hints: tuple[str, ...]
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutOptions:
    """How a version is put in place: below the folder `to`, or in the work tree if it is None.

    `only` names the artifacts to put in place (`weights`, or a data set); all if it is empty.
    `inputs`: its params and metrics files as well, as a commit holds them. `force`: bytes that are
    stored nowhere may be lost. `follow`: links out of the work tree in the places of its artifacts
    are written through.
    """

    to: str | None = None
    only: tuple[str, ...] = ()
    inputs: bool = False
    force: bool = False
    follow: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.to == "":
            raise UsageError("--to is empty, and takes the folder to write into")
        if self.follow and self.to:
            raise UsageError(
                "--follow is for links in the work tree, and --to names another folder"
            )

    def find_folder(self, project: Project) -> Path | None:
        """Find the folder that `to` names; None for the work tree."""
        return Path(os.path.normpath(project.start / self.to)) if self.to else None

    def list_words(self) -> list[str]:
        """List the options for a command that is to be run again, but `--to` and `--follow`."""
        typed = {"--inputs": self.inputs, "--force": self.force, "--dry-run": self.dry_run}
        words = [option for option, is_given in typed.items() if is_given]
        words.extend(f"--only={name}" for name in self.only)
        return words


def check_out(project: Project, ref: str | None, options: CheckoutOptions) -> CheckoutResult:
    """Put the files of the version `ref` names in place.

    Raise UsageError for an artifact that the version does not have. Raise MlverError, with every
    file as it was, when bytes stored nowhere would be lost (unless forced), when an object is
    missing or damaged, or when nobody keeps the weights: what git, git-lfs or DVC keeps of the
    version is read from there.
    """
    into = options.find_folder(project)
    writing: AbstractContextManager[object] = nullcontext()
    ahead = FetchedAhead()
    if not options.dry_run:
        what = f"checkout {ref or ''}".strip()
        ahead = fetch_ahead(project, what, partial(_find_needed, ref, options))
        writing = writing_files(project, what)
    with naming_commits(project.repository), writing:
        record, _ = trust.read_vouched_record(project, ref)
        trust.show_retirement(project, record)
        _require_artifacts(record, options.only)
        if not options.dry_run:
            fetch_versions(project, [record], options.only, ahead=ahead)
        restored = RestoredInputs()
        if options.inputs:
            restored = plan_inputs(project, record, into, force=options.force)
        with naming_remotes(project, f"{record.model}@{record.version}"):
            files = _place_files(project, record, restored, into, options)
        report = InputReport(unfiled=restored.unfiled)
        if not options.inputs and into is None:
            report = report_inputs(project, record)
    return CheckoutResult(
        model=record.model,
        version=record.version,
        files=files,
        restored=tuple(file.path for file in restored.files),
        foreign=report.foreign,
        unfiled=report.unfiled,
        hints=report.hints,
        dry_run=options.dry_run,
    )


def _find_needed(ref: str | None, options: CheckoutOptions, project: Project) -> DigestSet:
    record, _ = trust.read_vouched_record(project, ref)
    _require_artifacts(record, options.only)
    return list_needed(project, [record], options.only)


def _require_artifacts(record: VersionRecord, only: Collection[str]) -> None:
    """Raise UsageError where `only` names an artifact that the version does not have."""
    artifacts = record.named_artifacts()
    for name in only:
        if name not in artifacts:
            raise UsageError(
                f"{record.model} {record.version} has no artifact called {printable_name(name)};"
                f" --only takes {', '.join(artifacts)}",
                hint=shell_command("mlver", "show", f"{record.model}@{record.version}"),
            )


def _place_files(
    project: Project,
    record: VersionRecord,
    restored: RestoredInputs,
    into: Path | None,
    options: CheckoutOptions,
) -> CheckoutOutcome:
    dry_run = options.dry_run
    agreed = _list_agreed(project, record, options.only) if options.follow else None
    brought = unstored.bring_artifacts(
        project, record, only=options.only, in_place=into is None, dry_run=dry_run
    )
    leave = CheckoutLeave(
        inputs=restored.put_in_store(project, dry_run=dry_run),
        only=options.only,
        kept=brought.kept | restored.kept,
        promised=[*unstored.list_promised(record), *(file.path for file in restored.files)],
        agreed=agreed,
        options=options.list_words(),
    )
    with _keeping_agreed(project, agreed, dry_run=dry_run):
        files = working_files.check_out_version(
            project, brought.record, into=into, force=options.force, dry_run=dry_run, leave=leave
        )
        if brought.missing and not (files.written or files.removed):
            raise _build_nothing_error(record, brought.missing)
    return files


def _list_agreed(
    project: Project, record: VersionRecord, only: Collection[str]
) -> frozenset[AgreedLink]:
    """List the links that this command agrees to, and those that were agreed to before."""
    places = [artifact.path for artifact in record.select_artifacts(only).values()]
    return following.find_agreements(project, places) | agreed_links.read_agreed(project)


@contextmanager
def _keeping_agreed(
    project: Project, agreed: Collection[AgreedLink] | None, *, dry_run: bool
) -> Iterator[None]:
    """Remember the links that are agreed to, unless what is done with them fails."""
    if dry_run or agreed is None:
        yield
        return
    with agreed_links.restoring_agreed(project):
        agreed_links.keep_agreements(project, agreed)
        yield


def _build_nothing_error(record: VersionRecord, missing: Mapping[str, MlverError]) -> MlverError:
    """Build the error for a checkout that changed nothing, though not all of it is in place."""
    # One holder keeps most models whole, so the first command usually fetches the rest, too.
    first_error = next(iter(missing.values()))
    show_record = shell_command("mlver", "show", f"{record.model}@{record.version}")
    return MlverError(
        f"nothing was written: {', '.join(missing)} of {record.model} {record.version} is not"
        " stored by mlver, nor kept by git, git-lfs or DVC here; all else is in place",
        hint=first_error.hint or show_record,
    )
