"""Settings with a section of a newer mlver: what looks goes on, what decides or writes refuses."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_refused
from tests.conftest import Repository

CONFIG = ".mlver/config.yaml"
SENTENCE = (
    ".mlver/config.yaml has a section that this mlver does not know: `remotes` "
    "(written by a newer mlver?)"
)
LOOKING = [
    ("list",),
    ("show", "digits"),
    ("log",),
    ("status",),
    ("diff", "digits@1.0.0", "digits@1.1.0"),
    ("verify",),
]
REFUSING = [
    ("register", "digits", "--bump", "minor", "-m", "WHY"),
    ("promote", "digits", "--to", "staging", "-m", "WHY"),
    ("promote", "digits", "--to", "staging", "-m", "WHY", "--dry-run"),
    ("rollback", "digits", "--stage", "staging", "-m", "WHY"),
    ("tag",),
    ("checkout", "digits@1.0.0"),
]


@pytest.fixture
def newer(second: Repository) -> Repository:
    """A repository in which somebody with a newer mlver added a section."""
    text = (second.path / CONFIG).read_text()
    second.write(CONFIG, f"{text}remotes:\n  origin: {{url: s3://bucket}}\n")
    return second


@pytest.mark.parametrize("words", LOOKING, ids=lambda words: words[0])
def test_what_only_looks_goes_on_and_says_so(newer: Repository, words: tuple[str, ...]) -> None:
    result = newer.mlver(*words)
    assert result.code == 0, result.err
    assert result.err.count(SENTENCE) == 1
    assert SENTENCE not in result.out


@pytest.mark.parametrize("words", REFUSING, ids=" ".join)
def test_what_decides_or_writes_refuses(newer: Repository, words: tuple[str, ...]) -> None:
    message = assert_refused(newer, *words)
    assert message == f"error: {SENTENCE}\nhint: pip install --upgrade mlver\n"


@pytest.mark.parametrize("words", [("hook", "check"), ("hook", "guard"), ("hook", "pre-commit")])
def test_hooks_refuse(newer: Repository, words: tuple[str, ...]) -> None:
    newer.git("add", CONFIG)
    result = newer.mlver(*words)
    assert (result.code, SENTENCE in result.err) == (3, True)


def test_a_hook_looks_at_what_would_be_committed(newer: Repository) -> None:
    """The section is in the work tree, and not in the commit that the hook judges."""
    newer.write("note.txt", "text")
    newer.git("add", "note.txt")
    assert newer.mlver("hook", "pre-commit").code == 0


def test_doctor_names_the_section(newer: Repository) -> None:
    assert "remotes" in newer.mlver("doctor").out


def test_a_key_that_a_known_section_lacks_is_still_refused(second: Repository) -> None:
    second.write(CONFIG, "schema: mlver/config/1\nguard:\n  max_size: 70000\n")
    message = assert_refused(second, "promote", "digits", "--to", "staging", "-m", "WHY")
    assert "line 3: guard.max_size: unknown key `max_size`" in message
