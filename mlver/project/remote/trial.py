"""Whether a remote answers, can be read and written, and what it has: asked with few requests."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal

from mlver.digest import Digest
from mlver.errors import MlverError, summarise_error
from mlver.project.remote.team import TeamRemote
from mlver.storage.remote.blobs import BlobStore, BytesBlob

Confirmation = Literal["checked by the server", "read back"]

# So many blobs are counted; a listing of more would take long.
MOST_COUNTED = 4_000
# Nothing that a remote keeps lies there, so gc leaves it alone.
_FOLDER = "probes"
_PROBE = b"written by mlver to see whether it can write here\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTrial:
    """What was found out; None where that was not tried, or could not be told.

    `blobs` and `size`, in bytes, are of everything that lies there; where it is more than is
    counted, `is_counted` is False. `confirmation` says how it is known that what was sent arrived.
    `error` is why it cannot be used, or not be written to, and `hints` what to do about it.
    """

    reachable: bool
    writable: bool | None = None
    confirmation: Confirmation | None = None
    blobs: int | None = None
    size: int | None = None
    is_counted: bool = False
    error: str | None = None
    hints: tuple[str, ...] = ()


def try_remote(blobs: BlobStore, *, writing: bool) -> RemoteTrial:
    """List what a remote has, and with `writing` store a small blob, read it back and delete it.

    Nothing is raised for a remote that refuses or does not answer: the result says it.
    """
    try:
        count, size, is_counted = _count_blobs(blobs)
    except MlverError as error:
        return RemoteTrial(reachable=False, error=summarise_error(error), hints=error.hints)
    writable = None
    failure = None
    if writing:
        failure = _try_writing(blobs)
        writable = failure is None
    return RemoteTrial(
        reachable=True,
        writable=writable,
        confirmation=None if writable is False else _find_confirmation(blobs),
        blobs=count,
        size=size,
        is_counted=is_counted,
        error=None if failure is None else summarise_error(failure),
        hints=() if failure is None else failure.hints,
    )


def _count_blobs(blobs: BlobStore) -> tuple[int, int, bool]:
    count = size = 0
    for blob in blobs.list_blobs(""):
        count += 1
        size += blob.size
        if count >= MOST_COUNTED:
            return count, size, False
    return count, size, True


def _try_writing(blobs: BlobStore) -> MlverError | None:
    """Write, read and delete; return what stands in the way."""
    key = f"{_FOLDER}/{secrets.token_hex(16)}"
    try:
        blobs.put_blob(key, BytesBlob(_PROBE))
        returned = blobs.get_range(key, 0, len(_PROBE))
        blobs.delete_blob(key)
    except MlverError as error:
        return error
    if returned != _PROBE:
        return MlverError(
            f"{blobs.address} gave back other bytes than it was sent;"
            " what is pushed there would be lost: use another remote"
        )
    return None


def _find_confirmation(blobs: BlobStore) -> Confirmation | None:
    try:
        return "checked by the server" if blobs.confirms_content() else "read back"
    except MlverError:
        return None


def try_team(remote: TeamRemote, *, writing: bool) -> RemoteTrial:
    """Try a remote. One that keeps contents by digest alone is only asked for one."""
    if remote.blobs is not None:
        return try_remote(remote.blobs, writing=writing)
    try:
        remote.store.find_missing({Digest.of_bytes(_PROBE): len(_PROBE)})
    except MlverError as error:
        return RemoteTrial(reachable=False, error=summarise_error(error), hints=error.hints)
    return RemoteTrial(reachable=True)
