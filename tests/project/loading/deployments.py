"""Folders as `mlver deploy` writes them in the layout `directories`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlver.digest import Digest


def write_version(folder: Path, version: str, files: Mapping[str, str], **changes: Any) -> Path:
    """Write the folder of a version; return it."""
    place = folder / "versions" / f"v-20260303-0915{len(version):02}-{version}"
    for name, text in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    described = {
        "model": "digits",
        "version": version,
        "digest": str(Digest.of_bytes(version.encode())),
        "stage": "production",
        "sequence": 1,
        "number": 10001000099,
        "files": {
            name: f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
            for name, text in files.items()
        },
        **changes,
    }
    (place / "mlver.json").write_text(json.dumps(described))
    return place


def point_link(folder: Path, place: Path, role: str = "stable") -> None:
    """Have a link lead to the folder of a version, by a rename."""
    temporary = folder / f".{role}.tmp"
    temporary.symlink_to(place.relative_to(folder))
    temporary.rename(folder / role)
