"""A push as a process of its own, which says where it is and waits there.

    python -m tests.project.remote.frozen_push BUCKET FILE PLACE…

It pushes the work tree's branch to `origin`, and FILE to BUCKET. At each PLACE it makes the file
`at-PLACE` in the work tree, and goes on once that is gone.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from mlver.digest import Digest
from mlver.project.remote.pins import PushTimes, begin_push, finish_push, settle_push
from mlver.storage.remote.blobs import BytesBlob
from mlver.storage.remote.catalogue import object_key
from mlver.storage.remote.open import open_blobs

RENEW_AFTER = 0.1


def push_file(bucket: str, path: Path, places: list[str]) -> None:
    content = path.read_bytes()
    digest = Digest.of_bytes(content)
    key = object_key(digest.hex)
    blobs = open_blobs(bucket)

    def send(renew: frozenset[str]) -> None:
        present = {info.key for info in blobs.list_blobs("objects/")}
        if key in renew or key not in present:
            blobs.replace_blob(key, BytesBlob(content))
        wait_at("sent", places)

    pin = begin_push(blobs, [digest], PushTimes(renew_after=RENEW_AFTER))
    settle_push(pin, send)
    wait_at("looked", places)
    subprocess.run(["git", "push", "--quiet", "origin", "HEAD"], check=True)
    wait_at("named", places)
    finish_push(pin, send)


def wait_at(place: str, places: list[str]) -> None:
    """Stop here once, if it is one of the places."""
    if place not in places:
        return
    places.remove(place)
    mark = Path(f"at-{place}")
    mark.touch()
    while mark.exists():
        time.sleep(0.01)


if __name__ == "__main__":
    push_file(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
