"""Records of a newer mlver: what depends on one of them stops there.

What such a record says is unknown here, so what is written on top of it could contradict it. A
record that nothing here depends on is in nobody's way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mlver.document import codec
from mlver.document.schema import NEWEST_FORMATS, Kind
from mlver.errors import MlverError, NewerFormat, shell_command
from mlver.git import objects
from mlver.git.repository import GitRepository
from mlver.project.registry.registry import UPGRADE_HINT, RecordRegistry
from mlver.records import byte_limits, layout

# Nobody changes a record this often; somebody might, to make a command slow.
_MOST_CHANGES = 20


@contextmanager
def naming_commits(repository: GitRepository) -> Iterator[None]:
    """Say of a record of a newer format that stops a command which commit brought it."""
    try:
        yield
    except NewerFormat as error:
        raise _name_commit(repository, error) from None


def refuse_newer_formats(registry: RecordRegistry, paths: Iterable[str]) -> None:
    """Raise NewerFormat where one of these versions and promotions is of a format that this mlver
    does not know.

    Other faults are left to those who read the records.
    """
    for path in paths:
        try:
            record_bytes = registry.read_file(path) or b""
        except MlverError:
            continue
        newer = find_newer_format(path, record_bytes)
        if newer is not None:
            raise newer


def find_newer_format(path: str, data: bytes) -> NewerFormat | None:
    """Find out whether a version or a promotion with these bytes is of a newer format."""
    kind: Kind = "version" if layout.is_version_path(path) else "promotion"
    # Parsing a record takes far longer than looking at its first line.
    if _begins_known(kind, data):
        return None
    try:
        codec.decode_document(kind, data, path)
    except NewerFormat as error:
        return error
    except MlverError:
        return None
    return None


def list_highest_version(registry: RecordRegistry, model: str) -> list[str]:
    """List the path of a model's highest version; nothing where it has none."""
    highest, _ = registry.list_newest(model, 1)
    return [layout.version_path(model, version) for version in highest]


def list_last_promotions(registry: RecordRegistry, model: str, stages: Iterable[str]) -> list[str]:
    """List the path of the last promotion of each of these stages that has one."""
    paths: list[str] = []
    for stage in stages:
        sequences = registry.list_sequences(layout.stage_folder(model, stage))
        if sequences:
            paths.append(layout.promotion_path(model, stage, sequences[-1]))
    return paths


def _begins_known(kind: Kind, data: bytes) -> bool:
    """Say whether the first line, which mlver writes first, names a format that is known here."""
    first_line, _, _ = data.partition(b"\n")
    numbers = range(1, NEWEST_FORMATS[kind] + 1)
    return any(first_line == f"schema: mlver/{kind}/{number}".encode() for number in numbers)


def _name_commit(repository: GitRepository, error: NewerFormat) -> NewerFormat:
    """Say which commit brought the record: where nobody has a newer mlver, it can be taken back."""
    if repository.head().commit is None:
        return error
    bringers = _list_bringers(repository, error.where)
    if not bringers:
        return error
    shown = [commit[:10] for commit in bringers]
    way_out = f"commit {shown[-1]} brought it; where nobody has a newer mlver, take that back"
    # git reverts a merge only where it is told which parent is to stay.
    listing = repository.process.read(["rev-list", "--no-walk", "--parents", *bringers])
    has_merge = any(len(line.split()) > 2 for line in listing.splitlines())
    mainline = ("-m", "1") if has_merge else ()
    revert = shell_command("git", "revert", "--no-edit", *mainline, *shown)
    return NewerFormat(error.where, (*error.faults, way_out), hints=(UPGRADE_HINT, revert))


def _list_bringers(repository: GitRepository, path: str) -> list[str]:
    """List the last commits that gave a record a newer format one after the other, newest first.

    The last of them brought it; reverting another alone would leave a newer format there.
    """
    changes = repository.log("-m", f"--max-count={_MOST_CHANGES}", "HEAD", "--", path)
    commits = list(dict.fromkeys(commit for commit, _, _ in changes))
    limit = byte_limits.find_byte_limit(path)
    places = [(f"{commit}:{path}", limit) for commit in commits]
    bringers: list[str] = []
    contents = objects.read_beginnings(repository.process, places)
    for commit, data in zip(commits, contents, strict=True):
        if data is None or find_newer_format(path, data) is None:
            break
        bringers.append(commit)
    return bringers
