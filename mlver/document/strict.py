"""YAML read strictly: judged on the event stream, before anything is built.

Refused: more than MAX_BYTES or MAX_DEPTH, bytes that are not UTF-8, directives, a second document, anchors, aliases,
tags, duplicate keys, keys that are not text, numbers that are not finite. All faults are gathered, up to MAX_FAULTS;
a syntax error or too deep a nesting ends the reading. The only importer of yaml, and only when something is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from mlver.document.faults import MAX_DEPTH, MAX_FAULTS, Path, fault, plain_words, shorten
from mlver.document.scalar import SURROGATE, BadNumber, resolve
from mlver.errors import InvalidDocument

MAX_BYTES = 4 * 1024 * 1024

# libyaml compares each %TAG with all before it, in one call, so directives are refused before it sees them.
_DIRECTIVE = re.compile("(?:^|[\n\r\x85\u2028\u2029])\ufeff?%")
# All but YAML's printable characters (1.2.2, section 5.1): libyaml and PyYAML differ in what they let through.
# Listed, and not what they are all but: that takes ten times as long to compile, in every process.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


class Lines:
    """The line of each key path of a document, found by reading it again: only a faulty document ever needs them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._lines: dict[Path, int] | None = None

    def of(self, path: Path) -> int:
        """The line of the key or item at `path`, or of the nearest thing around it; lines count from 1."""
        if self._lines is None:
            self._lines = {(): 1}
            _Reader(self._data, self._lines).read()
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]


@dataclass(frozen=True, slots=True)
class Parsed:
    value: Any
    lines: Lines


def load(data: bytes, where: str) -> Parsed:
    """Read one document; raise InvalidDocument, naming `where`, with every fault and its line."""
    reader = _Reader(data)
    value = reader.read()
    if reader.faults:
        raise InvalidDocument(where, tuple(reader.faults))
    return Parsed(value, Lines(data))


def decode_text(data: bytes, where: str) -> str:
    """The bytes as text, without a byte-order mark; raise InvalidDocument for too many bytes or bytes not UTF-8."""
    wrong = _byte_fault(data)
    if wrong is not None:
        raise InvalidDocument(where, (wrong,))
    return data.decode("utf-8-sig")


def _byte_fault(data: bytes) -> str | None:
    if len(data) > MAX_BYTES:
        return f"{len(data)} bytes are too many: at most {MAX_BYTES}"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return fault(
            data.count(b"\n", 0, error.start) + 1,
            (),
            f"byte 0x{data[error.start]:02x} is not UTF-8",
        )
    return None


def _text_fault(text: str) -> str | None:
    for refused, message in (
        (_CONTROL, "a control character: write it as an escape, in double quotes"),
        (_DIRECTIVE, "a line cannot begin with `%`: YAML directives are refused"),
    ):
        if found := refused.search(text):
            return fault(text.count("\n", 0, found.end()) + 1, (), message)
    return None


class _Stop(Exception):
    """Nothing after this point can be judged."""


