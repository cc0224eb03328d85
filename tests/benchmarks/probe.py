"""Run `mlver ARGV…` in this process and count what it does.

The counts go to the file named first, as JSON.

Counts are the same on every machine and at every load, which seconds are not.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

counts: Counter[str] = Counter()
_SYNCS = ("fsync", "fdatasync")


def _heed(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | bytes):
        _opened(os.fsdecode(arguments[0]))
    elif event == "subprocess.Popen":
        counts["processes"] += 1
        counts["histories"] += "log" in arguments[1]
    elif event == "os.scandir":
        counts["folders"] += 1
    elif event == "os.fork":
        counts["forks"] += 1


def _opened(path: str) -> None:
    if "/.mlver/" in path:
        counts["records"] += path.endswith(".yaml") and "/models/" in path
        counts["manifests"] += "/manifests/" in path
    elif "/.git/mlver/" in path and "state.db" not in path:
        counts["own"] += 1
    elif "/mlver/project/artifacts/" in path:
        return  # our own code
    elif "/artifacts/" in path or path.startswith("artifacts/"):
        counts["artifacts"] += 1


def _count_syncs() -> None:
    for name in _SYNCS:
        plain = getattr(os, name)

        @wraps(plain)
        def counted(descriptor: int, plain: Any = plain) -> None:
            counts["syncs"] += 1
            plain(descriptor)

        setattr(os, name, counted)


def _count_parsed() -> None:
    codec: Any = import_module("mlver.document.codec")
    plain = codec.decode_document

    @wraps(plain)
    def counted(*arguments: Any) -> Any:
        counts["parsed"] += 1
        return plain(*arguments)

    codec.decode_document = counted


def main() -> int:
    report, *argv = sys.argv[1:]
    sys.addaudithook(_heed)
    _count_syncs()
    if argv and not argv[0].startswith("--"):
        _count_parsed()
    before = set(sys.modules)
    counts.clear()
    code: int = import_module("mlver.cli.main").main(argv)
    ours = {name for name in sys.modules if name.partition(".")[0] == "mlver"}
    counts["modules"] = len(set(sys.modules) - before)
    heavy = (
        "git",
        "rich",
        "jsonschema",
        "yaml",
        "typer",
        "sqlite3",
        "multiprocessing",
        "asyncio",
        "ssl",
        "semver",
    )
    told = {**counts, "ours": len(ours), "heavy": [name for name in heavy if name in sys.modules]}
    Path(report).write_text(json.dumps(told))
    return code


if __name__ == "__main__":
    sys.exit(main())
