"""`mlver config pin`: say which bytes a data set is that rules name, and keep them."""

from __future__ import annotations

import copy
from contextlib import nullcontext

from mlver import paths
from mlver.errors import MlverError, printable_name, shell_command
from mlver.features.settings.config import ConfigResult, SettingValue, read_settings_file
from mlver.hashing.measure import MeasuredArtifact
from mlver.project.artifacts import measuring, storing
from mlver.project.edit.settings_file import amend_settings, write_settings
from mlver.project.project import Project
from mlver.project.transaction import writing_files
from mlver.records import layout


def pin_data(project: Project, name: str, given: str, *, dry_run: bool) -> ConfigResult:
    """Pin what lies at a path as the data set `name`: hash it, store it, and write its digest.

    `given` is as it was typed, below the current folder. Raise UsageError for a path outside the
    repository, and MlverError where nothing can be read there or a name is none.
    """
    path = project.resolve_path(given)
    doing = shell_command("config", "pin", name)
    with nullcontext() if dry_run else writing_files(project, doing):
        file = read_settings_file(project, None)
        measured = _measure(project, path, dry_run=dry_run)
        wanted = copy.deepcopy(file.document)
        pins = wanted.setdefault("datasets", {})
        before = pins.get(name)
        pins[name] = {"path": path, "digest": str(measured.digest)}
        hint = shell_command("mlver", "config", "list", "--all")
        data = amend_settings(file.kind, file.path, file.data, wanted, hint=hint)
        changed = pins[name] != before
        if not dry_run:
            _write_manifest(project, measured)
            if changed:
                write_settings(project, file.path, data)
    value = SettingValue(f"datasets.{name}", pins[name], given=True, description=None)
    return ConfigResult(
        action="pin",
        path=file.path,
        model=None,
        settings=(value,),
        before=before,
        changed=changed,
        dry_run=dry_run,
    )


def _measure(project: Project, path: str, *, dry_run: bool) -> MeasuredArtifact:
    """Read every byte at a path, and store it."""
    if dry_run:
        return measuring.measure_into(project, path, None, follow=True)
    with storing.open_batch_deposit(project) as deposit:
        return measuring.measure_into(project, path, deposit, follow=True)


def _write_manifest(project: Project, measured: MeasuredArtifact) -> None:
    """Write the list of a directory's files, which its digest is of, where it is not yet."""
    if measured.manifest is None:
        return
    path = layout.manifest_path(measured.digest)
    known = project.registry.read_file(path)
    if known == measured.manifest:
        return
    if known is not None:
        raise MlverError(
            f"{printable_name(path)} was changed: its bytes no longer hash to its name",
            hint=shell_command("git", "checkout", "--", path),
        )
    paths.join_inside(project.top_folder, layout.MANIFESTS).mkdir(exist_ok=True)
    write_settings(project, path, measured.manifest)
