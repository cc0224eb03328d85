"""Joins what was answered with what came to be known, on disk: memory stays the same for any log.

SQLite keeps both in a database without a name, which lies in the folder for temporary files as far
as it does not fit its cache, and is gone when it is closed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from mlver.errors import MlverError
from mlver.features.scoring.request import HINT, KnownTotals
from mlver.policy.scoring.answers import write_answer
from mlver.project.predictions.log import PredictionEvent
from mlver.project.predictions.truth import KnownAnswer

_CACHE_KIB = 64 << 10
_MOST_VERSIONS = 10_000
_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -{cache};
CREATE TABLE prediction
    (key INTEGER PRIMARY KEY, version INTEGER, request BLOB, label BLOB, answer BLOB, time REAL);
CREATE TABLE truth
    (request BLOB PRIMARY KEY, value BLOB, time REAL, conflicts INTEGER) WITHOUT ROWID;
CREATE TABLE label
    (request BLOB PRIMARY KEY, value BLOB, time REAL, conflicts INTEGER) WITHOUT ROWID;
"""
_ADD_PREDICTION = "INSERT OR IGNORE INTO prediction VALUES (?, ?, ?, ?, ?, ?)"
_ADD_KNOWN = """
INSERT INTO {table} VALUES (?, ?, ?, 0) ON CONFLICT (request) DO UPDATE SET
    conflicts = conflicts + (value <> excluded.value),
    time = coalesce(min(time, excluded.time), time, excluded.time)
"""
_LABELLED = """
FROM prediction JOIN truth USING (request) JOIN label ON label.request = prediction.label
WHERE truth.conflicts = 0 AND label.conflicts = 0 AND prediction.version = ?
"""
_JOINED = """
FROM prediction JOIN truth USING (request)
WHERE truth.conflicts = 0 AND prediction.version = ?
"""


class JoinableEvent(NamedTuple):
    """An event with the value that it is joined on; of a replay, `label` is that of its truth."""

    event: PredictionEvent
    request: str
    label: str | None = None


class JoinedAnswer(NamedTuple):
    """An answer and what is known of it; `known` is when that came to be known."""

    answer: str
    truth: str
    time: float
    known: float | None


@dataclass(slots=True, kw_only=True)
class LoggedCount:
    """What was read of the logs: `repeated` answers came again, `open` events hold none."""

    answers: int = 0
    repeated: int = 0
    open: int = 0
    first: float | None = None
    last: float | None = None

    def add_time(self, time: float) -> None:
        self.first = time if self.first is None else min(self.first, time)
        self.last = time if self.last is None else max(self.last, time)


@dataclass(slots=True)
class _RowCount:
    told: int = 0
    empty: int = 0

    def list_told(
        self, answers: Iterable[KnownAnswer]
    ) -> Iterator[tuple[bytes, bytes, float | None]]:
        """List the rows that say anything, and count all of them."""
        for one in answers:
            if one.value is None:
                self.empty += 1
            else:
                self.told += 1
                yield _encode(one.request), _encode(one.value), one.time


