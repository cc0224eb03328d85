"""One transfer as a process of its own, between a local store and a remote.

    python -m tests.benchmarks.transfer prepare STORE FILE…
    python -m tests.benchmarks.transfer up STORE ADDRESS ENDPOINT
    python -m tests.benchmarks.transfer down STORE ADDRESS ENDPOINT OTHER-STORE

It is what `push` and `pull` do without git. ENDPOINT is empty for a directory. The last two print
how many bytes they sent or received.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mlver.digest import Digest
from mlver.storage.local import LocalStore
from mlver.storage.remote.open import open_blobs
from mlver.storage.remote.team import BlobTeamStore

_LIST = "wanted.json"


def prepare(folder: Path, files: Sequence[Path]) -> None:
    """Store the contents of files, or of all files in a folder."""
    wanted = {}
    with LocalStore.open_in(folder / "mlver").open_deposit() as intake:
        for top in files:
            for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
                if path.is_file():
                    with path.open("rb") as file:
                        wanted[intake.put_object(file).hex] = path.stat().st_size
    (folder / _LIST).write_text(json.dumps(wanted))


def read_wanted(folder: Path) -> dict[Digest, int]:
    """What `prepare` has stored."""
    wanted = json.loads((folder / _LIST).read_text())
    return {Digest(hexadecimal): size for hexadecimal, size in wanted.items()}


def main(argv: Sequence[str]) -> None:
    doing, folder = argv[0], Path(argv[1])
    if doing == "prepare":
        prepare(folder, [Path(name) for name in argv[2:]])
        return
    wanted = read_wanted(folder)
    options = {"endpoint": argv[3], "region": "us-east-1"} if argv[3] else {}
    with tempfile.TemporaryDirectory() as cache:
        remote = BlobTeamStore(open_blobs(argv[2], options), Path(cache))
        if doing == "up":
            sent = remote.upload(LocalStore.open_in(folder / "mlver"), wanted)
            sys.stdout.write(f"{sent.bytes_sent}\n")
            return
        with LocalStore.open_in(Path(argv[4]) / "mlver").open_deposit() as intake:
            arrived = remote.download(wanted, intake)
        assert arrived.objects == len(wanted), arrived
        sys.stdout.write(f"{arrived.bytes_received}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
