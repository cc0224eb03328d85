"""Files that programs leave behind in folders, and that nobody means to register."""

from __future__ import annotations

from collections.abc import Iterable

# Patterns for `.mlverignore`; those of folders end with a slash.
_PATTERNS = (".DS_Store", ".ipynb_checkpoints/", "Thumbs.db", "__pycache__/", "desktop.ini")


def find_leftovers(manifests: Iterable[bytes | None]) -> tuple[str, ...]:
    """Find the patterns that would leave out some file of these manifests; None is a single file.

    A manifest of half a million files is searched, not parsed.
    """
    found = dict.fromkeys(_PATTERNS, False)
    for manifest in manifests:
        for pattern in _PATTERNS:
            if manifest is not None and _holds_name(manifest, pattern):
                found[pattern] = True
    return tuple(pattern for pattern, is_there in found.items() if is_there)


def _holds_name(manifest: bytes, pattern: str) -> bool:
    """Say whether a line has the name as a whole component of its path.

    A line is 64 digits, two spaces and the path, whose last component ends the line.
    """
    name = pattern.encode() if pattern.endswith("/") else f"{pattern}\n".encode()
    return b"  " + name in manifest or b"/" + name in manifest
