"""Blobs that gc is about to delete, told to everybody before it happens.

A record of condemned blobs has a state:

- `proposed`: gc found them unreachable, and has yet to look for pins. It counts like the next one.
- `condemned`: no pin named them after that proposal was stored, which was at `since`.
- `deleting`: a gc is at work on them now. It looked, or will look, for pins after that was stored.

A push writes its pin and then reads these records. So whatever a gc deletes, either that gc saw the
pin, or the push sees the record.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlver.project.remote.notices import (
    CONDEMNED,
    read_notices,
    read_texts,
    unreadable_error,
    write_notice,
)
from mlver.storage.remote.blobs import BlobInfo, BlobStore, is_key

SCHEMA = "mlver/condemned/1"
PROPOSED, CONDEMNED_STATE, DELETING = "proposed", "condemned", "deleting"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_STATES = (PROPOSED, CONDEMNED_STATE, DELETING)


@dataclass(frozen=True, slots=True)
class CondemnedRecord:
    """Blobs by key. `info` is the record itself, with the time that the storage gave it.

    `since` is when the proposal was stored, by the storage's clock; None until that is known. `by`
    names the clone that wrote the record, and `process` the process, where that can be told.
    """

    info: BlobInfo
    state: str
    keys: frozenset[str]
    since: datetime | None
    by: str
    process: str | None


def describe_process() -> str | None:
    """This process, among all that ever ran: when the system was started, the namespace, the id.

    None where the system has no `/proc` that says so (Linux: random(4), namespaces(7)).
    """
    try:
        return f"{_BOOT_ID.read_text().strip()} {_NAMESPACE.readlink()} {os.getpid()}"
    except OSError:
        return None


def is_process_gone(process: str | None) -> bool:
    """Whether a process has ended for certain. The caller holds the lock that it held.

    Nothing is certain of one in another container, or before the system was started again.
    """
    own = describe_process()
    if own is None or process is None:
        return False
    place, _, number = process.rpartition(" ")
    if place != own.rpartition(" ")[0] or _NUMBER.fullmatch(number) is None:
        return False
    # The number of this very process is another's no more.
    if int(number) == os.getpid():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def new_record_key() -> str:
    """A key for a record. Its time is for people only: what counts is when it was stored."""
    moment = datetime.now(UTC)
    return f"{CONDEMNED}{moment.strftime('%Y%m%dt%H%M%Sz')}-{secrets.token_hex(4)}.json"


def write_condemned(
    blobs: BlobStore,
    key: str,
    state: str,
    keys: Iterable[str],
    *,
    by: str,
    since: datetime | None = None,
) -> BlobInfo:
    """Store a record; return it as the storage has it then."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "state": state,
        "keys": sorted(keys),
        "since": since.astimezone(UTC).isoformat() if since else None,
        "by": by,
        "process": describe_process(),
    }
    write_notice(blobs, key, document)
    return blobs.stat_blob(key)


def read_condemned(blobs: BlobStore) -> list[CondemnedRecord]:
    """All records. Raises UnreadableNotice for one that cannot be read."""
    records: list[CondemnedRecord] = []
    for info, document in read_notices(blobs, CONDEMNED, SCHEMA):
        records.append(_parse_record(blobs, info, document))
    return records


def _parse_record(blobs: BlobStore, info: BlobInfo, document: dict[str, Any]) -> CondemnedRecord:
    keys = read_texts(blobs, info.key, document, "keys")
    state, by = document.get("state"), document.get("by")
    if state not in _STATES or not isinstance(by, str):
        raise unreadable_error(blobs, info.key, "it does not say what is done with its blobs")
    if not all(is_key(key) for key in keys):
        raise unreadable_error(blobs, info.key, "it names what is no blob")
    since = None
    try:
        if document.get("since") is not None:
            since = datetime.fromisoformat(document["since"])
    except (TypeError, ValueError):
        raise unreadable_error(blobs, info.key, "its `since` is no time") from None
    if since is not None and since.tzinfo is None:
        raise unreadable_error(blobs, info.key, "its `since` has no time zone")
    process = document.get("process")
    if process is not None and not isinstance(process, str):
        raise unreadable_error(blobs, info.key, "its `process` is no text")
    return CondemnedRecord(info, state, frozenset(keys), since, by, process)
