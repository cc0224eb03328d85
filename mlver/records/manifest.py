"""A directory's files and their digests, in the format of GNU `sha256sum`, so that `sha256sum -c`
verifies them.

One encoding a content: parsing what does not re-encode to the same bytes is refused, for the digest
of the manifest's bytes is the digest of the directory.
"""

from __future__ import annotations

import os
import re
from binascii import hexlify
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

from mlver.digest import Digest
from mlver.errors import InvalidDocument, shell_command
from mlver.names import find_path_fault

ManifestEntry = tuple[bytes, str]
# More faults than a screen holds help nobody.
FAULTS_SHOWN = 20
# Where a line's path begins, if nothing in it is escaped.
_PATH = 64 + 2
_SLASH = ord("/")
_LINE = re.compile(rb"(\\?)([0-9a-f]{64})  (.+)", re.DOTALL)
# What nearly all lines are: nothing escaped, and no component that may be `.`, `..` or a name of
# `.git`. Those begin in a dot, or in something that a file system drops (U+200C to U+206F, U+FEFF:
# see mlver.names).
_COMPONENT = rb"(?:[^./\\\n\0\xe2\xef][^/\\\n\0]*|\.(?!\.|[gG][iI][tT][/\n])[^/\\\n\0\x80-\xff]+)"
_PLAIN = re.compile(rb"([0-9a-f]{64})  ((?:%b/)*%b)\n" % (_COMPONENT, _COMPONENT))
_ESCAPES = {b"\\\\": b"\\", b"\\n": b"\n"}


@dataclass(frozen=True)
class Manifest:
    """The (path, hex) pairs of a directory, ordered by the bytes of the path.

    Build one with `of` or `parse`.
    """

    entries: tuple[ManifestEntry, ...]

    @classmethod
    def from_entries(cls, entries: Iterable[ManifestEntry]) -> Manifest:
        return cls(tuple(sorted(entries)))

    @classmethod
    def parse(cls, data: bytes, where: str) -> Manifest:
        """Read a manifest.

        Raise InvalidDocument, naming `where`, with every fault found and its line number.
        """
        if _is_plain(data):
            return cls(tuple(Listing(data)))
        entries, faults = _parse_lines(data)
        faults.extend(_find_order_faults(entries))
        if faults:
            faults.sort(key=lambda fault: fault[0])
            shown = [f"line {number}: {text}" for number, text in faults[:FAULTS_SHOWN]]
            if len(faults) > FAULTS_SHOWN:
                shown.append(f"and {len(faults) - FAULTS_SHOWN:,} more")
            raise InvalidDocument(
                where,
                tuple(shown),
                hint=shell_command("git", "checkout", "--", where),
            )
        return cls(tuple(entry for _, entry in entries))

    def to_bytes(self) -> bytes:
        return b"".join(
            format_line(file_path, hexadecimal) for file_path, hexadecimal in self.entries
        )

    @cached_property
    def digest(self) -> Digest:
        return Digest.of_bytes(self.to_bytes())

    @cached_property
    def by_path(self) -> Mapping[bytes, str]:
        return dict(self.entries)


class Listing:
    """The same pairs read from the manifest's bytes each time they are gone through: nothing else
    is in memory.
    """

    def __init__(self, data: bytes) -> None:
        """`data` is known to be a manifest; see `of_manifest`."""
        self._data = data

    @classmethod
    def of(cls, entries: Iterable[ManifestEntry]) -> Listing:
        """A listing of these, in the order they come in."""
        out = BytesIO()
        for file_path, hexadecimal in entries:
            out.write(format_line(file_path, hexadecimal))
        return cls(out.getvalue())

    @classmethod
    def of_file(cls, digest: Digest) -> Listing:
        """A file by itself, whose path is empty."""
        return cls.of([(b"", digest.hex)])

    @classmethod
    def of_manifest(cls, data: bytes, where: str) -> Listing:
        """A manifest's own; raise InvalidDocument as `Manifest.parse` does."""
        if not _is_plain(data):
            Manifest.parse(data, where)
        return cls(data)

    def __len__(self) -> int:
        return self._data.count(b"\n")

    def search(self, check: Callable[[bytes], bool]) -> bool:
        """What a check says of the manifest's bytes: quicker than a look at each pair."""
        return check(self._data)

    def __iter__(self) -> Iterator[ManifestEntry]:
        for text in BytesIO(self._data):
            if text[:1] == b"\\":
                file_path = text[_PATH + 1 : -1]
                yield unescape_path(file_path) or file_path, text[1:65].decode()
            else:
                yield text[_PATH:-1], text[:64].decode()


