"""Finishes a checkout that was interrupted; what a person changed since is kept, and is named."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, printable_name
from mlver.project.artifacts import overwritten_inputs, unstored, working_files
from mlver.project.artifacts.agreed_links import AgreedLink
from mlver.project.artifacts.working_files import CheckoutLeave
from mlver.project.edit.intent import CommandIntent
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.system.durable import TEMPORARY

# A note is all that says where bytes are kept, so only an endless list is cut.
_MOST_NOTES = 1000


def finish_checkout(project: Project, plan: CommandIntent) -> str:
    """Finish a checkout to the work tree, or a folder in it; return what became of it.

    Raise MlverError where it cannot be finished.
    """
    assert plan.checkout is not None
    model, version, place = plan.checkout
    record, _ = project.registry.read_version(model, version)
    into = None if place == "." else paths.join_inside(project.top_folder, place)
    root = into or project.top_folder
    followed = _select_own(project, plan)
    # Where the links led then: they may lead elsewhere by now.
    working_files.sweep_leftovers(project, record, root, followed, plan.inputs)
    with suppress(MlverError):  # what others keep may have gone since
        record = unstored.bring_artifacts(
            project, record, only=plan.only, in_place=into is None
        ).record
    pending = _separate_edited(project, root, plan.inputs)
    agreed: list[AgreedLink] = []
    for path, target in followed.items():
        agreed.append(AgreedLink.bind_link(project.top_folder, path, target))
    leave = CheckoutLeave(inputs=pending.inputs, only=plan.only, kept=pending.kept, agreed=agreed)
    # The person may have changed files since: bytes that are stored nowhere are saved first.
    outcome = working_files.check_out_version(project, record, into=into, save=True, leave=leave)
    for path in pending.edited:
        project.reporter.show_note(f"{path} was changed since, and stays as it is")
    _tell_saved(project, outcome.saved)
    return f"completed `{plan.what}`, which had been interrupted"


def _select_own(project: Project, plan: CommandIntent) -> Mapping[str, str]:
    """Select the links that were followed; none of them is this work tree's if it was copied."""
    if not plan.followed or os.path.realpath(plan.top) == os.path.realpath(project.top_folder):
        return plan.followed
    folders = ", ".join(map(printable_name, plan.followed.values()))
    project.reporter.show_note(
        f"`{plan.what}` was interrupted in {printable_name(plan.top)}; what it left in {folders} is"
        f" still there, and is called {TEMPORARY}*"
    )
    return {}


def _tell_saved(project: Project, saved: Sequence[tuple[str, str]]) -> None:
    for path, digest in saved[:_MOST_NOTES]:
        project.reporter.show_note(
            f"{path} was stored nowhere, and is replaced; its bytes are kept as sha256:{digest}"
        )
    if len(saved) > _MOST_NOTES:
        project.reporter.show_note(f"so are those of {len(saved) - _MOST_NOTES:,} more files")


@dataclass(frozen=True, slots=True)
class _PendingInputs:
    """The params and metrics files still to be restored; those `edited` are left alone.

    `kept` are the raw digests of the files that they replace, which commits hold.
    """

    inputs: tuple[Artifact, ...]
    kept: frozenset[bytes]
    edited: tuple[str, ...]


def _separate_edited(project: Project, root: Path, inputs: Sequence[Artifact]) -> _PendingInputs:
    """Separate the files that may be overwritten from those that somebody changed meanwhile."""
    present = overwritten_inputs.read_present(root, [artifact.path for artifact in inputs])
    digests = {path: Digest.of_bytes(data) for path, data in present.contents.items()}
    others = dict(present.contents)
    for artifact in inputs:
        if digests.get(artifact.path) == artifact.digest:
            del others[artifact.path]
    uncommitted = overwritten_inputs.find_uncommitted(project, others)
    edited = {*present.folders, *present.unreadable, *uncommitted}
    return _PendingInputs(
        inputs=tuple(artifact for artifact in inputs if artifact.path not in edited),
        kept=frozenset(bytes.fromhex(digest.hex) for digest in digests.values()),
        edited=tuple(artifact.path for artifact in inputs if artifact.path in edited),
    )
