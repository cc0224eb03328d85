"""Many stages that were moved many times: what an audit of everything, and of one stage, costs.

The first version and promotion are made by mlver. The others are those records with other names,
numbers and dates, each in a commit of its own and sealed by a tag, as mlver would make them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import landed, material
from tests.benchmarks.harness import Bench

STAGES = ("staging", "production")
_VERSIONS = 5
_MODEL = re.compile(rb"(?m)^model: .*$")


def moved_stages(bench: Bench, top: Path, models: int, moves: int) -> Path:
    """Make so many models, each of whose two stages was moved so many times."""
    material.project(bench, top)
    (top / "weights.bin").write_bytes(b"weights")
    told = ["--weights", "weights.bin", "--metric", "accuracy=0.9", "--version", "1.0.0"]
    bench.run([material.mlver(bench), "register", "m00", *told, "-m", "Better"], top)
    for stage in STAGES:
        promoting = ["promote", "m00@1.0.0", "--to", stage, "-m", "Better"]
        bench.run([material.mlver(bench), *promoting], top)
    return extend_moves(bench, top, models, moves)


def extend_moves(bench: Bench, top: Path, models: int, moves: int) -> Path:
    """Add the other versions and moves to a repository that has the first of each."""
    seconds = int(bench.run(["git", "log", "-1", "--format=%ct"], top))
    history = landed.HistoryStream(top, seconds, others=0)
    for path, data, tag, title in _list_records(history, models, moves):
        history.add_record(path, data, tag, title)
    bench.run(["git", "fast-import", "--quiet"], top, stdin=bytes(history.stream))
    bench.run(["git", "reset", "-q", "--hard"], top)
    bench.run(["git", "pack-refs", "--all"], top)
    return top


def _list_records(
    history: landed.HistoryStream, models: int, moves: int
) -> Iterator[tuple[str, bytes, str, str]]:
    """List versions and promotions after the first: path, bytes, tag and its title."""
    folder = history.top / ".mlver/models/m00"
    first = (folder / "versions/1.0.0.yaml").read_bytes()
    versions: dict[tuple[str, int], bytes] = {}
    for number in range(models):
        model = f"m{number:02d}"
        for minor in range(_VERSIONS):
            version = f"1.{minor}.0"
            record = first
            if (number, minor) != (0, 0):
                record = _rename(first, model)
                values = {b"version": _quote(version), b"created": history.tell_time()}
                record = landed.change_lines(record, values)
                path = f".mlver/models/{model}/versions/{version}.yaml"
                yield path, record, f"{model}@v{version}", f"{model} {version}"
            versions[model, minor] = record
    for stage in STAGES:
        promotion = (folder / f"stages/{stage}/0001.yaml").read_bytes()
        for number in range(models):
            model = f"m{number:02d}"
            chain = _Chain(model, stage, promotion, versions)
            yield from chain.list_moves(history, 1 if number else 2, moves)


def _rename(record: bytes, model: str) -> bytes:
    return _MODEL.sub(b"model: " + model.encode(), record, count=1)


def _quote(text: str) -> bytes:
    return f'"{text}"'.encode()


class _Chain:
    """The promotions of a stage, each to the next version in turn."""

    def __init__(
        self, model: str, stage: str, first: bytes, versions: dict[tuple[str, int], bytes]
    ) -> None:
        self._model = model
        self._stage = stage
        self._first = first
        self._versions = versions

    def list_moves(
        self, history: landed.HistoryStream, start: int, moves: int
    ) -> Iterator[tuple[str, bytes, str, str]]:
        before = self._first if start > 1 else None
        for sequence in range(start, moves + 1):
            minor = (sequence - 1) % _VERSIONS
            version = f"1.{minor}.0"
            promotion = self._build_move(sequence, before, history.tell_time())
            name = f".mlver/models/{self._model}/stages/{self._stage}/{sequence:04d}.yaml"
            tag = f"{self._model}@{self._stage}.{sequence}"
            title = f"{self._model} {version} {self._stage} {sequence}: promote"
            yield name, promotion, tag, title
            before = promotion

    def _build_move(self, sequence: int, before: bytes | None, created: bytes) -> bytes:
        minor = (sequence - 1) % _VERSIONS
        record = landed.digest_text(self._versions[self._model, minor])
        values = {
            b"sequence": str(sequence).encode(),
            b"version": _quote(f"1.{minor}.0"),
            b"created": created,
            b"record": record.encode(),
        }
        if before is not None:
            holder = f"1.{(minor - 1) % _VERSIONS}.0"
            held = landed.digest_text(self._versions[self._model, (minor - 1) % _VERSIONS])
            values[b"previous"] = _quote(holder)
            values[b"baseline"] = f'\n  version: "{holder}"\n  record: {held}'.encode()
            values[b"prior"] = landed.digest_text(before).encode()
        return landed.change_lines(_rename(before or self._first, self._model), values)
