"""What other tools leave in a repository, and what `adopt` leaves of it."""

from __future__ import annotations

import hashlib

from tests.cli.results import read_document
from tests.conftest import CommandOutcome, Repository


def sha256(data: str) -> str:
    return f"sha256:{hashlib.sha256(data.encode()).hexdigest()}"


def md5(data: str) -> str:
    return hashlib.md5(data.encode(), usedforsecurity=False).hexdigest()


def tagged(repository: Repository, *names: str) -> None:
    for name in names:
        repository.git("tag", "--annotate", "--message", f"Says {name}", "--", name)


def cached(repository: Repository, data: str, suffix: str = "") -> str:
    """Bytes in DVC's cache, laid out as DVC 3 does; their MD5."""
    name = md5(data)
    repository.write(f".dvc/cache/files/md5/{name[:2]}/{name[2:]}{suffix}", data)
    return name + suffix


def pointer(path: str, data: str, version: int = 3) -> str:
    """What `dvc add` writes."""
    mark = "  hash: md5\n" if version == 3 else ""
    return f"outs:\n- md5: {md5(data)}\n  size: {len(data)}\n{mark}  path: {path}\n"


def left(outcome: CommandOutcome) -> dict[str, str]:
    assert outcome.code == 1
    return {one["subject"]: one["message"] for one in read_document(outcome, "adopt")["left"]}


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
