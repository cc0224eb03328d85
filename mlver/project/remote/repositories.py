"""Which git repositories keep contents on a remote: gc has to read the refs of every one.

A repository is known by its first commits, which all of its clones share. Clones that push to
different places, such as forks, share one notice, with all of those places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from mlver.errors import MlverError
from mlver.git.repository import GitRepository
from mlver.project.remote.notices import (
    REPOSITORIES,
    read_notice,
    read_notices,
    read_texts,
    unreadable_error,
    write_notice,
)
from mlver.storage.remote.blobs import BlobMissing, BlobStore

SCHEMA = "mlver/repository/1"
_ID_LETTERS = 32


@dataclass(frozen=True, slots=True)
class SharingRepository:
    """A repository that keeps contents on a remote, and the addresses of its git remotes."""

    key: str
    id: str
    remotes: tuple[str, ...]


def announce_repository(blobs: BlobStore, repository: GitRepository) -> SharingRepository:
    """Say on the remote that this repository keeps contents there, before any of them is stored.

    A shallow clone does not have the first commits: it takes part in the notice that names one of
    its git remotes. Raises MlverError where there is none.
    """
    remotes = set(list_git_addresses(repository))
    if repository.is_shallow():
        return _find_announced(blobs, remotes)
    own_id = identify_repository(repository)
    key = f"{REPOSITORIES}{own_id}.json"
    known: set[str] | None = None
    with suppress(BlobMissing):
        known = set(_parse_notice(blobs, key, read_notice(blobs, key, SCHEMA)).remotes)
    if known is None or not remotes <= known:
        remotes |= known or set()
        document = {"schema": SCHEMA, "id": own_id, "remotes": sorted(remotes)}
        write_notice(blobs, key, document)
        return SharingRepository(key, own_id, tuple(sorted(remotes)))
    return SharingRepository(key, own_id, tuple(sorted(known)))


def _find_announced(blobs: BlobStore, remotes: set[str]) -> SharingRepository:
    for known in read_repositories(blobs):
        if not remotes.isdisjoint(known.remotes):
            return known
    raise MlverError(
        "this shallow clone does not have the first commits of the repository, by which a remote"
        f" knows it, and {blobs.address} knows none of its git remotes yet",
        hint="git fetch --unshallow",
    )


def read_repositories(blobs: BlobStore) -> list[SharingRepository]:
    """All repositories that said so. Raises UnreadableNotice for a notice that cannot be read."""
    repositories: list[SharingRepository] = []
    for info, document in read_notices(blobs, REPOSITORIES, SCHEMA):
        repositories.append(_parse_notice(blobs, info.key, document))
    return repositories


def forget_repository(blobs: BlobStore, own_id: str) -> None:
    """Remove a repository's notice: nothing that only it needs is kept any more."""
    blobs.delete_blob(f"{REPOSITORIES}{own_id}.json")


def identify_repository(repository: GitRepository) -> str:
    """The id of a repository: of the SHA-256 of its first commits, in order, 32 digits."""
    listing = repository.process.read(["rev-list", "--max-parents=0", "HEAD"]).decode()
    roots = sorted(listing.split())
    return hashlib.sha256("\n".join(roots).encode()).hexdigest()[:_ID_LETTERS]


def list_git_addresses(repository: GitRepository) -> list[str]:
    """Where the git remotes of this repository are, without passwords."""
    addresses: set[str] = set()
    for _, _, address in repository.settings(r"^remote\..+\.(url|pushurl)$"):
        addresses.add(hide_password(address))
    return sorted(addresses)


def hide_password(address: str) -> str:
    """A git address without what may be a secret; one that is no URL stays as it is."""
    try:
        parsed = urlsplit(address)
    except ValueError:
        return address
    if not parsed.scheme or "@" not in parsed.netloc:
        return address
    user, _, host = parsed.netloc.rpartition("@")
    # The user of ssh belongs to the address; that of a web server may be a token.
    kept = f"{user.partition(':')[0]}@{host}" if parsed.scheme == "ssh" else host
    return urlunsplit(parsed._replace(netloc=kept))


def select_others(
    repositories: Iterable[SharingRepository], forgotten: Iterable[str]
) -> list[SharingRepository]:
    """Those that are not forgotten."""
    left_out = set(forgotten)
    return [repository for repository in repositories if repository.id not in left_out]


def _parse_notice(blobs: BlobStore, key: str, document: dict[str, Any]) -> SharingRepository:
    remotes = read_texts(blobs, key, document, "remotes")
    own_id = key.removeprefix(REPOSITORIES).removesuffix(".json")
    if document.get("id") != own_id:
        raise unreadable_error(blobs, key, "it is not named by the repository in it")
    return SharingRepository(key, own_id, tuple(remotes))
