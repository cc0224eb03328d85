"""Where DVC's settings put its cache (https://dvc.org/doc/user-guide/project-structure/configuration).

`config.local` goes before `config`, and both before the person's own; a relative folder is below
the `.dvc` folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# A file of settings is a few lines long.
_MOST_BYTES = 1 << 20


def find_cache_folders(settings: Path) -> Iterator[Path]:
    """Yield the caches of the DVC project whose `.dvc` folder this is, its configured one first."""
    if not settings.is_dir():
        return
    for file in (settings / "config.local", settings / "config", _find_own_settings()):
        folder = _read_cache_folder(file)
        if folder is not None:
            # a person who is not known here has no home
            with suppress(RuntimeError):
                yield settings / Path(folder).expanduser()
            break
    yield settings / "cache"


def _find_own_settings() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home, "dvc", "config").expanduser()


def _read_cache_folder(file: Path) -> str | None:
    """Read `dir` of the section `cache`; None where the file does not set it or cannot be read."""
    try:
        # A FIFO would block the open.
        if not file.is_file():
            return None
        with file.open(encoding="utf-8") as stream:
            lines = stream.read(_MOST_BYTES).splitlines()
    except (OSError, ValueError):
        return None
    section = ""
    folder = ""
    for line in map(str.strip, lines):
        key, _, value = line.partition("=")
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == "cache" and key.strip() == "dir":
            folder = value.strip("\"' ")
    if "\0" in folder:
        return None
    return folder or None
