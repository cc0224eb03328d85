"""`mlver export oci://…`: a version that a registry publishes as a ModelPack, without a repository.

What is written is proved by the record in the artifact. That the record is the one that was sealed
is proved by nothing but its digest, which is told.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlver.errors import UsageError, shell_command
from mlver.extras import import_extra
from mlver.features.exporting.export import DEFAULT, ExportOptions, ExportResult
from mlver.policy.remote_addresses import hide_secrets
from mlver.terminal.preferences import find_preferences
from mlver.terminal.progress import TerminalReporter

if TYPE_CHECKING:
    from mlver.project.remote.model_pack_reading import FetchedModel

MODEL_PACK = "modelpack"
_SCHEME = "oci://"


def is_published(ref: str) -> bool:
    """Whether this is the address of a version in a registry, and no version of a repository."""
    return ref.lower().startswith(_SCHEME)


def export_published(
    address: str,
    start: Path,
    folder: str,
    options: ExportOptions,
    reporter: TerminalReporter,
) -> ExportResult:
    """Write the files of a published version into a new or empty folder: all of it, or nothing.

    Raise UsageError for an address without a tag, and as `fetch_model` does.
    """
    if options.format not in (DEFAULT, MODEL_PACK):
        raise UsageError(
            f"what a registry publishes is written as it is there, not as {options.format}",
            hint="mlver export --help",
        )
    if find_preferences().offline:
        raise UsageError("--offline asks no registry, and this version is in one")
    target = Path(os.path.normpath(start / folder))
    reporter.begin_work("fetching", None)
    try:
        fetched = _fetch_model(address, target, options, reporter)
    finally:
        reporter.end_work()
    artifacts = fetched.record.select_artifacts(options.only)
    written = [name for name in artifacts if name not in fetched.missing]
    size = sum(artifacts[name].size for name in written)
    return ExportResult(
        model=fetched.record.model,
        version=fetched.record.version,
        format=MODEL_PACK,
        path=os.fspath(target),
        artifacts=tuple(written),
        skipped=fetched.missing,
        files=fetched.files,
        size=None if options.dry_run else size,
        record=str(fetched.digest),
        dry_run=options.dry_run,
    )


def _fetch_model(
    address: str, target: Path, options: ExportOptions, reporter: TerminalReporter
) -> FetchedModel:
    repository, reference = split_reference(address)
    # It speaks HTTP by a library that only an extra brings.
    reading = import_extra("mlver.project.remote.model_pack_reading", "oci")
    fetched: FetchedModel = reading.fetch_model(
        repository,
        reference,
        target,
        only=options.only,
        progress=reporter.advance_work,
        dry_run=options.dry_run,
    )
    return fetched


def split_reference(address: str) -> tuple[str, str]:
    """The repository of `oci://HOST/NAME:TAG` or `oci://HOST/NAME@sha256:…`, and the rest.

    Raise UsageError where there is no tag and no digest.
    """
    repository, mark, digest = address.partition("@sha256:")
    if mark:
        return repository, f"sha256:{digest}"
    before, slash, name = address.rpartition("/")
    name, colon, tag = name.partition(":")
    if not colon or not tag or before.lower() == _SCHEME.removesuffix("/"):
        shown = hide_secrets(address)
        raise UsageError(
            f"{shown} names no version; write oci://HOST/NAMESPACE/NAME:TAG, as `mlver push` says",
            hint=shell_command("mlver", "export", "--help"),
        )
    return f"{before}{slash}{name}", tag
