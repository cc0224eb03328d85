"""A file of samples: a score for each row, and the answer where it is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import InvalidDocument
from mlver.policy import samples
from mlver.policy.samples import Samples, parse_samples


def test_scores_alone_and_with_answers() -> None:
    assert parse_samples(b"1\n0\n0.5\n", "s") == Samples((1.0, 0.0, 0.5), ())
    assert parse_samples(b"1\tcat\r\n0\t\r\n", "s") == Samples((1.0, 0.0), ("cat", ""))
    assert len(parse_samples(b"-1e3", "s")) == 1


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "it is empty"),
        (b"\xff\n", "it is not UTF-8 text"),
        (b"1\n\n", "line 2: '' is not a finite number"),
        (b"nan\n", "line 1: 'nan' is not a finite number"),
        (b"1\ninf\n", "line 2: 'inf' is not a finite number"),
        (b"1_0\n", "line 1: '1_0' is not a finite number"),
        ("\u0661\n".encode(), "is not a finite number"),
        (b"0x1\n", "line 1: '0x1' is not a finite number"),
        (b"1\x00\n", "is not a finite number"),
        (b"score\n1\n", "line 1: 'score' is not a finite number"),
        (b"1\tcat\n0\n", "line 2: either every line has an answer behind a tab, or none has"),
        (b"a" * 1000, "…' is not a finite number"),
    ],
)
def test_anything_else_is_refused_by_line(data: bytes, fault: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse_samples(data, "scores.txt")
    assert fault in "\n".join(refused.value.faults)


def test_many_faults_are_told_in_few_lines() -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse_samples(b"x\n" * 1000, "scores.txt")
    assert len(refused.value.faults) == 6
    assert refused.value.faults[-1] == "and more lines like these"


def test_a_file_that_is_too_large_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SAMPLES_LIMIT", 3)
    assert len(parse_samples(b"1\n1", "s")) == 2
    with pytest.raises(InvalidDocument):
        parse_samples(b"1\n1\n", "s")


@given(st.binary(max_size=40))
def test_whatever_the_bytes_it_is_samples_or_refused(data: bytes) -> None:
    try:
        read = parse_samples(data, "s")
    except InvalidDocument:
        return
    assert len(read.scores) == data.count(b"\n") + (not data.endswith(b"\n"))
    assert len(read.answers) in (0, len(read))
