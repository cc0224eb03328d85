"""Settings with a section of a newer mlver: what looks goes on, what decides or writes refuses."""

from __future__ import annotations

import pytest

from mlver.project.project import Project
from tests.cli.conftest import assert_refused
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.project.helpers import flip_bit, leave_interrupted

CONFIG = ".mlver/config.yaml"
FAULT = "has a section that this mlver does not know: `teleport` (written by a newer mlver?)"
SENTENCE = f".mlver/config.yaml {FAULT}"
LOOKING = [
    ("list",),
    ("show", "digits"),
    ("log",),
    ("status",),
    ("diff", "digits@1.0.0", "digits@1.1.0"),
]
REFUSING = [
    ("register", "digits", "--bump", "minor", "-m", "why"),
    ("promote", "digits", "--to", "staging", "-m", "why"),
    ("promote", "digits", "--to", "staging", "-m", "why", "--dry-run"),
    ("rollback", "digits", "--stage", "staging", "-m", "why"),
    ("tag",),
    ("checkout", "digits@1.0.0"),
]


@pytest.fixture
def newer(second: Repository) -> Repository:
    """A repository in which somebody with a newer mlver added a section."""
    text = (second.path / CONFIG).read_text()
    second.write(CONFIG, f"{text}teleport:\n  rounds: {{psi: 0.2}}\n")
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


def test_verify_says_so_in_its_result(newer: Repository) -> None:
    """What the section asks for was not checked, and a program has to know."""
    shown = newer.mlver("verify", "--all")
    assert (shown.code, shown.err) == (0, "")
    assert f"settings  {SENTENCE}\n" in shown.out
    assert "hint: pip install --upgrade mlver\n" in shown.out
    result = read_document(newer.mlver("verify", "--json"), "verify")
    assert (result["ok"], result["broken"]) == (True, [])
    (note,) = result["notes"]
    assert (note["kind"], note["subject"], note["message"]) == ("settings", CONFIG, FAULT)


def test_verify_sets_damaged_copies_aside_all_the_same(newer: Repository) -> None:
    packs = newer.path / ".git/mlver/packs"
    for pack in packs.glob("*.pack"):
        flip_bit(pack, 515)
    result = newer.mlver("verify", "--all")
    assert result.code == 1
    assert "note: set a damaged copy of " in result.err
    assert any((newer.path / ".git/mlver/quarantine").iterdir())


@pytest.mark.parametrize("what", ["check", "pre-commit"])
def test_hooks_refuse(newer: Repository, what: str) -> None:
    newer.git("add", CONFIG)
    result = newer.mlver("hook", what)
    assert (result.code, result.err) == (1, "")
    assert result.out.startswith("mlver refuses this commit: 1 reason\n")
    assert SENTENCE in result.out


def test_the_guard_needs_no_other_section(newer: Repository) -> None:
    newer.git("add", CONFIG)
    assert newer.mlver("hook", "guard").code == 0


def test_a_hook_looks_at_what_would_be_committed(newer: Repository) -> None:
    """The section is in the work tree, and not in the commit that the hook judges."""
    newer.write("note.txt", "text")
    newer.git("add", "note.txt")
    assert newer.mlver("hook", "pre-commit").code == 0


def test_doctor_names_the_section(newer: Repository) -> None:
    assert "teleport" in newer.mlver("doctor").out


def test_doctor_fixes_what_the_settings_cannot_forbid(newer: Repository) -> None:
    """What was interrupted is settled, and what would be written is left as it is."""
    attributes = newer.path / ".mlver/.gitattributes"
    attributes.unlink()
    leave_interrupted(Project.open_existing(newer.path))
    result = newer.mlver("doctor", "--fix")
    assert (result.code, result.err) == (1, "note: undid `promote m`, which had not finished\n")
    lines = [line.split() for line in result.out.splitlines()]
    assert ["fixed", "recovery", "`promote", "m`"] in [words[:4] for words in lines]
    assert ["wrong", ".mlver/.gitattributes", "is", "missing"] in lines
    assert ["wrong", CONFIG] in [words[:2] for words in lines]
    assert not (newer.path / ".git/mlver/intent.json").exists()
    assert not attributes.exists()


def test_a_key_that_a_known_section_lacks_is_still_refused(second: Repository) -> None:
    second.write(CONFIG, "schema: mlver/config/1\nguard:\n  max_size: 70000\n")
    message = assert_refused(second, "promote", "digits", "--to", "staging", "-m", "why")
    assert "line 3: guard.max_size: unknown key `max_size`" in message
