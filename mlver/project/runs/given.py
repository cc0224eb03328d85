"""What the sessions of a training that runs as a command give to its run, besides its curves.

Each writes a file of its own, whole or not at all: a program may have several, one after the other
or, as workers, at the same time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from typing import Any

from mlver.errors import printable_name
from mlver.project.worktree.value_files import merge_values
from mlver.records.values import flatten_values
from mlver.system.regular import read_regular

_PREFIX, _SUFFIX = "given-", ".json"
_LIMIT = 16 << 20
# Of workers, each of a thousand may write one.
_MOST_FILES = 1_000
_MOST_REMARKS = 20


@dataclass(frozen=True, slots=True)
class SessionValues:
    """`params` are public ones, and `secrets` the others, encrypted. `blas` names the kernels of
    linear algebra that were chosen. `remarks` say what could not be kept.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    blas: str | None = None
    remarks: tuple[str, ...] = ()


def write_given(folder: Path, given: SessionValues) -> None:
    """Write what one session gives; raise OSError where that is impossible."""
    document = {
        "params": dict(given.params),
        "metrics": dict(given.metrics),
        "secrets": dict(given.secrets),
        "blas": given.blas,
    }
    name = f"{os.getpid()}-{token_hex(8)}"
    unfinished = folder / f"{name}.part"
    unfinished.write_text(json.dumps(document))
    unfinished.replace(folder / f"{_PREFIX}{name}{_SUFFIX}")


def read_given(folder: Path) -> SessionValues:
    """Read what all sessions gave, oldest first; where two differ, the later one counts."""
    written: list[tuple[int, str]] = []
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        written.append((path.stat().st_mtime_ns, path.name))
    merged = SessionValues()
    if len(written) > _MOST_FILES:
        remark = f"of {len(written):,} parts of the program, the last {_MOST_FILES:,} were heard"
        merged = SessionValues(remarks=(remark,))
    for _, name in sorted(written)[-_MOST_FILES:]:
        merged = _merge_given(merged, _read_file(folder / name))
    return replace(merged, remarks=tuple(dict.fromkeys(merged.remarks))[:_MOST_REMARKS])


def _merge_given(former: SessionValues, later: SessionValues) -> SessionValues:
    remarks = list(former.remarks)
    for what, before, after in (
        ("param", former.params, later.params),
        ("metric", former.metrics, later.metrics),
    ):
        flat_before, flat_after = flatten_values(before), flatten_values(after)
        for name in sorted(flat_before.keys() & flat_after.keys()):
            if flat_before[name] != flat_after[name]:
                shown = printable_name(name)
                remarks.append(f"the {what} {shown} was given twice: the last value counts")
    return SessionValues(
        params=merge_values(dict(former.params), later.params),
        metrics=merge_values(dict(former.metrics), later.metrics),
        secrets={**former.secrets, **later.secrets},
        blas=later.blas or former.blas,
        remarks=(*remarks, *later.remarks),
    )


def _read_file(path: Path) -> SessionValues:
    """Read one file; a program could have written anything to it."""
    try:
        given = json.loads(read_regular(path, _LIMIT))
    except (OSError, ValueError, RecursionError):
        return SessionValues(remarks=("what a part of the program gave could not be read",))
    if not isinstance(given, dict):
        return SessionValues()
    parts = {key: given.get(key) for key in ("params", "metrics", "secrets")}
    valid = {key: part for key, part in parts.items() if isinstance(part, dict)}
    secrets = {
        name: text for name, text in valid.get("secrets", {}).items() if isinstance(text, str)
    }
    blas = given.get("blas")
    return SessionValues(
        params=valid.get("params", {}),
        metrics=valid.get("metrics", {}),
        secrets=secrets,
        blas=printable_name(blas)[:200] if isinstance(blas, str) and blas else None,
    )