def format_line(path: bytes, hexadecimal: str) -> bytes:
    """One file's line of a manifest."""
    if b"\\" in path or b"\n" in path:
        escaped = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
        return b"\\%b  %b\n" % (hexadecimal.encode(), escaped)
    return b"%b  %b\n" % (hexadecimal.encode(), path)


def format_lines(paths: Sequence[bytes], digests: Sequence[bytes]) -> bytes:
    """The lines of many files, whose digests are raw: one `line` each, in a few passes over them
    all.
    """
    every = b"".join(paths)
    if b"\\" in every or b"\n" in every:
        return b"".join(
            format_line(file_path, digest.hex())
            for file_path, digest in zip(paths, digests, strict=True)
        )
    return b"".join(map(b"%b  %b\n".__mod__, zip(map(hexlify, digests), paths, strict=True)))


def read_paths(data: bytes) -> Iterator[bytes]:
    """The paths of a manifest that was made here, one after the other: what came from elsewhere is
    to be parsed.
    """
    for text in BytesIO(data):
        file_path = text[_PATH + (text[:1] == b"\\") : -1]
        yield file_path if text[:1] != b"\\" else unescape_path(file_path) or file_path


NumberedEntry = tuple[int, ManifestEntry]
ManifestFault = tuple[int, str]


def _is_plain(data: bytes) -> bool:
    """Whether every line is plain and in its place: half a million are not to be made into objects
    for that.
    """
    offset, last_path = 0, b""
    # Files whose whole names the current path begins with. They may not be folders of it.
    openings: list[bytes] = []
    while match := _PLAIN.match(data, offset):  # and no search, which would go on from every byte
        file_path = match[2]
        if file_path <= last_path:
            return False
        while openings and not file_path.startswith(openings[-1]):
            openings.pop()
        if any(file_path[len(file)] == _SLASH for file in openings):
            return False
        openings.append(file_path)
        offset, last_path = match.end(), file_path
    return offset == len(data) and offset > 0


def _parse_lines(data: bytes) -> tuple[list[NumberedEntry], list[ManifestFault]]:
    lines = data.split(b"\n")
    entries: list[NumberedEntry] = []
    faults: list[ManifestFault] = []
    if not data:
        return [], [(1, "there is no file in it")]
    if lines.pop() != b"":
        faults.append((len(lines) + 1, "the line has no end"))
    for number, text in enumerate(lines, 1):
        read = _parse_entry(text)
        if isinstance(read, str):
            faults.append((number, read))
        else:
            entries.append((number, read))
    return entries, faults


def _parse_entry(text: bytes) -> ManifestEntry | str:
    """The entry a line holds, or what is wrong with it."""
    line_match = _LINE.fullmatch(text)
    if line_match is None:
        return "it is not 64 lower-case hexadecimal digits, two spaces and a path"
    mark, hexadecimal, file_path = line_match.groups()
    if mark or b"\\" in file_path:
        raw = unescape_path(file_path)
        if raw is None or format_line(raw, "")[:-1] != mark + b"  " + file_path:
            return f"its path is not escaped as sha256sum does: {_quote_path(file_path)}"
        file_path = raw
    fault = find_path_fault(os.fsdecode(file_path))
    if fault is not None:
        return f"the path {_quote_path(file_path)} {fault}"
    return file_path, hexadecimal.decode()


def unescape_path(path: bytes) -> bytes | None:
    parts = re.split(rb"(\\.?)", path, flags=re.DOTALL)
    try:
        parts[1::2] = [_ESCAPES[part] for part in parts[1::2]]
    except KeyError:
        return None
    return b"".join(parts)


