"""Caches that somebody else filled."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing

from tests.conftest import Repository
from tests.faults.hostile import READING

_AUDITING = (
    ("show", "m"),
    ("show", "m@production"),
    ("log",),
    ("diff", "m@1.0.0", "m@1.1.0"),
    ("diff", "HEAD~2...HEAD"),
    ("diff", "HEAD~2...HEAD", "--markdown"),
    ("verify", "--all"),
    ("audit",),
    ("audit", "--at", "2026-01-02"),
)


def _poison_cache(victim: Repository) -> None:
    """Keep other people and reasons for every record, with checksums that are right."""
    path = victim.path / ".git/mlver/state.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        rows = connection.execute("SELECT digest, json FROM documents").fetchall()
        for digest, text in rows:
            forged = text.replace("Kim", "Eve").replace("First", "Nothing").replace("Good", "Bad")
            connection.execute(
                "UPDATE documents SET json = ?, checksum = ? WHERE digest = ?",
                (forged, zlib.crc32(forged.encode(), zlib.crc32(digest)), digest),
            )


def test_a_poisoned_cache_deceives_nobody_who_asks_what_happened(victim: Repository) -> None:
    for argv in (*READING, *_AUDITING):
        victim.mlver(*argv)
    before = [victim.mlver(*argv) for argv in _AUDITING]
    _poison_cache(victim)
    # The poison is alive: a listing, which nobody audits, shows it.
    assert "Nothing" in victim.mlver("list", "m").out
    assert [victim.mlver(*argv) for argv in _AUDITING] == before
