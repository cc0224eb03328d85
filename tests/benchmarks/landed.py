"""A long history: versions and promotions that landed one by one among other commits, all sealed.

The first of each is made by mlver. The others are those records under another number, for making
10,000 takes an hour.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.harness import Bench

_STAGE = "production"
_PERSON = "Kim <kim@example.org>"
_LINE = re.compile(rb"(?m)^(\w+): .*$")


@dataclass(slots=True)
class HistoryStream:
    """A stream for `git fast-import`: one commit after another, a minute apart."""

    top: Path
    seconds: int
    others: int  # commits of other work before each record
    commits: int = 0
    stream: bytearray = field(default_factory=bytearray)

    def add_record(self, path: str, data: bytes, tag: str, title: str) -> None:
        """Add other work, a commit that lands a record, and the tag that seals it."""
        for _ in range(self.others):
            self._add_commit("train.py", b"print(%d)\n" % self.commits)
        self._add_commit(path, data)
        digest = hashlib.sha256(data).hexdigest()
        message = f"{title}\n\nBetter\n\nMlver-Record: sha256:{digest}\n".encode()
        self.stream += f"tag {tag}\nfrom :{self.commits}\n".encode()
        self.stream += f"tagger {_PERSON} {self.seconds} +0000\n".encode()
        self.stream += b"data %d\n%s\n" % (len(message), message)

    def tell_time(self) -> bytes:
        """Tell when the next record lands, as records spell it."""
        landed = datetime.fromtimestamp(self.seconds + 60 * (self.others + 1), UTC)
        return landed.strftime('"%Y-%m-%dT%H:%M:%SZ"').encode()

    def _add_commit(self, path: str, data: bytes) -> None:
        self.commits += 1
        self.seconds += 60
        self.stream += f"commit refs/heads/main\nmark :{self.commits}\n".encode()
        self.stream += f"committer {_PERSON} {self.seconds} +0000\ndata 5\nMore\n".encode()
        if self.commits == 1:
            self.stream += b"from refs/heads/main^0\n"
        self.stream += f"M 100644 inline {path}\n".encode()
        self.stream += b"data %d\n%s\n" % (len(data), data)


def landed_line(bench: Bench, top: Path, count: int, *, others: int = 5) -> Path:
    """One model of `count` records, half of them versions and half promotions to one stage.

    Each is sealed, and there are so many other commits before each.
    """
    material.project(bench, top)
    (top / "weights.bin").write_bytes(b"weights")
    told = ["--weights", "weights.bin", "--metric", "accuracy=0.9", "--version", "0.0.0"]
    bench.run([material.mlver(bench), "register", material.MODEL, *told, "-m", "Better"], top)
    promoting = ["promote", f"{material.MODEL}@0.0.0", "--to", _STAGE, "-m", "Better"]
    bench.run([material.mlver(bench), *promoting], top)
    seconds = int(bench.run(["git", "log", "-1", "--format=%ct"], top))
    history = HistoryStream(top, seconds, others)
    for path, data, tag, title in _list_records(history, count // 2):
        history.add_record(path, data, tag, title)
    bench.run(["git", "fast-import", "--quiet"], top, stdin=bytes(history.stream))
    bench.run(["git", "reset", "-q", "--hard"], top)
    bench.run(["git", "pack-refs", "--all"], top)
    return top


def _list_records(history: HistoryStream, count: int) -> Iterator[tuple[str, bytes, str, str]]:
    """List so many versions and promotions after the first: path, bytes, tag and its title."""
    folder = f".mlver/models/{material.MODEL}"
    first = (history.top / f"{folder}/versions/0.0.0.yaml").read_bytes()
    promotion = (history.top / f"{folder}/stages/{_STAGE}/0001.yaml").read_bytes()
    before, holder, holder_digest = promotion, "0.0.0", digest_text(first)
    for number in range(1, count):
        version = f"{number // 1000}.{number // 10 % 100}.{number % 10}"
        text = f'"{version}"'.encode()
        record = change_lines(first, {b"version": text, b"created": history.tell_time()})
        title = f"{material.MODEL} {version}"
        yield f"{folder}/versions/{version}.yaml", record, f"{material.MODEL}@v{version}", title
        sequence = number + 1
        holding = f'\n  version: "{holder}"\n  record: {holder_digest}'
        promotion = change_lines(
            before,
            {
                b"sequence": str(sequence).encode(),
                b"version": text,
                b"previous": f'"{holder}"'.encode(),
                b"created": history.tell_time(),
                b"baseline": holding.encode(),
                b"record": digest_text(record).encode(),
                b"prior": digest_text(before).encode(),
            },
        )
        tag = f"{material.MODEL}@{_STAGE}.{sequence}"
        title += f" {_STAGE} {sequence}: promote"
        yield f"{folder}/stages/{_STAGE}/{sequence:04d}.yaml", promotion, tag, title
        before, holder, holder_digest = promotion, version, digest_text(record)


def change_lines(record: bytes, values: dict[bytes, bytes]) -> bytes:
    """Give keys of the record itself, not of its parts, other values."""
    # what follows a key of that name with an indent is its old value
    joined = re.sub(rb"(?m)^(baseline):\n(  .*\n)*", rb"\1: null\n", record)

    def change_line(match: re.Match[bytes]) -> bytes:
        key = match[1]
        if key not in values:
            return match[0]
        value = values[key]
        return key + (b":" if value.startswith(b"\n") else b": ") + value

    return _LINE.sub(change_line, joined)


def digest_text(data: bytes) -> str:
    return f'"sha256:{hashlib.sha256(data).hexdigest()}"'
