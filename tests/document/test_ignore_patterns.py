"""Patterns of a `.mlverignore`: read as git reads them, in linear time."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlver.document.ignore_patterns import (
    IgnoreRefused,
    IgnoreTest,
    list_patterns,
    parse_patterns,
)
from mlver.hashing.walk import walk_files

TREE = (
    "a a.tmp ab/a ab/b/a ab/b/c.tmp ab/b/keep b.tmp/a b/a b/ab/a c/.DS_Store c/a/b/c é.tmp #a !a"
    " k/k/k/a a[b d.c"
).split(" ")


def parse_test(patterns: str | bytes) -> IgnoreTest:
    data = patterns if isinstance(patterns, bytes) else patterns.encode()
    parsed = parse_patterns(data)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize(
    ("patterns", "ignored", "kept"),
    [
        pytest.param("*.tmp\n", ["a.tmp", "x/a.tmp", "d.tmp/"], ["tmp", "a.tmp.txt"], id="glob"),
        pytest.param("/a\n", ["a", "a/"], ["b/a"], id="anchored by a slash in front"),
        pytest.param("x/a\n", ["x/a"], ["a", "y/x/a"], id="anchored by a slash inside"),
        pytest.param("cache/\n", ["cache/", "x/cache/"], ["cache"], id="folders only"),
        pytest.param("*\n!keep\n", ["a", "b/"], ["keep", "x/keep"], id="negation"),
        pytest.param("a\n!a\na\n", ["a"], ["b"], id="the last one decides"),
        pytest.param("x/**\n", ["x/a", "x/b/"], ["x/", "y/x/a"], id="everything in a folder"),
        pytest.param("**/x\n", ["x", "y/x"], ["xy"], id="at any depth"),
        pytest.param("A\n", ["A"], ["a"], id="case counts"),
        pytest.param("\\#a\n", ["#a"], ["a"], id="an escaped hash"),
        pytest.param("a\r\n", ["a"], ["a\r"], id="lines that end as on Windows"),
        pytest.param("\ufeffa\n", ["a"], ["b"], id="a byte order mark"),
        pytest.param("a b  \n", ["a b"], ["a b  "], id="blanks at the end"),
        pytest.param("a*b\n", ["a\nb"], ["a/b"], id="a newline in a name"),
    ],
)
def test_patterns_mean_what_they_mean_in_a_gitignore(
    patterns: str, ignored: Sequence[str], kept: Sequence[str]
) -> None:
    is_ignored = parse_test(patterns)
    assert [path for path in ignored if not is_ignored(path.encode())] == []
    assert [path for path in kept if is_ignored(path.encode())] == []


def test_a_name_that_is_not_utf_8_is_matched_by_its_bytes() -> None:
    assert parse_test("*.tmp")(b"\xff\xfe.tmp")
    assert not parse_test("é.tmp")(b"\xe9.tmp")


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# nothing\n  \n", b"[\n/\n"])
def test_without_a_pattern_there_is_no_test(data: bytes) -> None:
    assert parse_patterns(data) is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"a\n\xff\n", "line 2 is not UTF-8", id="not UTF-8"),
        pytest.param(b"a\na\\\n", "line 2 is `a\\`, which is no pattern", id="a lone backslash"),
        pytest.param(b"!\n", "line 1 is `!`, which is no pattern", id="nothing negated"),
        pytest.param(b"[z-a]\n", "line 1 is `[z-a]`, which is too large or no", id="a bad range"),
        pytest.param(b"a*" * 9000, "its patterns are too large", id="a large pattern"),
        pytest.param(b"a*a*a*a*a*a*\n" * 4000, "its patterns are too large", id="many patterns"),
    ],
)
def test_what_is_no_list_of_patterns_is_refused_with_the_place(data: bytes, message: str) -> None:
    with pytest.raises(IgnoreRefused) as refused:
        parse_patterns(data)
    assert message in str(refused.value)


@pytest.mark.parametrize("pattern", ["*" + "a*" * 20 + "b", "**/" * 30 + "b", "[a-z]*" * 40 + "!"])
def test_a_hostile_pattern_takes_linear_time(pattern: str) -> None:
    is_ignored = parse_test(pattern)
    started = time.monotonic()
    for path in (b"a" * 255, b"a/" * 2000, b"/".join([b"a" * 255] * 15)):
        assert not is_ignored(path)
    assert time.monotonic() - started < 5


def test_patterns_are_listed_with_their_lines() -> None:
    assert list_patterns(b"# one\n\na\n b\n") == [(3, "a"), (4, " b")]


# -- git itself says what is right -----------------------------------------------------------------

_SEGMENTS = st.sampled_from("a b ab *.tmp * ** a? [ab]* k c keep .DS_Store é* b.tmp".split())


@st.composite
def pattern_lines(draw: st.DrawFn) -> str:
    segments = "/".join(draw(st.lists(_SEGMENTS, min_size=1, max_size=3)))
    start = draw(st.sampled_from(["", "", "/", "!", "!/"]))
    return start + segments + draw(st.sampled_from(["", "", "/"]))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("ignored")
    for name in TREE:
        place = top / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "--quiet", str(top)], check=True, env=environment)
    return top


def list_kept_by_git(top: Path, patterns: str) -> set[bytes]:
    pattern_file = top / ".git" / "patterns"
    pattern_file.write_text(patterns)
    command = [
        "git",
        "-C",
        str(top),
        "ls-files",
        "-z",
        "--others",
        f"--exclude-from={pattern_file}",
    ]
    listed = subprocess.run(command, check=True, capture_output=True).stdout
    return set(listed.split(b"\0")[:-1])


@settings(deadline=None, max_examples=150)
@given(st.lists(pattern_lines(), min_size=1, max_size=5))
@example(["ab/**", "!ab/b/"])
@example(["ab/b", "ab", "!ab"])
@example(["ab/", "!ab/b/keep"])
@example(["*/**", "!/c/a"])
def test_git_leaves_out_the_same_files(tree: Path, lines: list[str]) -> None:
    patterns = "\n".join(lines) + "\n"
    faults: list[str] = []
    is_ignored = parse_patterns(patterns.encode())

    def leaves_out(path: bytes) -> bool:
        return path == b".git/" or (is_ignored is not None and is_ignored(path))

    walked = walk_files(os.fsencode(tree), faults.append, is_ignored=leaves_out)
    assert {path for path, _ in walked} == list_kept_by_git(tree, patterns)
    assert faults == []
