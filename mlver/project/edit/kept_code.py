"""The code commits of versions, kept by a reference each: made before the tag that seals one.

So a version that is sealed here has its reference, wherever a command was stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mlver.errors import shell_command
from mlver.git import changes_in, objects, references
from mlver.git.repository import GitRepository
from mlver.project.edit.intent import PlannedTag
from mlver.records.code_references import name_code_reference
from mlver.records.tags import read_tag_name

# A reference in the way of these can be seen there.
_LIST_HINT = shell_command("git", "for-each-ref", "refs/mlver")


def keep_code(repository: GitRepository, tags: Iterable[PlannedTag]) -> None:
    """Make the references of the versions that these tags are to seal.

    No tag claims such a version yet. So a reference of that name is left from one that was given
    up, and is replaced.
    """
    commits: dict[str, str] = {}
    for tag in tags:
        if tag.code is not None:
            for name in list_code_references([tag.name]):
                commits[name] = tag.code
    set_code_references(repository, commits)


def set_code_references(repository: GitRepository, commits: Mapping[str, str]) -> None:
    """Let references name these commits, all or none, whatever they named before."""
    targets = {name: f"{commit}\0" for name, commit in commits.items()}
    references.update_references(
        repository, "update", targets, doing="keep the code commit", hint=_LIST_HINT
    )


def list_code_references(tags: Iterable[str]) -> list[str]:
    """List the references that belong to these tags: those of promotions have none."""
    names: list[str] = []
    for tag in tags:
        tag_name = read_tag_name(tag)
        if tag_name is not None and tag_name.version is not None:
            names.append(name_code_reference(tag_name.model, tag_name.version))
    return names


def find_codeless(repository: GitRepository, tags: Iterable[str]) -> list[str]:
    """Find the version tags without a reference that keeps the code commit."""
    codeless: list[str] = []
    for tag in tags:
        references_of_tag = list_code_references([tag])
        if None in objects.read_objects(repository.process, references_of_tag):
            codeless.append(tag)
    return codeless


def leave_lacking(repository: GitRepository, tags: Sequence[PlannedTag]) -> list[PlannedTag]:
    """Leave out of the plans the code commits that this clone lacks: no reference can name one."""
    wanted = [tag.code for tag in tags if tag.code is not None]
    here = changes_in.find_commits(repository, wanted)
    return [tag if tag.code in here else replace(tag, code=None) for tag in tags]
