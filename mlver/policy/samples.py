"""A file of samples: what a version did with each row of a data set, one line a row, in its order.

A line is a score, such as 1 for right and 0 for wrong, or a score, a tab and the answer itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mlver.errors import InvalidDocument

# Some ten million rows; nobody reads on behind it.
SAMPLES_LIMIT = 64 << 20
_FAULTS_SHOWN = 5
_LONGEST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Samples:
    """A score for each row, and the answers where the file has them, else nothing."""

    scores: tuple[float, ...]
    answers: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.scores)


def parse_samples(data: bytes, path: str) -> Samples:
    """Read a file of samples; raise InvalidDocument, which names the lines, for anything else."""
    if len(data) > SAMPLES_LIMIT:
        raise InvalidDocument(path, (f"it is larger than {SAMPLES_LIMIT >> 20} MiB",))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise InvalidDocument(path, ("it is not UTF-8 text",)) from None
    lines = text.removesuffix("\n").split("\n") if text else []
    if not lines:
        raise InvalidDocument(path, ("it is empty, and has a score for each row",))
    faults = _list_faults(lines)
    if faults:
        raise InvalidDocument(path, faults)
    scores: list[float] = []
    answers: list[str] = []
    for line in lines:
        score, tab, answer = line.removesuffix("\r").partition("\t")
        scores.append(float(score))
        if tab:
            answers.append(answer)
    return Samples(tuple(scores), tuple(answers))


def _list_faults(lines: list[str]) -> tuple[str, ...]:
    faults: list[str] = []
    for fault in _find_faults(lines):
        if len(faults) == _FAULTS_SHOWN:
            faults.append("and more lines like these")
            break
        faults.append(fault)
    return tuple(faults)


def _find_faults(lines: list[str]) -> Iterator[str]:
    with_answers = "\t" in lines[0]
    for number, line in enumerate(lines, start=1):
        score, tab, _ = line.removesuffix("\r").partition("\t")
        if not _is_score(score):
            shown = score if len(score) <= _LONGEST_SHOWN else f"{score[:_LONGEST_SHOWN]}…"
            yield f"line {number}: {shown!r} is not a finite number"
        elif bool(tab) is not with_answers:
            yield f"line {number}: either every line has an answer behind a tab, or none has"


def _is_score(text: str) -> bool:
    # Python reads 1_000 and other alphabets' digits as well; no other program would.
    if "_" in text or not text.isascii():
        return False
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """On how many of the `rows` two versions did the same: gave the same answer, or the same score
    where their samples have no answers.
    """

    rows: int
    alike: int
    of: Literal["answers", "scores"]


def measure_agreement(one: Samples, other: Samples) -> Agreement:
    """Count the rows on which two versions agree; raise ValueError for other rows or none."""
    if len(one) != len(other) or not len(one):
        raise ValueError(f"{len(one):,} and {len(other):,} rows cannot be paired")
    if one.answers and other.answers:
        alike = sum(map(str.__eq__, one.answers, other.answers))
        return Agreement(rows=len(one), alike=alike, of="answers")
    alike = sum(map(float.__eq__, one.scores, other.scores))
    return Agreement(rows=len(one), alike=alike, of="scores")
