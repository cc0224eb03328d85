"""The value of a YAML document, built from libyaml's events; the only importer of yaml."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from mlver.document.faults import (
    MAX_DEPTH,
    MAX_FAULTS,
    Path,
    explain_syntax,
    format_fault,
    shorten_text,
)
from mlver.document.scalar import SURROGATE, BadNumber, NotFinite, resolve_word

# The same events either way; without libyaml about ten times slower.
_LOADER: Any = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader


class _StopReading(Exception):
    """Nothing after this point can be judged."""


@dataclass(slots=True)
class EventReader:
    """One pass over the events: `faults`, and `lines` where they are kept, are outcomes beside the
    value. Unless `finite`, numbers may be infinities and NaN.
    """

    data: bytes
    keeps_lines: bool
    finite: bool = True
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    next_event: Callable[[], Any] = field(init=False)

    def read_stream(self) -> Any:
        """Read the value of the only document; None where the reading had to stop."""
        try:
            self.next_event = _LOADER(self.data).get_event
            return self.read_document()
        except yaml.YAMLError as error:
            self.faults.append(explain_syntax(error))
        except _StopReading:
            pass
        return None

    def read_document(self) -> Any:
        self.next_event()  # the stream's start
        start = self.next_event()
        if type(start) is yaml.StreamEndEvent:
            self.stop_reading(start, (), "the file is empty")
        value = self.read_node(self.next_event(), ())
        self.next_event()  # the document's end
        following = self.next_event()
        if type(following) is not yaml.StreamEndEvent:
            self.stop_reading(following, (), "a second document begins: one file holds one")
        return value

    def read_node(self, event: Any, path: Path) -> Any:
        """Read a map or a list, or None for an alias; scalars mostly take a shorter way."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return self.read_scalar(event, path)
        if event.anchor is not None:
            self.refuse_anchor(event, path)
        if kind is yaml.AliasEvent:
            return None
        if event.tag is not None:
            self.refuse_tag(event, path)
        if len(path) >= MAX_DEPTH:
            self.stop_reading(event, path[:3], f"nested more than {MAX_DEPTH} deep")
        if kind is yaml.MappingStartEvent:
            return self.read_mapping(path)
        return self.read_sequence(path)

    def read_mapping(self, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        # In locals, because this loop takes most of the time of reading a document.
        scalar_event = yaml.ScalarEvent
        end_event = yaml.MappingEndEvent
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
        end_event = yaml.SequenceEndEvent
        while type(event := self.next_event()) is not end_event:
            item_path = (*path, len(sequence))
            if self.keeps_lines:
                self.lines[item_path] = event.start_mark.line + 1
            sequence.append(self.read_node(event, item_path))
        return sequence

    def read_key(self, event: Any, path: Path) -> str:
        if type(event) is yaml.AliasEvent:
            self.refuse_anchor(event, path)
            return ""
        if type(event) is not yaml.ScalarEvent:
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
        """Read the value of a scalar; `key` is the last part of its path, for faults."""
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
            if isinstance(error, NotFinite) and not self.finite:
                return error.number
            self.add_fault(event, _join_path(path, key), str(error))
            return 0

    def refuse_anchor(self, event: Any, path: Path) -> None:
        mark = "*" if type(event) is yaml.AliasEvent else "&"
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


class _MergeKey(str):
    """The plain key `<<`, which in quotes is a key like any other."""


@dataclass(slots=True)
class AliasReader(EventReader):
    """Reads what people write for their own programs as well: anchors, `<<` and keys of any kind.

    An alias is replaced by a copy of what it names, as long as all copies together are no larger
    than `budget` characters. `<<` is that of https://yaml.org/type/merge.html. A key that is a
    number, true, false or null is text, as it was written.
    """

    budget: int = 0
    anchors: dict[str, Any] = field(default_factory=dict)

    def read_node(self, event: Any, path: Path) -> Any:
        if type(event) is yaml.AliasEvent:
            return self.copy_anchored(event, path)
        # Kept only when it is whole: what names itself names nothing.
        anchor, event.anchor = event.anchor, None
        value = EventReader.read_node(self, event, path)
        return self.keep_anchored(anchor, value)

    def read_scalar(self, event: Any, path: Path, key: str | None = None) -> Any:
        anchor, event.anchor = event.anchor, None
        value = EventReader.read_scalar(self, event, path, key)
        return self.keep_anchored(anchor, value)

    def keep_anchored(self, anchor: str | None, value: Any) -> Any:
        if anchor is not None:
            self.anchors[anchor] = value
        return value

    def copy_anchored(self, event: Any, path: Path) -> Any:
        if event.anchor not in self.anchors:
            name = shorten_text(event.anchor)
            self.add_fault(event, path, f"`*{name}`: nothing above is named `&{name}`")
            return None
        return self.copy_value(self.anchors[event.anchor], event, path, len(path))

    def copy_value(self, value: Any, event: Any, path: Path, depth: int) -> Any:
        """Copy a value, so that a change of one place is none of the others."""
        self.budget -= 1 + len(value) if isinstance(value, str) else 1
        if self.budget < 0:
            self.stop_reading(event, path, "aliases repeat too much: write the values out")
        if depth > MAX_DEPTH:
            self.stop_reading(event, path[:3], f"nested more than {MAX_DEPTH} deep")
        if isinstance(value, dict):
            copied: dict[str, Any] = {}
            for key, item in value.items():
                self.budget -= len(key)
                copied[key] = self.copy_value(item, event, path, depth + 1)
            return copied
        if isinstance(value, list):
            return [self.copy_value(item, event, path, depth + 1) for item in value]
        return value

    def read_key(self, event: Any, path: Path) -> str:
        if type(event) is not yaml.ScalarEvent:
            self.add_fault(event, path, "a key is a map, a list or an alias: keys are text")
            self.read_node(event, (*path, "?"))
            return ""
        if event.implicit[0] and event.value == "<<":
            return _MergeKey("<<")
        key = self.read_scalar(event, path)
        return key if type(key) is str else str(event.value)

    def read_mapping(self, path: Path) -> dict[str, Any]:
        mapping = EventReader.read_mapping(self, path)
        merge_key = next((key for key in mapping if type(key) is _MergeKey), None)
        if merge_key is None:
            return mapping
        merged: dict[str, Any] = {}
        named = mapping.pop(merge_key)
        for group in named if isinstance(named, list) else [named]:
            if not isinstance(group, dict):
                self.faults.append(format_fault(None, path, "`<<` takes a map, or a list of maps"))
                continue
            # The first map that has a key counts, and the keys beside `<<` before all of them.
            merged = {**group, **merged}
        return {**merged, **mapping}


def _join_path(path: Path, key: str | None) -> Path:
    return path if key is None else (*path, key)
