"""A person's own file changed as little as can be: their comments, order and spacing stay where nothing changes.

The text is edited line by line, and what came of it is read back: where that is not exactly what was wanted (a layout
this does not know), the file is written anew below the comments it begins with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from mlver.document import codec, emit, strict
from mlver.document.faults import Path
from mlver.document.schema import Kind
from mlver.errors import InvalidDocument

_REMARK = re.compile(r"""\s+#[^"']*$""")


def amend(kind: Kind, data: bytes | None, wanted: dict[str, Any]) -> bytes:
    """`data` with what `wanted` says instead; raise InvalidDocument when that is no document of this kind.

    None, or bytes that cannot be read, are written anew. What the schema takes for granted is not spelt out.
    """
    fresh = codec.encode(kind, wanted)
    if data is None:
        return fresh
    try:
        old = codec.decode(kind, data, "the old settings")
    except InvalidDocument:
        return fresh
    aim = _spared(old, wanted)
    headed = "".join(_heading(data.decode())).encode() + fresh
    for candidate, meant in ((_Text(data, old).changed(aim), aim), (headed, wanted)):
        if _says(kind, candidate, meant):
            return candidate
    return fresh


def _says(kind: Kind, data: bytes, wanted: dict[str, Any]) -> bool:
    try:
        return _exactly(codec.decode(kind, data, "the new settings")) == _exactly(wanted)
    except InvalidDocument:
        return False


def _exactly(value: Any) -> str:
    """Equal only for equal values of equal types: 1, 1.0 and true are three."""
    return json.dumps(value, sort_keys=True)


def _spared(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """`new` without `stored: true` where the person left that out: it is what the schema says of it."""
    return {
        key: _spared(old[key], value)
        if isinstance(value, dict) and isinstance(old.get(key), dict)
        else value
        for key, value in new.items()
        if not (key == "stored" and value is True and key not in old)
    }


def _heading(text: str) -> Iterator[str]:
    """The blank lines and comments a text begins with."""
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.startswith("#"):
            return
        yield line


class _Change(NamedTuple):
    """Lines `first` up to, and without, `end` become `lines`."""

    first: int
    end: int
    lines: list[str]


class _Text:
    """The lines of a document, and which of them each key of its maps has."""

    def __init__(self, data: bytes, document: dict[str, Any]) -> None:
        self.document = document
        self.lines = data.decode().split("\n")
        if not self.lines[-1]:
            self.lines.pop()
        told = strict.Lines(data)
        keys = list(_keys(document, ()))
        self._first = {path: told.of(path) - 1 for path in keys}
        self._end = {path: self._end_of(path, keys[at + 1 :]) for at, path in enumerate(keys)}

    def _end_of(self, path: Path, following: list[Path]) -> int:
        """Behind the last line of a key's value: comments and blank lines below that are the next key's."""
        after = next((other for other in following if other[: len(path)] != path), None)
        end = len(self.lines) if after is None else self._first[after]
        while end > self._first[path] + 1 and (
            not (line := self.lines[end - 1].strip()) or line.startswith("#")
        ):
            end -= 1
        return end

    def changed(self, wanted: dict[str, Any]) -> bytes:
        lines = list(self.lines)
        changes = list(self._changes(self.document, wanted, (), ""))
        for _, change in sorted(
            enumerate(changes), key=lambda item: (item[1].first, item[0]), reverse=True
        ):
            lines[change.first : change.end] = change.lines
        return "".join(f"{line}\n" for line in lines).encode()

    def _changes(
        self, old: dict[str, Any], new: dict[str, Any], path: Path, indent: str
    ) -> Iterator[_Change]:
        for key, value in old.items():
            here = (*path, key)
            if key not in new:
                yield _Change(self._first[here], self._end[here], [])
            elif _exactly(value) != _exactly(new[key]):
                yield from self._change(value, new[key], here, indent)
        end = self._first[path] + 1 if path else 0
        for key, value in new.items():
            if key in old:
                end = self._end[(*path, key)]
            else:
                yield _Change(end, end, _emitted(key, value, indent))

    def _change(self, old: Any, new: Any, path: Path, indent: str) -> Iterator[_Change]:
        first, end = self._first[path], self._end[path]
        inner = self._first[(*path, next(iter(old)))] if isinstance(old, dict) and old else first
        if isinstance(new, dict) and new and inner > first:
            line = self.lines[inner]
            yield from self._changes(old, new, path, line[: len(line) - len(line.lstrip())])
            return
        lines = _emitted(str(path[-1]), new, indent)
        remark = _REMARK.search(self.lines[first])
        if remark and end == first + 1:
            lines[0] += remark[0]
        yield _Change(first, end, lines)


def _emitted(key: str, value: Any, indent: str) -> list[str]:
    return [
        indent + line if line else line
        for line in emit.dump({key: value}).decode().split("\n")[:-1]
    ]


def _keys(document: dict[str, Any], path: Path) -> Iterator[Path]:
    """Every key of every map, in the order of the text; lists are values like any other."""
    for key, value in document.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from _keys(value, (*path, key))