@dataclass(slots=True)
class AnswerJoin:
    """The answers of each version beside what is known; `versions` are in the order of the log."""

    connection: sqlite3.Connection
    logged: LoggedCount = field(default_factory=LoggedCount)
    versions: dict[str, int] = field(default_factory=dict)

    def add_predictions(self, events: Iterable[JoinableEvent]) -> None:
        """Add events, as far as they hold an answer."""
        before = self.connection.total_changes, self.logged.answers
        self.connection.executemany(_ADD_PREDICTION, self._list_answers(events))
        inserted = self.connection.total_changes - before[0]
        self.logged.repeated += self.logged.answers - before[1] - inserted

    def _list_answers(self, events: Iterable[JoinableEvent]) -> Iterator[tuple[object, ...]]:
        for event, request, label in events:
            answer = find_answer(event)
            if answer is None:
                self.logged.open += 1
                continue
            self.logged.answers += 1
            self.logged.add_time(event.time)
            yield (
                None if event.key is None else _sign_key(event.key),
                self._number_version(event),
                _encode(request),
                None if label is None else _encode(label),
                _encode(answer),
                event.time,
            )

    def _number_version(self, event: PredictionEvent) -> int:
        if len(self.versions) >= _MOST_VERSIONS and event.version not in self.versions:
            raise MlverError(
                f"{event.place} names one more than {_MOST_VERSIONS:,} versions",
                hint=HINT,
            )
        return self.versions.setdefault(event.version, len(self.versions))

    def add_known(self, answers: Iterable[KnownAnswer]) -> KnownTotals:
        """Add what is known; call it once, after the predictions."""
        counts = _RowCount()
        add = _ADD_KNOWN.format(table="truth")
        self.connection.executemany(add, counts.list_told(answers))
        requests, conflicting = self._ask("SELECT count(*), total(conflicts > 0) FROM truth")
        self.connection.execute("CREATE INDEX by_request ON prediction (request)")
        (unmatched,) = self._ask(
            "SELECT count(*) FROM truth WHERE NOT EXISTS"
            " (SELECT 1 FROM prediction WHERE prediction.request = truth.request)"
        )
        return KnownTotals(
            rows=counts.told + counts.empty,
            empty=counts.empty,
            repeated=counts.told - int(requests),
            conflicting=int(conflicting),
            unmatched=int(unmatched),
        )

    def add_labels(self, answers: Iterable[KnownAnswer]) -> None:
        """Add the truth that both the answers and what is known of them are judged by."""
        add = _ADD_KNOWN.format(table="label")
        self.connection.executemany(add, _RowCount().list_told(answers))

    def list_known(self) -> Iterator[str]:
        """List what is known, as far as nothing contradicts it."""
        for (value,) in self.connection.execute("SELECT value FROM truth WHERE conflicts = 0"):
            yield _decode(value)

    def count_answers(self, version: str) -> int:
        """Count the answers of a version, each once."""
        words = "SELECT count(*) FROM prediction WHERE version = ?"
        return int(self._ask(words, self.versions[version])[0])

    def list_joined(self, version: str) -> Iterator[JoinedAnswer]:
        """List the answers of a version of which something is known."""
        words = f"SELECT answer, truth.value, prediction.time, truth.time {_JOINED}"
        for answer, value, time, known in self.connection.execute(words, (self.versions[version],)):
            yield JoinedAnswer(_decode(answer), _decode(value), time, known)

    def list_labelled(self, version: str) -> Iterator[tuple[str, str, str]]:
        """List the answers of a version, what is known of them, and the truth of both."""
        words = f"SELECT answer, truth.value, label.value {_LABELLED}"
        for row in self.connection.execute(words, (self.versions[version],)):
            answer, known, label = map(_decode, row)
            yield answer, known, label

    def find_median_known(self, version: str) -> float | None:
        """Find when half of what is known of a version was known; None where no row says when."""
        number = self.versions[version]
        words = f"SELECT count(truth.time) {_JOINED}"
        count = int(self._ask(words, number)[0])
        if not count:
            return None
        words = f"SELECT truth.time {_JOINED} AND truth.time NOTNULL ORDER BY 1 LIMIT 1 OFFSET ?"
        return float(self._ask(words, number, (count - 1) // 2)[0])

    def _ask(self, words: str, *values: int) -> tuple[float, ...]:
        row: tuple[float, ...] = self.connection.execute(words, values).fetchone()
        return row


@contextmanager
def joining_answers() -> Iterator[AnswerJoin]:
    """Open a join for a `with` block; raise MlverError where the disk takes no more."""
    try:
        with closing(sqlite3.connect("", isolation_level=None)) as connection:
            connection.executescript(_TABLES.format(cache=_CACHE_KIB))
            connection.execute("BEGIN")
            yield AnswerJoin(connection)
    except sqlite3.Error as error:
        raise MlverError(
            f"joining failed in the folder for temporary files: {error}; free some space there, or"
            " name another one as TMPDIR",
            hint="df -h",
        ) from error


def find_answer(event: PredictionEvent) -> str | None:
    """Find what an event answered; None where that was an error, or nothing that can be right."""
    if event.data.get("outcome") == "error":
        return None
    return write_answer(event.data.get("prediction"))


def _sign_key(key: int) -> int:
    """SQLite's integers have a sign."""
    return key - (1 << 64) if key >> 63 else key


def _encode(text: str) -> bytes:
    # JSON may hold half of a surrogate pair, which is no UTF-8.
    return text.encode(errors="surrogatepass")


def _decode(data: bytes) -> str:
    return data.decode(errors="surrogatepass")