def _find_order_faults(entries: list[NumberedEntry]) -> Iterator[ManifestFault]:
    seen: set[bytes] = set()
    last_path = b""
    for number, (file_path, _) in entries:
        if file_path in seen:
            yield number, f"the path {_quote_path(file_path)} is there twice"
        elif file_path < last_path:
            yield number, f"the path {_quote_path(file_path)} is out of order"
        seen.add(file_path)
        last_path = max(last_path, file_path)
    parents = _parent_directories(seen)
    for number, (file_path, _) in entries:
        if file_path in parents:
            yield (
                number,
                f"the path {_quote_path(file_path)} is a file and also a directory of other files",
            )


def _parent_directories(paths: Iterable[bytes]) -> set[bytes]:
    parents: set[bytes] = set()
    for file_path in paths:
        parent = file_path.rpartition(b"/")[0]
        while parent and parent not in parents:
            parents.add(parent)
            parent = parent.rpartition(b"/")[0]
    return parents


def _quote_path(path: bytes) -> str:
    """The path on one line and free of control characters, whatever is in it."""
    return repr(path.decode(errors="backslashreplace"))


@dataclass(frozen=True, slots=True)
class ManifestComparison:
    """What became of the files between two manifests, ordered by path.

    A renamed file is in `renamed` only.
    """

    added: tuple[bytes, ...]
    removed: tuple[bytes, ...]
    changed: tuple[bytes, ...]
    renamed: tuple[tuple[bytes, bytes], ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.renamed)


def compare_manifests(old: Manifest, new: Manifest) -> ManifestComparison:
    """A file whose path is gone and whose content is at a new path was renamed.

    Among files of the same content, one with the same name in another directory is preferred; the
    rest pair in order.
    """
    before, after = old.by_path, new.by_path
    removed = [manifest_entry for manifest_entry in old.entries if manifest_entry[0] not in after]
    added = [manifest_entry for manifest_entry in new.entries if manifest_entry[0] not in before]
    renamed = _pair_renamed(removed, added)
    taken_paths = set(renamed.values())
    changed: list[bytes] = []
    for file_path, digest in new.entries:
        if before.get(file_path, digest) != digest:
            changed.append(file_path)
    return ManifestComparison(
        added=tuple(file_path for file_path, _ in added if file_path not in taken_paths),
        removed=tuple(file_path for file_path, _ in removed if file_path not in renamed),
        changed=tuple(changed),
        renamed=tuple(sorted(renamed.items())),
    )


def _content_and_name(entry: ManifestEntry) -> object:
    return entry[1], entry[0].rpartition(b"/")[2]


def _content_key(entry: ManifestEntry) -> object:
    return entry[1]


def _pair_renamed(
    removed: Sequence[ManifestEntry], added: Sequence[ManifestEntry]
) -> dict[bytes, bytes]:
    """The new path of each entry that was renamed, by its old one."""
    renamed = _pair_entries(removed, added, _content_and_name)
    taken_paths = set(renamed.values())
    old_left = [manifest_entry for manifest_entry in removed if manifest_entry[0] not in renamed]
    new_left = [manifest_entry for manifest_entry in added if manifest_entry[0] not in taken_paths]
    return renamed | _pair_entries(old_left, new_left, _content_key)


def _pair_entries(
    removed: Sequence[ManifestEntry],
    added: Sequence[ManifestEntry],
    key: Callable[[ManifestEntry], object],
) -> dict[bytes, bytes]:
    """Pair, in order, the entries that agree in `key`."""
    waiting: dict[object, list[bytes]] = {}
    for manifest_entry in reversed(added):
        waiting.setdefault(key(manifest_entry), []).append(manifest_entry[0])
    path_pairs: dict[bytes, bytes] = {}
    for manifest_entry in removed:
        places = waiting.get(key(manifest_entry))
        if places:
            path_pairs[manifest_entry[0]] = places.pop()
    return path_pairs
