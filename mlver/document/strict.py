"""YAML read strictly: judged on the event stream, before anything is built.

Refused: more than MAX_BYTES or MAX_DEPTH, bytes that are not UTF-8, directives, a second document,
anchors, aliases, tags, duplicate keys, keys that are not text, numbers that are not finite. All
faults are gathered, up to MAX_FAULTS; a syntax error or too deep a nesting ends the reading. The
only importer of yaml, and only when something is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from mlver.document.faults import (
    MAX_DEPTH,
    MAX_FAULTS,
    Path,
    explain_syntax,
    format_fault,
    shorten_text,
)
from mlver.document.scalar import SURROGATE, BadNumber, resolve_word
from mlver.errors import InvalidDocument

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

    PlacedFault by reading it again: only a faulty document ever needs them.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._lines: dict[Path, int] | None = None

    def find_line(self, path: Path) -> int:
        """The line of the key or item at `path`, or of the nearest around it, from 1."""
        if self._lines is None:
            reader = _StrictReader(self._data, keeps_lines=True)
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
    reader = _StrictReader(data)
    value = reader.read_stream()
    if reader.faults:
        raise InvalidDocument(where, tuple(reader.faults))
    return ParsedDocument(value, LineIndex(data))


def decode_text(data: bytes, where: str) -> str:
    """The bytes as text, without a byte-order mark.

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


class _StopReading(Exception):
    """Nothing after this point can be judged."""


@dataclass(slots=True)
class _StrictReader:
    """One pass over the events: `faults`, and `lines` where they are kept, are outcomes beside the
    value.

    Events are typed Any: yaml is imported only when a document is read.
    """

    data: bytes
    keeps_lines: bool = False
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    next_event: Callable[[], Any] = field(init=False)
    yaml: Any = field(init=False)

    def read_stream(self) -> Any:
        message = _find_byte_fault(self.data) or _find_text_fault(self.data.decode())
        if message is not None:
            self.faults.append(message)
            return None
        import yaml

        self.yaml = yaml
        # The same events either way; without libyaml about ten times slower.
        loader: Any = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
        try:
            self.next_event = loader(self.data).get_event
            return self.read_document()
        except yaml.YAMLError as error:
            self.faults.append(explain_syntax(error))
        except _StopReading:
            pass
        return None

    def read_document(self) -> Any:
        self.next_event()  # the stream's start
        start = self.next_event()
        if type(start) is self.yaml.StreamEndEvent:
            self.stop_reading(start, (), "the file is empty")
        value = self.read_node(self.next_event(), ())
        self.next_event()  # the document's end
        following = self.next_event()
        if type(following) is not self.yaml.StreamEndEvent:
            self.stop_reading(following, (), "a second document begins: one file holds one")
        return value

    def read_node(self, event: Any, path: Path) -> Any:
        """A map, a list, or None in the place of an alias; scalars mostly take a shorter way."""
        kind = type(event)
        if kind is self.yaml.ScalarEvent:
            return self.read_scalar(event, path)
        if event.anchor is not None:
            self.refuse_anchor(event, path)
        if kind is self.yaml.AliasEvent:
            return None
        if event.tag is not None:
            self.refuse_tag(event, path)
        if len(path) >= MAX_DEPTH:
            self.stop_reading(event, path[:3], f"nested more than {MAX_DEPTH} deep")
        if kind is self.yaml.MappingStartEvent:
            return self.read_mapping(path)
        return self.read_sequence(path)

    def read_mapping(self, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        # In locals, because this loop takes most of the time of reading a document.
        scalar_event = self.yaml.ScalarEvent
        end_event = self.yaml.MappingEndEvent
        next_event = self.next_event
        keeps_lines = self.keeps_lines
        while type(event := next_event()) is not end_event:
            key = self.read_key(event, path)
            if key in mapping:
                self.add_fault(event, (*path, key), "given twice in the same map")
            if keeps_lines:
                self.lines.setdefault((*path, key), event.start_mark.line + 1)
            value_event = next_event()
            if type(value_event) is scalar_event:
                mapping[key] = self.read_scalar(value_event, path, key)
            else:
                mapping[key] = self.read_node(value_event, (*path, key))
        return mapping

    def read_sequence(self, path: Path) -> list[Any]:
        sequence: list[Any] = []
        end_event = self.yaml.SequenceEndEvent
        while type(event := self.next_event()) is not end_event:
            item_path = (*path, len(sequence))
            if self.keeps_lines:
                self.lines[item_path] = event.start_mark.line + 1
            sequence.append(self.read_node(event, item_path))
        return sequence

    def read_key(self, event: Any, path: Path) -> str:
        if type(event) is self.yaml.AliasEvent:
            self.refuse_anchor(event, path)
            return ""
        if type(event) is not self.yaml.ScalarEvent:
            self.add_fault(event, path, "a key is a map or a list: keys are text")
            self.read_node(event, (*path, "?"))
            return ""
        key = self.read_scalar(event, path)
        if type(key) is not str:
            shown = shorten_text(event.value)
            self.add_fault(event, path, f"the key `{shown}` is not text: write it in quotes")
            return str(event.value)
        return key

    def read_scalar(self, event: Any, path: Path, key: str | None = None) -> Any:
        """The value of a scalar; `key` is the last part of its path, which only a fault puts
        together.
        """
        if event.anchor is not None:
            self.refuse_anchor(event, _join_path(path, key))
        if event.tag is not None:
            self.refuse_tag(event, _join_path(path, key))
        if not event.implicit[0]:
            if SURROGATE.search(event.value):
                self.add_fault(
                    event, _join_path(path, key), "an escape that is no Unicode character"
                )
            return event.value
        try:
            return resolve_word(event.value)
        except BadNumber as error:
            self.add_fault(event, _join_path(path, key), str(error))
            return 0

    def refuse_anchor(self, event: Any, path: Path) -> None:
        mark = "*" if type(event) is self.yaml.AliasEvent else "&"
        name = f"{mark}{shorten_text(event.anchor)}"
        self.add_fault(event, path, f"`{name}`: anchors and aliases are refused")

    def refuse_tag(self, event: Any, path: Path) -> None:
        self.add_fault(event, path, f"the tag `{shorten_text(event.tag)}` is refused: leave it out")

    def add_fault(self, event: Any, path: Path, message: str) -> None:
        self.faults.append(format_fault(event.start_mark.line + 1, path, message))
        if len(self.faults) >= MAX_FAULTS:
            self.faults.append("and more: the reading stopped here")
            raise _StopReading

    def stop_reading(self, event: Any, path: Path, message: str) -> NoReturn:
        self.add_fault(event, path, message)
        raise _StopReading


def _join_path(path: Path, key: str | None) -> Path:
    return path if key is None else (*path, key)
