"""Files of checksums as people publish them beside data: what `sha256sum` prints.

Unlike a manifest, such a file may be in any order, mark files as binary (`*`), begin its paths with
`./`, and have a comment or an empty line.
"""

from __future__ import annotations

import re

from mlver.errors import InvalidDocument, printable_name
from mlver.records.listing import find_key_fault
from mlver.records.manifest import FAULTS_SHOWN, unescape_path

_LINE = re.compile(rb"(\\?)([0-9a-fA-F]{64}) [ *](.+)", re.DOTALL)


def parse_checksum_file(data: bytes, where: str) -> dict[str, str]:
    """The SHA-256 of each file, as 64 lower-case digits, by its path.

    Raise InvalidDocument, naming `where`, with what is wrong and the number of the line.
    """
    checksums: dict[str, str] = {}
    faults: list[str] = []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip() or line.startswith(b"#"):
            continue
        entry = _parse_line(line)
        if isinstance(entry, str):
            faults.append(f"line {number}: {entry}")
        elif checksums.setdefault(*entry) != entry[1]:
            faults.append(f"line {number}: {printable_name(entry[0])} has two checksums")
    if not checksums and not faults:
        faults.append("there is no file in it")
    if faults:
        shown = faults[:FAULTS_SHOWN]
        if len(faults) > FAULTS_SHOWN:
            shown.append(f"and {len(faults) - FAULTS_SHOWN:,} more")
        raise InvalidDocument(where, tuple(shown))
    return checksums


def _parse_line(line: bytes) -> tuple[str, str] | str:
    """The path and the SHA-256 that a line holds, or what is wrong with it."""
    found = _LINE.fullmatch(line)
    if found is None:
        return "it is not 64 hexadecimal digits, two spaces and a path, as sha256sum writes it"
    mark, sha256, path = found.groups()
    raw = unescape_path(path) if mark else path
    if raw is None:
        return "its path is not escaped as sha256sum does"
    try:
        key = raw.decode().removeprefix("./")
    except UnicodeDecodeError:
        return "its path is not UTF-8"
    fault = find_key_fault(key)
    if fault is not None:
        return f"the path {printable_name(key)[:200]} {fault}"
    return key, sha256.decode().lower()
