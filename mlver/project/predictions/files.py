"""Which files of predictions are meant: files, folders of them, and patterns of names."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, printable_name
from mlver.project.predictions.log import PredictionLog

LOG_SUFFIX = ".jsonl"


def find_logs(start: Path, words: Sequence[str], hint: str) -> tuple[PredictionLog, ...]:
    """Find the logs that words on a command line mean, each once.

    A word is a file, a folder, whose files called `*.jsonl` are meant, or a pattern such as
    `log/*.jsonl`; it is relative to `start`. The files of one word are sorted by their names. Raise
    UsageError for a file that is meant twice, and MlverError where a word means no file.
    """
    found: dict[Path, PredictionLog] = {}
    for word in words:
        for shown in _list_files(start, word, hint):
            path = start / shown
            place = path.resolve()
            if place in found:
                raise UsageError(f"{printable_name(shown)} is meant twice", hint=hint)
            found[place] = PredictionLog(path, shown, hint)
    return tuple(found.values())


def name_files(words: Sequence[str]) -> str:
    """Name the files that words mean, on one line: the first word, and how many more."""
    more = f" and {len(words) - 1:,} more" if len(words) > 1 else ""
    return f"{printable_name(words[0])}{more}"


class ReadFile(Protocol):
    """A file of which something was read."""

    path: Path

    @property
    def digest(self) -> Digest: ...


def combine_digests(logs: Sequence[ReadFile]) -> Digest:
    """Combine the digests of what was read: of one file its own.

    Of several, it is that of the lines that `sha256sum` prints for them, sorted by name.
    """
    if len(logs) == 1:
        return logs[0].digest
    lines = [f"{log.digest.hex}  {log.path.name}\n" for log in logs]
    return Digest.of_bytes("".join(sorted(lines, key=_find_name)).encode(errors="surrogateescape"))


def _find_name(line: str) -> str:
    return line.partition("  ")[2]


def _list_files(start: Path, word: str, hint: str) -> list[str]:
    path = start / word
    if path.is_dir():
        found = sorted(str(Path(word) / name.name) for name in path.glob(f"*{LOG_SUFFIX}"))
        empty = f"the folder {printable_name(word)} holds no file called *{LOG_SUFFIX}"
    elif glob.has_magic(word) and not path.exists():
        # Path.glob refuses a pattern that begins at the root.
        found = sorted(glob.glob(word, root_dir=start))  # noqa: PTH207
        empty = f"no file is called {printable_name(word)}"
    else:
        return [word]
    if not found:
        raise MlverError(empty, hint=hint)
    return found
