"""The code commits of the versions that a push brings: what keeps them goes along.

Whoever merges may squash the branch and delete it, and nothing else would lead to them then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlver.errors import MlverError
from mlver.findings import Finding
from mlver.git import changes_in, references, remotes
from mlver.git.repository import GitRepository
from mlver.project.edit.kept_code import set_code_references
from mlver.project.registry.registry import decode_version
from mlver.project.tags import code_pushes
from mlver.records import layout
from mlver.records.code_references import CODE_REFERENCES, name_code_reference


def send_code(
    repository: GitRepository, remote: str, places: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Push what keeps the code commits of these records' versions; say what `remote` did not take.

    `places` has a commit that holds each record, by the record's path. Nothing stops the push.
    """
    paths = [path for path in places if layout.is_version_path(path)]
    if not paths:
        return ()
    try:
        _keep_code(repository, paths, places)
        published = remotes.list_published(repository, remote)
        names = code_pushes.name_code_references(paths)
        notes = code_pushes.push_code_references(repository, remote, names, published.code)
    except MlverError as error:
        return (Finding("remote", remote, error.message, error.hints),)
    return tuple(Finding("remote", remote, note) for note in notes)


def _keep_code(repository: GitRepository, paths: Sequence[str], places: Mapping[str, str]) -> None:
    """Make the references of versions that were committed by hand, and so have none yet."""
    known = references.list_references(repository, CODE_REFERENCES)
    commits: dict[str, str] = {}
    contents = repository.blobs(f"{places[path]}:{path}" for path in paths)
    for path, data in zip(paths, contents, strict=True):
        if data is None:
            continue
        record = decode_version(data, path)
        name = name_code_reference(record.model, record.version)
        commit = record.code.commit
        if name not in known and commit is not None and record.adopted_tag is None:
            commits[name] = commit
    here = changes_in.find_commits(repository, commits.values())
    kept = {name: commit for name, commit in commits.items() if commit in here}
    set_code_references(repository, kept)
