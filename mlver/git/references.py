"""References by their full names, outside the branches and the tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlver.errors import shell_command
from mlver.git import changes
from mlver.git.gitpython import import_gitpython
from mlver.git.repository import GitRepository

if TYPE_CHECKING:
    from mlver.git.transfer import TransferReporter


def list_references(repository: GitRepository, folder: str) -> dict[str, str]:
    """List the references below a folder, each with the id of what it names."""
    arguments = ["for-each-ref", "--format=%(objectname) %(refname)", f"{folder}/"]
    references: dict[str, str] = {}
    for line in repository.process.read(arguments).decode().splitlines():
        object_id, _, name = line.partition(" ")
        references[name] = object_id
    return references


def set_references(repository: GitRepository, references: Mapping[str, str], doing: str) -> None:
    """Let references name these objects, all or none, whatever they named before."""
    if not references:
        return
    request = ""
    for name, object_id in references.items():
        request += f"update {name}\0{object_id}\0\0"
    arguments = ["update-ref", "--stdin", "-z"]
    repository.process.write(arguments, stdin=request.encode(), doing=doing)


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
    for batch in changes.split_long(names):
        refspecs = [f"{name}:{name}" for name in batch]
        doing = f"push references to {remote}"
        transfer.push_references(
            repository, remote, refspecs, doing=doing, hint=hint, reporter=reporter
        )
