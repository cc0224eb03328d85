"""YAML written deterministically: keys in the given order, block style, no line folded, no aliases,
UTF-8.

This writer is ours because digests depend on its bytes: records are encoded again when a merge is
resolved, and the digests compared, so the bytes of a document may not change with the version of a
library. What is written reads back the same through `strict.load_document` and through any YAML 1.1
or 1.2 reader.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from mlver.document.faults import MAX_DEPTH, Path, format_path
from mlver.document.scalar import MAX_DIGITS, SURROGATE, is_plain
from mlver.document.strict import MAX_BYTES
from mlver.errors import InvalidDocument

MAX_SIMPLE_KEY = 1000  # YAML readers look no further than 1,024 characters for a key's `:`.

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def dump_document(document: dict[str, Any], where: str = "the document") -> bytes:
    """Write the document's bytes.

    Raise InvalidDocument for what `strict.load_document` would refuse to read back.
    """
    if not document:
        return b"{}\n"
    lines = _YamlEmitter(where).emit_mapping(document, ())
    data = "".join(f"{line}\n" for line in lines).encode()
    if len(data) > MAX_BYTES:
        raise InvalidDocument(where, (f"{len(data)} bytes are too many: at most {MAX_BYTES}",))
    return data


class _YamlEmitter:
    def __init__(self, where: str) -> None:
        self.where = where

    def emit_mapping(self, mapping: dict[str, Any], path: Path) -> Iterator[str]:
        for key, item in mapping.items():
            item_path = (*path, key)
            if not isinstance(key, str):
                raise self.build_refusal(path, f"the key {key!r} is not text")
            name = self.write_text(key, item_path)
            if len(name) > MAX_SIMPLE_KEY:
                yield f"? {name}"
                name = ""
            if isinstance(item, dict | list) and item:
                yield f"{name}:"
                for line in self.emit_block(item, item_path):
                    yield _indent_line(line)
            else:
                first, *rest = self.emit_scalar(item, item_path)
                yield f"{name}: {first}"
                yield from rest

    def emit_sequence(self, sequence: list[Any], path: Path) -> Iterator[str]:
        for index, item in enumerate(sequence):
            item_path = (*path, index)
            if isinstance(item, dict | list) and item:
                first, *rest = self.emit_block(item, item_path)
                yield f"- {first}"
                for line in rest:
                    yield _indent_line(line)
            else:
                # The lines of a literal block are indented already.
                first, *rest = self.emit_scalar(item, item_path)
                yield f"- {first}"
                yield from rest

    def emit_block(self, collection: Any, path: Path) -> Iterator[str]:
        if len(path) >= MAX_DEPTH:
            raise self.build_refusal(path[:3], f"nested more than {MAX_DEPTH} deep")
        if isinstance(collection, dict):
            return self.emit_mapping(collection, path)
        return self.emit_sequence(collection, path)

    def emit_scalar(self, value: Any, path: Path) -> list[str]:
        """Write one line, or those of a literal block, whose first goes behind the key."""
        match value:
            case None:
                return ["null"]
            case bool():
                return ["true" if value else "false"]
            case dict():
                return ["{}"]
            case list():
                return ["[]"]
            case int():
                return [self.write_integer(value, path)]
            case float():
                return [self.write_float(value, path)]
            case str():
                return self.emit_literal(value) or [self.write_text(value, path)]
        raise self.build_refusal(
            path, f"a {type(value).__name__} cannot be written: use JSON types"
        )

    def write_integer(self, value: int, path: Path) -> str:
        # One digit less than the reader takes, for the sign.
        if abs(value) >= 10 ** (MAX_DIGITS - 1):
            reason = f"an integer of more than {MAX_DIGITS - 1} digits is too long"
            raise self.build_refusal(path, reason)
        return str(value)

    def write_float(self, value: float, path: Path) -> str:
        if not math.isfinite(value):
            raise self.build_refusal(path, f"{value} is not a finite number")
        text = repr(float(value))
        # A YAML 1.1 reader takes 1e-05 for text.
        if "e" in text and "." not in text:
            text = text.replace("e", ".0e")
        return text

    def write_text(self, text: str, path: Path) -> str:
        if is_plain(text):
            return text
        quoted = "".join(map(_escape_character, text))
        if SURROGATE.search(text):
            raise self.build_refusal(path, f"the text {quoted!r} is not Unicode")
        return f'"{quoted}"'

    def emit_literal(self, text: str) -> list[str]:
        """Write a text of several plain lines as a literal block (`|`).

        Nothing where that would not read back exactly.
        """
        lines = text.split("\n")
        mark = "|-"
        if not lines[-1]:
            mark = "|"
            lines.pop()
        if len(lines) < 2 or not lines[-1] or not lines[0] or lines[0][0] == " ":
            return []
        for line in lines:
            if not line.isprintable() or line != line.rstrip():
                return []
        return [mark, *map(_indent_line, lines)]

    def build_refusal(self, path: Path, reason: str) -> InvalidDocument:
        message = reason
        if path:
            message = f"{format_path(path)}: {reason}"
        return InvalidDocument(self.where, (message,))


def _indent_line(line: str) -> str:
    return "  " + line if line else line


def _escape_character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\U{code:08x}"
