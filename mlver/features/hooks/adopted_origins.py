"""Another tool's tags that landed records were adopted from: what a push may do to them.

A promotion that was adopted went through no gate, and who made an adopted version is known from its
tag alone. Without the tag, nobody can tell either from a forged record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from mlver.errors import MlverError, printable_name, shell_command
from mlver.features.hooks.updates import TAGS, RefUpdate
from mlver.findings import Finding
from mlver.git import changes_in
from mlver.git.changes_in import is_absent
from mlver.git.repository import GitRepository
from mlver.project.registry.registry import decode_promotion, decode_version
from mlver.records import layout
from mlver.records.references import AdoptedTag
from mlver.records.tags import read_tag_name


def find_lost_origins(
    repository: GitRepository, updates: Sequence[RefUpdate], remote: str, main: Sequence[str]
) -> Iterator[Finding]:
    """Find the tags that a push takes away from records of `main`, as it is there.

    A tag that is not the one any more that a record names is lost already, and may be put back.
    """
    taken = {update.old: update for update in updates if _takes_tag(update)}
    if not taken or not main or changes_in.find_commit(repository, main[0]) is None:
        return
    for path, origin in _list_origins(repository, main[0], list(taken)):
        update = taken.get(origin.object)
        if update is None or update.ref != f"{TAGS}{origin.tag}":
            continue
        own_name = read_tag_name(origin.tag)
        # a version's own tag is refused as its seal is
        if own_name is not None and layout.record_path(own_name) == path:
            continue
        change = "deleted" if is_absent(update.new) else "moved"
        message = (
            f"is what {path} was adopted from, and would be {change}: keep it, for nothing else"
            " confirms that record"
        )
        keep = shell_command("git", "fetch", remote, f"+{update.ref}:{update.ref}")
        yield Finding("tag", printable_name(origin.tag), message, (keep,))


def _takes_tag(update: RefUpdate) -> bool:
    is_change = update.old != update.new and not is_absent(update.old)
    return is_change and update.ref.startswith(TAGS)


def _list_origins(
    repository: GitRepository, commit: str, objects: Sequence[str]
) -> Iterator[tuple[str, AdoptedTag]]:
    """List the tags that records of a commit were adopted from, where they name these objects."""
    paths = [path for path in repository.files_at(commit, layout.MODELS) if _is_record(path)]
    contents = repository.blobs(f"{commit}:{path}" for path in paths)
    for path, data in zip(paths, contents, strict=True):
        # parsing all of them would take longer than the rest of the push
        if data is None or b"adopted" not in data:
            continue
        if not any(name.encode() in data for name in objects):
            continue
        with suppress(MlverError):
            if layout.is_version_path(path):
                origin = decode_version(data, path).adopted_tag
            else:
                origin = decode_promotion(data, path).adopted
            if origin is not None:
                yield path, origin


def _is_record(path: str) -> bool:
    place = layout.parse_path(path)
    return place is not None and place.kind in ("version", "promotion")
