"""A person's own file changed as little as can be: comments, order and spacing stay where nothing
changes.

The text is edited line by line, and the outcome is read back: where that is not exactly what was
wanted (a layout that this module does not know), the file is written again below the comments it
begins with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlver.document import codec, emit, strict
from mlver.document.faults import Path
from mlver.document.schema import Kind
from mlver.errors import InvalidDocument

_REMARK = re.compile(r"""\s+#[^"']*$""")


def amend_document(kind: Kind, data: bytes | None, wanted: dict[str, Any]) -> bytes:
    """Change the document in `data` to say what `wanted` says.

    Raise InvalidDocument when that is no document of this kind.

    A file that is missing (None) or cannot be read is written whole. What the schema takes for
    granted is not spelt out.
    """
    fresh = codec.encode_document(kind, wanted)
    if data is None:
        return fresh
    try:
        old = codec.decode_document(kind, data, "the old settings")
    except InvalidDocument:
        return fresh
    spared = _omit_defaults(old, wanted)
    edited = _parse_text(data, old).apply_changes(spared)
    if _reads_as(kind, edited, spared):
        return edited
    heading = "".join(_read_heading(data.decode()))
    headed = heading.encode() + fresh
    if _reads_as(kind, headed, wanted):
        return headed
    return fresh


def _reads_as(kind: Kind, data: bytes, wanted: dict[str, Any]) -> bool:
    try:
        document = codec.decode_document(kind, data, "the new settings")
    except InvalidDocument:
        return False
    return _write_exactly(document) == _write_exactly(wanted)


def _write_exactly(value: Any) -> str:
    """Write a value so that only equal values of equal types are alike: 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True)


def _omit_defaults(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Leave out `stored: true` where the person left it out: it is the schema's default."""
    spared: dict[str, Any] = {}
    for key, value in new.items():
        if key == "stored" and value is True and key not in old:
            continue
        old_value = old.get(key)
        if isinstance(value, dict) and isinstance(old_value, dict):
            spared[key] = _omit_defaults(old_value, value)
        else:
            spared[key] = value
    return spared


def _read_heading(text: str) -> Iterator[str]:
    """Yield the blank lines and comments that a text begins with."""
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.startswith("#"):
            return
        yield line


class _LineChange(NamedTuple):
    """Lines from `first` up to, and without, `end` become `lines`."""

    first: int
    end: int
    lines: list[str]


@dataclass(frozen=True, slots=True)
class _EditedText:
    """The lines of a document, and which of them each key of its maps has.

    A key's value begins in the line `first_lines` and ends before the line `end_lines`.
    """

    document: dict[str, Any]
    lines: list[str]
    first_lines: dict[Path, int]
    end_lines: dict[Path, int]

    def apply_changes(self, wanted: dict[str, Any]) -> bytes:
        changes = list(self._list_changes(self.document, wanted, (), ""))
        # From the bottom up, so that line numbers stay right; insertions at one line in reverse,
        # too.
        changes.sort(key=lambda change: change.first)
        lines = list(self.lines)
        for change in reversed(changes):
            lines[change.first : change.end] = change.lines
        return "".join(f"{line}\n" for line in lines).encode()

    def _list_changes(
        self, old: dict[str, Any], new: dict[str, Any], path: Path, indent: str
    ) -> Iterator[_LineChange]:
        for key, value in old.items():
            key_path = (*path, key)
            if key not in new:
                yield _LineChange(self.first_lines[key_path], self.end_lines[key_path], [])
            elif _write_exactly(value) != _write_exactly(new[key]):
                yield from self._change_value(value, new[key], key_path, indent)
        end = 0
        if path:
            end = self.first_lines[path] + 1
        for key, value in new.items():
            if key in old:
                end = self.end_lines[(*path, key)]
                continue
            if isinstance(value, dict) and self._is_last(path, end):
                # Below the comments at the end: they may be about the section before.
                end = len(self.lines)
            yield _LineChange(end, end, _emit_lines(key, value, indent))

    def _is_last(self, path: Path, end: int) -> bool:
        """Say whether nothing but comments follows a line, for a key of the document itself."""
        return not path and all(first < end for first in self.first_lines.values())

    def _change_value(self, old: Any, new: Any, path: Path, indent: str) -> Iterator[_LineChange]:
        first = self.first_lines[path]
        end = self.end_lines[path]
        inner_first = first
        if isinstance(old, dict) and old:
            inner_first = self.first_lines[(*path, next(iter(old)))]
        if isinstance(new, dict) and new and inner_first > first:
            line = self.lines[inner_first]
            inner_indent = line[: len(line) - len(line.lstrip())]
            yield from self._list_changes(old, new, path, inner_indent)
            return
        lines = _emit_lines(str(path[-1]), new, indent)
        remark = _REMARK.search(self.lines[first])
        if remark and end == first + 1:
            lines[0] += remark[0]
        yield _LineChange(first, end, lines)


def _parse_text(data: bytes, document: dict[str, Any]) -> _EditedText:
    """Find the lines of each key in the text of a document."""
    lines = data.decode().removesuffix("\n").split("\n")
    positions = strict.LineIndex(data)
    paths = list(_list_keys(document, ()))
    first_lines: dict[Path, int] = {}
    for path in paths:
        first_lines[path] = positions.find_line(path) - 1
    end_lines: dict[Path, int] = {}
    for index, path in enumerate(paths):
        limit = len(lines)
        # The paths are in the order of the text: the first that lies outside follows the value.
        for other in paths[index + 1 :]:
            if other[: len(path)] != path:
                limit = first_lines[other]
                break
        end_lines[path] = _find_end(lines, first_lines[path], limit)
    return _EditedText(document, lines, first_lines, end_lines)


def _find_end(lines: Sequence[str], first: int, limit: int) -> int:
    """Find the line behind a value that begins in the line `first` and ends before `limit`.

    Comments and blank lines at its end belong to the next key.
    """
    end = limit
    while end > first + 1:
        line = lines[end - 1].strip()
        if line and not line.startswith("#"):
            break
        end -= 1
    return end


def _emit_lines(key: str, value: Any, indent: str) -> list[str]:
    lines: list[str] = []
    for line in emit.dump_document({key: value}).decode().split("\n")[:-1]:
        lines.append(indent + line if line else line)
    return lines


def _list_keys(document: dict[str, Any], path: Path) -> Iterator[Path]:
    """Yield the path of every key of every map, in the order of the text.

    Lists are values like any other.
    """
    for key, value in document.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from _list_keys(value, (*path, key))
