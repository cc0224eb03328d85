"""YAML read strictly: judged on the event stream, before anything is built.

Refused: more than MAX_BYTES or MAX_DEPTH, bytes that are not UTF-8, directives, a second document,
anchors, aliases, tags, duplicate keys, keys that are not text, numbers that are not finite. All
faults are gathered, up to MAX_FAULTS; a syntax error or too deep a nesting ends the reading.

Records are read so. In people's own files, aliases and keys that are not text are read as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlver.document.faults import Path, format_fault
from mlver.errors import InvalidDocument

if TYPE_CHECKING:
    from mlver.document.event_reader import EventReader

MAX_BYTES = 4 * 1024 * 1024

# libyaml compares each %TAG with all before it, in one call: directives are refused before it sees
# them.
_DIRECTIVE = re.compile("(?:^|[\n\r\x85\u2028\u2029])\ufeff?%")
# All but YAML's printable characters (1.2.2, section 5.1), because libyaml and PyYAML let different
# ones through. Listed, and not negated: a negated class takes ten times as long to compile, in
# every process.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


class LineIndex:
    """The line of each key path of a document.

    They come from reading it again: only a faulty document ever needs them.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._lines: dict[Path, int] | None = None

    def find_line(self, path: Path) -> int:
        """Find the line of the key or item at `path`, or of the nearest around it, from 1."""
        if self._lines is None:
            reader = _open_reader(self._data, keeps_lines=True)
            reader.read_stream()
            self._lines = {(): 1, **reader.lines}
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    value: Any
    lines: LineIndex


def load_document(data: bytes, where: str) -> ParsedDocument:
    """Read one document; raise InvalidDocument, naming `where`, with every fault and its line."""
    _check_text(data, where)
    reader = _open_reader(data, keeps_lines=False)
    value = reader.read_stream()
    if reader.faults:
        raise InvalidDocument(where, tuple(reader.faults))
    return ParsedDocument(value, LineIndex(data))


def load_with_aliases(data: bytes, where: str, *, finite: bool = True) -> Any:
    """Read one document of somebody's own, in which aliases stand for copies: see `AliasReader`.

    Unless `finite`, numbers may be infinities and NaN.

    Raise InvalidDocument as `load_document` does.
    """
    _check_text(data, where)
    from mlver.document.event_reader import AliasReader

    reader = AliasReader(data, keeps_lines=False, finite=finite, budget=MAX_BYTES)
    value = reader.read_stream()
    if reader.faults:
        raise InvalidDocument(where, tuple(reader.faults))
    return value


def _check_text(data: bytes, where: str) -> None:
    message = _find_byte_fault(data)
    if message is None:
        message = _find_text_fault(data.decode())
    if message is not None:
        raise InvalidDocument(where, (message,))


def _open_reader(data: bytes, *, keeps_lines: bool) -> EventReader:
    # Imported here: yaml costs some 70 ms, which a `list` of records read before does without.
    from mlver.document.event_reader import EventReader

    return EventReader(data, keeps_lines)


def decode_text(data: bytes, where: str) -> str:
    """Decode the bytes as text, without a byte-order mark.

    Raise InvalidDocument for too many bytes, or for bytes that are not UTF-8.
    """
    message = _find_byte_fault(data)
    if message is not None:
        raise InvalidDocument(where, (message,))
    return data.decode("utf-8-sig")


def _find_byte_fault(data: bytes) -> str | None:
    if len(data) > MAX_BYTES:
        return f"{len(data)} bytes are too many: at most {MAX_BYTES}"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return format_fault(line, (), f"byte 0x{data[error.start]:02x} is not UTF-8")
    return None


def _find_text_fault(text: str) -> str | None:
    control = "a control character: write it as an escape, in double quotes"
    directive = "a line cannot begin with `%`: YAML directives are refused"
    for refused, message in ((_CONTROL, control), (_DIRECTIVE, directive)):
        refusal = refused.search(text)
        if refusal is not None:
            line = text.count("\n", 0, refusal.end()) + 1
            return format_fault(line, (), message)
    return None
