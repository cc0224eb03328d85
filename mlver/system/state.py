"""One SQLite file with what can be computed again but costs time.

It keeps the stat cache, parsed records, and the digests of what commits hold.

Nothing depends on it. Unreadable, corrupt, locked, of another version, on a read-only disk: mlver
works without it, slower. Each row carries a checksum over its key and content, so that a flipped
bit is a miss and never an answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

# 3: documents of two formats. 2: the signature of a file has its device.
FORMAT = 3
# Nobody waits longer than this for another process to let go of what is only a cache.
PATIENCE_S = 0.25
PAGE = 10_000
# SQLite before 3.32 takes no more than 999 values in one query.
_ASKED_TOGETHER = 500
_DIGEST = re.compile("[0-9a-f]{64}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    worktree TEXT NOT NULL, path BLOB NOT NULL, entry BLOB NOT NULL, checksum INTEGER NOT NULL,
    PRIMARY KEY (worktree, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (
    digest BLOB PRIMARY KEY, json TEXT NOT NULL, checksum INTEGER NOT NULL
) WITHOUT ROWID;
"""


class StateDatabase:
    """The cache at `path`; opening it costs nothing until the first question.

    No method ever raises or waits long.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._usable = True

    def close(self) -> None:
        """Let go of the file; the next question opens it again."""
        _opened.discard(self)
        if self._connection is not None:
            with contextlib.suppress(*_failure_types()):
                self._connection.close()
            self._connection = None

    def get_document(self, digest: str) -> str | None:
        """The JSON kept for a record whose bytes hash to these 64 hexadecimal digits."""
        return self.get_documents([digest]).get(digest)

    def get_documents(self, digests: Iterable[str]) -> dict[str, str]:
        """The JSON kept for records, by the 64 hexadecimal digits that their bytes hash to."""
        keys = iter(map(bytes.fromhex, digests))
        texts: dict[str, str] = {}
        while page := list(islice(keys, _ASKED_TOGETHER)):
            marks = ",".join("?" * len(page))
            query = f"SELECT digest, json, checksum FROM documents WHERE digest IN ({marks})"
            for key, text, checksum in self._run_query(query, page):
                # A file that somebody damaged may hold anything, in any column.
                if isinstance(text, str) and checksum == _sum_text(key, text):
                    texts[key.hex()] = text
        return texts

    def put_document(self, digest: str, json: str) -> None:
        self.put_documents([(digest, json)])

    def put_documents(self, documents: Iterable[tuple[str, str]]) -> None:
        """Keep parsed records, all in one transaction."""
        rows = []
        for digest, text in documents:
            key = bytes.fromhex(digest)
            rows.append((key, text, _sum_text(key, text)))
        self._write_rows([("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", rows)])

    def find_committed(self, places: Iterable[str]) -> dict[str, str]:
        """The SHA-256 that was kept of what lies at each `<commit>:<path>`, 64 digits.

        Commits are named by their full ids.
        """
        places_of = {_committed_key(place): place for place in places}
        digests: dict[str, str] = {}
        for key, digest in self.get_documents(places_of).items():
            if _DIGEST.fullmatch(digest):
                digests[places_of[key]] = digest
        return digests

    def keep_committed(self, digests: Mapping[str, str]) -> None:
        """Keep the SHA-256 of what lies at each place: what a commit holds it holds for ever."""
        self.put_documents((_committed_key(place), digest) for place, digest in digests.items())

    def read_files(self, worktree: str, path: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The (path, entry) pairs kept for a file, or for all files below a directory.

        They come in the order of the paths' bytes.
        """
        # In pages, so that no statement stays open while the caller keeps or drops rows.
        columns = "SELECT path, entry, checksum FROM files WHERE worktree = ?"
        rows = self._run_query(f"{columns} AND path = ?", (worktree, path))
        query = f"{columns} AND path > ? AND path < ? ORDER BY path LIMIT ?"
        last = path + b"/"
        # `0` is the character after `/`: between the two are the paths below the directory.
        end = path + b"0"
        while True:
            yield from [
                (key, entry) for key, entry, checksum in rows if _sum_entry(key, entry) == checksum
            ]
            rows = self._run_query(query, (worktree, last, end, PAGE))
            if not rows:
                return
            last = rows[-1][0]

    def keep_files(
        self, worktree: str, kept: Iterable[tuple[bytes, bytes]], dropped: Iterable[bytes]
    ) -> None:
        """Keep the (path, entry) pairs and drop the paths, in one transaction."""
        rows = [(worktree, key, entry, _sum_entry(key, entry)) for key, entry in kept]
        gone = [(worktree, key) for key in dropped]
        self._write_rows(
            [
                ("DELETE FROM files WHERE worktree = ? AND path = ?", gone),
                ("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", rows),
            ]
        )

    def _run_query(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        if not self.path.exists():
            return []
        connection = self._open_connection()
        if connection is None:
            return []
        try:
            return connection.execute(query, values).fetchall()
        except _failure_types() as error:
            self._give_up(error)
            return []

    def _write_rows(self, changes: Sequence[tuple[str, Sequence[Sequence[object]]]]) -> None:
        if not any(rows for _, rows in changes):
            return
        connection = self._open_connection()
        if connection is None:
            return
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement, rows in changes:
                    connection.executemany(statement, rows)
        except _failure_types() as error:
            self._give_up(error)

    def _open_connection(self) -> sqlite3.Connection | None:
        if self._connection is not None or not self._usable:
            return self._connection
        try:
            self._connection = _open_database(self.path)
        except _failure_types() as error:
            if _is_corrupt(error):
                self._connection = _recreate_database(self.path)
        self._usable = self._connection is not None
        if self._usable:
            _opened.add(self)
        return self._connection

    def _give_up(self, error: Exception) -> None:
        """Work without the cache for the rest of this process.

        A corrupt file is removed, so that the next process starts with a new one.
        """
        self.close()
        self._usable = False
        if _is_corrupt(error):
            _unlink_database(self.path)


# Not weak: a connection that is collected before somebody closed it is a leak, of which Python 3.13
# warns.
_opened: set[StateDatabase] = set()


def close_all() -> None:
    """Close what is open, where a command ends.

    A forked worker never calls it: the connections are its parent's.
    """
    for state in tuple(_opened):
        state.close()


def _sum_text(key: bytes, text: str) -> int:
    return _sum_entry(key, text.encode(errors="replace"))


def _sum_entry(key: bytes, entry: bytes) -> int:
    """The checksum of a row, over its key as well."""
    return zlib.crc32(entry, zlib.crc32(key))


def _committed_key(place: str) -> str:
    """The key of the digest of what a commit holds; no record's bytes hash to it."""
    return hashlib.sha256(b"committed\0" + place.encode(errors="surrogateescape")).hexdigest()


def _open_database(path: Path) -> sqlite3.Connection | None:
    """Open or make the file; None if a newer mlver keeps it."""
    import sqlite3

    if any(file.is_symlink() for file in (path.parent, *_database_files(path))):
        return None  # it would be made, or changed, wherever the link leads to
    path.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == FORMAT:
            return connection
        if version == 0:
            # In WAL mode readers and a writer don't wait for each other.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;"
            )
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    if version > FORMAT:
        return None
    return _recreate_database(path)


def _recreate_database(path: Path) -> sqlite3.Connection | None:
    """Start again in place of a file that is no cache of ours; None where even that is refused."""
    try:
        _unlink_database(path)
        return _open_database(path)
    except _failure_types():
        return None


def _unlink_database(path: Path) -> None:
    for file in _database_files(path):
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)


def _database_files(path: Path) -> list[Path]:
    """All that SQLite keeps at a path, the database itself last."""
    return [Path(f"{path}{suffix}") for suffix in ("-wal", "-shm", "-journal", "")]


def _failure_types() -> tuple[type[Exception], ...]:
    """The errors that a cache may meet and must not pass on.

    This is a function so that sqlite3 is imported only once it is needed.
    """
    import sqlite3

    return (sqlite3.Error, OSError, ValueError, TypeError, OverflowError)


def _is_corrupt(error: Exception) -> bool:
    """Whether the file itself is bad, and not merely busy, read-only or out of reach."""
    import sqlite3

    # an extended code has the plain one in its last byte
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return True
    # a statement that fails by itself: the tables are not ours
    return isinstance(error, sqlite3.OperationalError) and code == sqlite3.SQLITE_ERROR
