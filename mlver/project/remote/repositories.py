"""Which git repositories keep contents on a remote: gc has to read the refs of every one.

A repository is known by its first commits, which all of its clones share. There is one notice for
each place where its references can be read, so clones that push to different places, such as
forks, never replace what the others said.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from mlver.errors import MlverError
from mlver.git.remotes import list_remotes
from mlver.git.repository import GitRepository
from mlver.policy.remote_addresses import strip_secrets
from mlver.project.remote.notices import (
    REPOSITORIES,
    read_notices,
    read_texts,
    unreadable_error,
    write_notice,
)
from mlver.storage.remote.blobs import BlobMissing, BlobStore

SCHEMA = "mlver/repository/1"
_ID_LETTERS = 32
_ADDRESS_LETTERS = 8
# A line of `git remote -v`: the name, the address, what it is for, and the filter of a clone.
_REMOTE = re.compile(r"[^\t]*\t(.*) \((?:fetch|push)\)(?: \[[^\]]*\])?")


@dataclass(frozen=True, slots=True)
class SharingRepository:
    """A repository that keeps contents on a remote, and one address of its references.

    `roots` are its first commits, of which `id` is the hash. A path is
    `file://HOST/path`, with the name of the computer that has it.
    """

    id: str
    address: str
    roots: tuple[str, ...]

    @property
    def name(self) -> str:
        """The id with that of the address."""
        digest = hashlib.sha256(self.address.encode(errors="surrogateescape")).hexdigest()
        return f"{self.id}-{digest[:_ADDRESS_LETTERS]}"

    @property
    def key(self) -> str:
        """The key of its notice."""
        return f"{REPOSITORIES}{self.name}.json"


def announce_repository(
    blobs: BlobStore, repository: GitRepository, target: str | None = None
) -> list[SharingRepository]:
    """Say on the remote that this repository keeps contents there, before any of them is stored.

    `target` is where git is about to push to: it is told, too, if it is an address and no name.

    A shallow clone does not have the first commits: it repeats those of a notice that names one of
    its git remotes. Raises MlverError where there is none.
    """
    addresses = list_git_addresses(repository)
    if target is not None and _is_address(target) and target not in list_remotes(repository):
        addresses = sorted({*addresses, _complete_address(repository, target)})
    if repository.is_shallow():
        roots = _find_announced(blobs, addresses).roots
    else:
        roots = _list_roots(repository)
    announced: list[SharingRepository] = []
    for address in addresses:
        sharing = SharingRepository(_hash_roots(roots), address, roots)
        _announce_address(blobs, sharing)
        announced.append(sharing)
    return announced


def _announce_address(blobs: BlobStore, sharing: SharingRepository) -> None:
    """Store a notice that is not there. What it says depends on its key alone."""
    try:
        blobs.stat_blob(sharing.key)
    except BlobMissing:
        document = {
            "schema": SCHEMA,
            "id": sharing.id,
            "address": sharing.address,
            "roots": list(sharing.roots),
        }
        write_notice(blobs, sharing.key, document)


def _find_announced(blobs: BlobStore, addresses: Iterable[str]) -> SharingRepository:
    own = set(addresses)
    for known in read_repositories(blobs):
        if known.address in own:
            return known
    raise MlverError(
        "this shallow clone does not have the first commits of the repository, by which a remote"
        f" knows it, and {blobs.address} knows none of its git remotes yet",
        hint="git fetch --unshallow",
    )


def read_repositories(blobs: BlobStore) -> list[SharingRepository]:
    """All repositories that said so, once for each address.

    Raises UnreadableNotice for a notice that cannot be read.
    """
    repositories: list[SharingRepository] = []
    for info, document in read_notices(blobs, REPOSITORIES, SCHEMA):
        repositories.append(_parse_notice(blobs, info.key, document))
    return repositories


def forget_repositories(blobs: BlobStore, forgotten: Iterable[SharingRepository]) -> None:
    """Remove notices: nothing that only these places need is kept any more."""
    for sharing in forgotten:
        blobs.delete_blob(sharing.key)


def identify_repository(repository: GitRepository) -> str:
    """The id of a repository: of the SHA-256 of its first commits, in order, 32 digits."""
    return _hash_roots(_list_roots(repository))


def _list_roots(repository: GitRepository) -> tuple[str, ...]:
    listing = repository.process.read(["rev-list", "--max-parents=0", "HEAD"]).decode()
    return tuple(sorted(listing.split()))


def _hash_roots(roots: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(roots).encode()).hexdigest()[:_ID_LETTERS]


def list_git_addresses(repository: GitRepository) -> list[str]:
    """Where the git remotes of this repository are, for whoever reads them elsewhere.

    They are as git resolves them by its settings, without passwords. A repository without any is
    itself the place of its references.
    """
    addresses: set[str] = set()
    listing = repository.process.read(["remote", "--verbose"])
    for line in listing.decode(errors="surrogateescape").splitlines():
        found = _REMOTE.fullmatch(line)
        if found is not None:
            addresses.add(_complete_address(repository, found[1]))
    # A branch may follow an address that is no remote, as `git push -u URL` leaves it.
    for _, _, followed in repository.settings(r"^branch\..+\.(push)?remote$"):
        if _is_address(followed):
            addresses.add(_complete_address(repository, followed))
    return sorted(addresses) or [_name_path(repository.common_dir)]


def _is_address(target: str) -> bool:
    """Whether git takes this, which is no remote's name, for an address."""
    return target != "." and ("/" in target or ":" in target)


