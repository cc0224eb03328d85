"""YAML written deterministically: keys in the given order, block style, no line ever folded, no aliases, UTF-8.

What is written reads back the same through `strict.load` and through any YAML 1.1 or 1.2 reader.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from mlver.document.faults import MAX_DEPTH, Path, dotted
from mlver.document.scalar import MAX_DIGITS, SURROGATE, is_plain
from mlver.document.strict import MAX_BYTES
from mlver.errors import InvalidDocument

MAX_SIMPLE_KEY = 1000  # YAML readers look no further than 1,024 characters for a key's `:`.

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def dump(document: dict[str, Any], where: str = "the document") -> bytes:
    """The document's bytes; raise InvalidDocument for what `strict.load` would refuse to read back."""
    if not document:
        return b"{}\n"
    data = "".join(f"{line}\n" for line in _Emitter(where).mapping(document, ())).encode()
    if len(data) > MAX_BYTES:
        raise InvalidDocument(where, (f"{len(data)} bytes are too many: at most {MAX_BYTES}",))
    return data


class _Emitter:
    def __init__(self, where: str) -> None:
        self.where = where

    def mapping(self, value: dict[str, Any], path: Path) -> Iterator[str]:
        for key, item in value.items():
            here = (*path, key)
            if not isinstance(key, str):
                raise self.refusal(path, f"the key {key!r} is not text")
            name = self.text(key, here)
            if len(name) > MAX_SIMPLE_KEY:
                yield f"? {name}"
                name = ""
            if isinstance(item, dict | list) and item:
                yield f"{name}:"
                yield from ("  " + line if line else line for line in self.block(item, here))
            else:
                first, *rest = self.scalar(item, here)
                yield f"{name}: {first}"
                yield from rest

    def sequence(self, value: list[Any], path: Path) -> Iterator[str]:
        for index, item in enumerate(value):
            here = (*path, index)
            nested = isinstance(item, dict | list) and item
            first, *rest = self.block(item, here) if nested else self.scalar(item, here)
            yield f"- {first}"
            yield from ("  " + line if nested and line else line for line in rest)

    def block(self, value: Any, path: Path) -> Iterator[str]:
        if len(path) >= MAX_DEPTH:
            raise self.refusal(path[:3], f"nested more than {MAX_DEPTH} deep")
        return self.mapping(value, path) if isinstance(value, dict) else self.sequence(value, path)

    def scalar(self, value: Any, path: Path) -> list[str]:
        """The lines of a scalar: one, or those of a literal block, whose first goes behind the key."""
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
                if abs(value) >= 10 ** (MAX_DIGITS - 1):
                    raise self.refusal(
                        path, f"an integer of more than {MAX_DIGITS - 1} digits is too long"
                    )
                return [str(value)]
            case float():
                return [self.number(value, path)]
            case str():
                return self.literal(value) or [self.text(value, path)]
        raise self.refusal(path, f"a {type(value).__name__} cannot be written: use JSON types")

    def number(self, value: float, path: Path) -> str:
        if not math.isfinite(value):
            raise self.refusal(path, f"{value} is not a finite number")
        text = repr(float(value))
        if "e" in text and "." not in text:  # a YAML 1.1 reader takes 1e-05 for text
            text = text.replace("e", ".0e")
        return text

    def text(self, value: str, path: Path) -> str:
        if is_plain(value):
            return value
        quoted = "".join(_escaped(character) for character in value)
        if SURROGATE.search(value):
            raise self.refusal(path, f"the text {quoted!r} is not Unicode")
        return f'"{quoted}"'

    def literal(self, value: str) -> list[str]:
        """A text of several plain lines as a literal block (`|`); nothing where that would not read back exactly."""
        lines = value.split("\n")
        mark = "|-" if lines[-1] else "|"
        if not lines[-1]:
            lines.pop()
        tidy = all(line.isprintable() and line == line.rstrip() for line in lines)
        if len(lines) < 2 or not tidy or not lines[-1] or not lines[0] or lines[0][0] == " ":
            return []
        return [mark, *("  " + line if line else "" for line in lines)]

    def refusal(self, path: Path, message: str) -> InvalidDocument:
        return InvalidDocument(self.where, (f"{dotted(path)}: {message}" if path else message,))


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    point = ord(character)
    return (
        f"\\x{point:02x}"
        if point < 0x100
        else f"\\u{point:04x}"
        if point < 0x10000
        else f"\\U{point:08x}"
    )