@dataclass(slots=True)
class _Reader:
    """One pass over the events. `lines` is filled in where given; `faults` is the outcome beside the value.

    Events are typed Any: yaml is imported only when a document is read.
    """

    data: bytes
    lines: dict[Path, int] | None = None
    faults: list[str] = field(default_factory=list)
    next: Callable[[], Any] = field(init=False)
    yaml: Any = field(init=False)

    def read(self) -> Any:
        wrong = _byte_fault(self.data) or _text_fault(self.data.decode())
        if wrong is not None:
            self.faults.append(wrong)
            return None
        import yaml

        self.yaml = yaml
        try:
            # The same events either way; without libyaml about ten times slower.
            self.next = (yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader)(
                self.data
            ).get_event
            return self._document()
        except yaml.YAMLError as error:
            self.faults.append(plain_words(error))
        except _Stop:
            pass
        return None

    def _document(self) -> Any:
        self.next()  # the stream's start
        start = self.next()
        if type(start) is self.yaml.StreamEndEvent:
            self._stop(start, (), "the file is empty")
        value = self._node(self.next(), ())
        self.next()  # the document's end
        after = self.next()
        if type(after) is not self.yaml.StreamEndEvent:
            self._stop(after, (), "a second document begins: one file holds one")
        return value

    def _node(self, event: Any, path: Path) -> Any:
        """A map, a list, or None in the place of an alias; scalars take the shorter way."""
        kind = type(event)
        if kind is self.yaml.ScalarEvent:
            return self._scalar(event, path)
        if event.anchor is not None:
            self._refuse_anchor(event, path)
        if kind is self.yaml.AliasEvent:
            return None
        if event.tag is not None:
            self._refuse_tag(event, path)
        if len(path) >= MAX_DEPTH:
            self._stop(event, path[:3], f"nested more than {MAX_DEPTH} deep")
        return self._mapping(path) if kind is self.yaml.MappingStartEvent else self._sequence(path)

    def _mapping(self, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        scalar, end, lines = self.yaml.ScalarEvent, self.yaml.MappingEndEvent, self.lines
        while type(event := self.next()) is not end:
            key = self._key(event, path)
            if key in built:
                self._fault(event, (*path, key), "given twice in the same map")
            if lines is not None:
                lines.setdefault((*path, key), event.start_mark.line + 1)
            value = self.next()
            built[key] = (
                self._scalar(value, path, key)
                if type(value) is scalar
                else self._node(value, (*path, key))
            )
        return built

    def _sequence(self, path: Path) -> list[Any]:
        built: list[Any] = []
        end, lines = self.yaml.SequenceEndEvent, self.lines
        while type(event := self.next()) is not end:
            here = (*path, len(built))
            if lines is not None:
                lines[here] = event.start_mark.line + 1
            built.append(self._node(event, here))
        return built

    def _key(self, event: Any, path: Path) -> str:
        if type(event) is not self.yaml.ScalarEvent:
            if type(event) is self.yaml.AliasEvent:
                self._refuse_anchor(event, path)
            else:
                self._fault(event, path, "a key is a map or a list: keys are text")
                self._node(event, (*path, "?"))
            return ""
        key = self._scalar(event, path)
        if type(key) is not str:
            self._fault(
                event, path, f"the key `{shorten(event.value)}` is not text: write it in quotes"
            )
            return str(event.value)
        return key

    def _scalar(self, event: Any, path: Path, key: str | None = None) -> Any:
        if event.anchor is not None or event.tag is not None:
            where = path if key is None else (*path, key)
            if event.anchor is not None:
                self._refuse_anchor(event, where)
            if event.tag is not None:
                self._refuse_tag(event, where)
        if not event.implicit[0]:
            if SURROGATE.search(event.value):
                self._fault(
                    event,
                    path if key is None else (*path, key),
                    "an escape that is no Unicode character",
                )
            return event.value
        try:
            return resolve(event.value)
        except BadNumber as error:
            self._fault(event, path if key is None else (*path, key), str(error))
            return 0

    def _refuse_anchor(self, event: Any, path: Path) -> None:
        mark = "*" if type(event) is self.yaml.AliasEvent else "&"
        self._fault(
            event, path, f"`{mark}{shorten(event.anchor)}`: anchors and aliases are refused"
        )

    def _refuse_tag(self, event: Any, path: Path) -> None:
        self._fault(event, path, f"the tag `{shorten(event.tag)}` is refused: leave it out")

    def _fault(self, event: Any, path: Path, message: str) -> None:
        self.faults.append(fault(event.start_mark.line + 1, path, message))
        if len(self.faults) >= MAX_FAULTS:
            self.faults.append("and more: the reading stopped here")
            raise _Stop

    def _stop(self, event: Any, path: Path, message: str) -> NoReturn:
        self._fault(event, path, message)
        raise _Stop