def _complete_address(repository: GitRepository, address: str) -> str:
    """An address that means the same to another repository."""
    if address.startswith("file://"):
        # git takes a host in it for a folder.
        return _name_path(Path(os.fsdecode(unquote_to_bytes(address.removeprefix("file:")))))
    if _is_path(address):
        return _name_path(repository.top / address)
    return strip_secrets(address)


def _is_path(address: str) -> bool:
    """Whether git takes an address for a path: no colon stands before its first slash."""
    return ":" not in address.partition("/")[0]


def _name_path(path: Path) -> str:
    """The address of a folder of this computer."""
    text = os.fsencode(os.path.realpath(path))
    return f"file://{quote(socket.gethostname(), safe='')}{quote(text)}"


def locate_address(address: str) -> str | None:
    """What git on this computer reads an announced address by; None for another computer's path."""
    if not address.startswith("file://"):
        return None if _is_path(address) else address
    host, slash, path = address.removeprefix("file://").partition("/")
    if host != quote(socket.gethostname(), safe=""):
        return None
    return os.fsdecode(unquote_to_bytes(slash + path))


def select_forgotten(
    repositories: Iterable[SharingRepository], forgotten: Iterable[str]
) -> list[SharingRepository]:
    """Those of these ids, or of these names, which have one address each."""
    names = set(forgotten)
    return [sharing for sharing in repositories if not names.isdisjoint((sharing.id, sharing.name))]


def select_others(
    repositories: Iterable[SharingRepository], forgotten: Iterable[str]
) -> list[SharingRepository]:
    """Those that are not forgotten."""
    repositories = list(repositories)
    left_out = set(select_forgotten(repositories, forgotten))
    return [sharing for sharing in repositories if sharing not in left_out]


def _parse_notice(blobs: BlobStore, key: str, document: dict[str, Any]) -> SharingRepository:
    roots = read_texts(blobs, key, document, "roots")
    address = document.get("address")
    if not isinstance(address, str) or not address:
        raise unreadable_error(blobs, key, "it says of no place where to read the repository")
    sharing = SharingRepository(_hash_roots(roots), address, tuple(roots))
    if not roots or document.get("id") != sharing.id or key != sharing.key:
        raise unreadable_error(blobs, key, "it is not named by the repository in it")
    return sharing
