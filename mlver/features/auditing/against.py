"""An older audit head against the history here: is what was vouched for then still all there?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlver.digest import Digest
from mlver.errors import UsageError, printable_name
from mlver.features.auditing.audit_result import Comparison, HeadCheck
from mlver.findings import Finding
from mlver.project.audit.heads import HistoryHeads, find_elsewhere, list_differences
from mlver.project.project import Project
from mlver.system.regular import read_regular

_SCHEMA = "mlver/result/audit/1"
# An audit of 10,000 moves is 20 MB.
_MOST_BYTES = 1 << 30
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class OlderHead:
    """A head that somebody noted; `records` are the digests of records by path, where they did."""

    digest: Digest
    records: Mapping[str, str]


def read_older_head(project: Project, given: str, models: tuple[str, ...] | None) -> OlderHead:
    """Read `sha256:…`, or the file that `mlver audit --json` was saved in.

    Raise UsageError for anything else, and for an audit of other models.
    """
    if given.startswith("sha256:"):
        return OlderHead(Digest.parse(given), {})
    document = _load_document(project.start / given, given)
    head = document.get("head")
    if document.get("schema") != _SCHEMA or not isinstance(head, dict):
        raise UsageError(f"--against: {printable_name(given)} is no saved `mlver audit --json`")
    digest = head.get("digest")
    if not isinstance(digest, str):
        raise UsageError(f"--against: the audit in {printable_name(given)} could tell no head")
    told = head.get("models")
    if told != (None if models is None else list(models)):
        named = ", ".join(map(str, told)) if isinstance(told, list) else "all models"
        raise UsageError(
            f"--against: {printable_name(given)} is an audit of {printable_name(named)}, and heads"
            " of different models cannot be compared"
        )
    return OlderHead(Digest.parse(digest), _collect_records(document))


def _load_document(path: Path, given: str) -> dict[str, Any]:
    shown = printable_name(given)
    try:
        data = read_regular(str(path), _MOST_BYTES)
        document = json.loads(data)
    except OSError as error:
        raise UsageError(
            f"--against takes sha256: and 64 hexadecimal digits, or a file that `mlver audit"
            f" --json` was saved in; {shown} cannot be read: {error.strerror}"
        ) from None
    except (ValueError, RecursionError):
        raise UsageError(f"--against: {shown} is no JSON document") from None
    if not isinstance(document, dict):
        raise UsageError(f"--against: {shown} is no saved `mlver audit --json`")
    return document


def _collect_records(document: Mapping[str, Any]) -> dict[str, str]:
    records: dict[str, str] = {}
    stages = document.get("stages")
    for stage in stages if isinstance(stages, list) else ():
        moves = stage.get("moves") if isinstance(stage, dict) else None
        for move in moves if isinstance(moves, list) else ():
            if isinstance(move, dict):
                path, record = move.get("record_path"), move.get("record")
                if isinstance(path, str) and isinstance(record, str):
                    records[path] = record
    return records


def check_head(
    project: Project,
    models: tuple[str, ...] | None,
    heads: HistoryHeads,
    older: OlderHead,
    records: Mapping[str, str],
) -> HeadCheck:
    """Compare an older head with the history here; `records` are the digests of today's records."""
    against = str(older.digest)
    if heads.lacking is not None:
        return HeadCheck(against=against, outcome="untold", commit=None, differences=())
    commit = heads.find_commit(older.digest)
    if commit is not None:
        outcome: Comparison = "same" if heads.head == older.digest else "continued"
        return HeadCheck(against=against, outcome=outcome, commit=commit, differences=())
    differences = _compare_records(older.records, records)
    elsewhere = find_elsewhere(project.repository, models, older.digest)
    if elsewhere is not None:
        told = list_differences(project.repository, models, elsewhere)
        differences = {**differences, **told}
    listed = tuple(f"{path} {words}" for path, words in sorted(differences.items()))
    outcome = "unknown" if elsewhere is None and not listed else "rewritten"
    return HeadCheck(against=against, outcome=outcome, commit=elsewhere, differences=listed)


def _compare_records(old: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    differences: dict[str, str] = {}
    for path, record in old.items():
        if path not in now:
            differences[path] = "is gone"
        elif now[path] != record:
            differences[path] = "is another record now"
    return differences


def report_rewritten(check: HeadCheck) -> Finding:
    """Report that the history here does not begin with the one that an older head stands for."""
    message = (
        "is no head that this history ever had: what it stands for was rewritten, or this clone is"
        " older than it, or it is the head of other models"
    )
    if check.outcome == "rewritten":
        where = "" if check.commit is None else f" (that was at {check.commit[:10]})"
        message = f"is no head of this history, which was rewritten since{where}"
        shown = "; ".join(check.differences[:_MOST_NAMED])
        more = len(check.differences) - _MOST_NAMED
        if shown:
            message = f"{message}: {shown}"
        if more > 0:
            message = f"{message}; and {more:,} more"
    return Finding("history", check.against, message, ("git reflog", "git fetch"))
