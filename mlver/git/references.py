"""References by their full names, and how many of them go in one push."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlver.errors import shell_command
from mlver.git.gitpython import import_gitpython
from mlver.git.repository import GitRepository

if TYPE_CHECKING:
    from mlver.git.transfer_progress import TransferReporter

# Forges start no pipeline for more tags than this in one push.
PUSH_SIZE = 3
# What a command may hold differs; macOS allows a million bytes, with the environment.
_COMMAND_LENGTH = 300_000


def list_references(repository: GitRepository, folder: str) -> dict[str, str]:
    """List the references below a folder, each with the id of what it names."""
    arguments = ["for-each-ref", "--format=%(objectname) %(refname)", f"{folder}/"]
    references: dict[str, str] = {}
    # others may have made a reference of any bytes
    for line in filter(None, os.fsdecode(repository.process.read(arguments)).split("\n")):
        object_id, _, name = line.partition(" ")
        references[name] = object_id
    return references


def update_references(
    repository: GitRepository,
    verb: str,
    references: Mapping[str, str],
    *,
    doing: str,
    hint: str | None = None,
) -> None:
    """Run one transaction of git-update-ref(1): all or none; raise GitFailed where git refuses it.

    `references` are full names, each with what the verb says of it, such as `create` or `update`.
    """
    if not references:
        return
    request = ""
    for name, object_id in references.items():
        request += f"{verb} {name}\0{object_id}\0"
    arguments = ["update-ref", "--stdin", "-z"]
    repository.process.write(arguments, stdin=request.encode(), doing=doing, hint=hint)


def push_references(
    repository: GitRepository,
    remote: str,
    names: Sequence[str],
    reporter: TransferReporter | None = None,
) -> None:
    """Push references under the names that they have here; one is never forced."""
    import_gitpython()
    from mlver.git import transfer

    hint = shell_command("git", "ls-remote", "--", remote)
    for batch in split_long(names):
        refspecs = [f"{name}:{name}" for name in batch]
        doing = f"push references to {remote}"
        transfer.push_references(
            repository, remote, refspecs, doing=doing, hint=hint, reporter=reporter
        )


def delete_pushed(
    repository: GitRepository,
    remote: str,
    names: Sequence[str],
    reporter: TransferReporter | None = None,
) -> None:
    """Delete references of a remote, all or none; raise GitFailed where it refuses that."""
    import_gitpython()
    from mlver.git import transfer

    for batch in split_long(names):
        transfer.push_references(
            repository,
            remote,
            [f":{name}" for name in batch],
            doing=f"delete references of {remote}",
            hint=shell_command("git", "ls-remote", "--", remote),
            reporter=reporter,
        )


def split_batches(names: Sequence[str]) -> list[Sequence[str]]:
    """Split tags into pushes, so that each of them starts a pipeline."""
    batches: list[Sequence[str]] = []
    for start in range(0, len(names), PUSH_SIZE):
        end = start + PUSH_SIZE
        batches.append(names[start:end])
    return batches


def split_long(names: Sequence[str]) -> list[Sequence[str]]:
    """Split tags into pushes only where one command could not name them all."""
    batches: list[Sequence[str]] = []
    batch: list[str] = []
    length = 0
    for name in names:
        if length > _COMMAND_LENGTH:
            batches.append(batch)
            batch, length = [], 0
        batch.append(name)
        # each is named twice: here, and on the other side
        length += 2 * len(name)
    if batch:
        batches.append(batch)
    return batches
