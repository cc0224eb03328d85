"""Hooks under settings that this mlver cannot read, and beside settings at fault elsewhere."""

from __future__ import annotations

import pytest

from tests.conftest import Repository
from tests.features.hooks.hooks import HookedRepository, with_hooks

pytestmark = pytest.mark.usefixtures("warm")

CONFIG = ".mlver/config.yaml"
SENTENCE = (
    f"{CONFIG} has a section that this mlver does not know: `teleport` (written by a newer mlver?)"
)
MISPLACED = ".mlver/models/other/model.yaml"


@pytest.fixture
def newer(second: Repository) -> HookedRepository:
    """A repository whose main branch has the settings of a newer mlver."""
    assert second.mlver("hook", "install").code == 0
    text = (second.path / CONFIG).read_text()
    second.write(CONFIG, f"{text}teleport:\n  target: prod\n")
    second.git("add", "--all")
    second.git("commit", "--quiet", "--no-verify", "-m", "Settings of a newer mlver")
    return with_hooks(second)


@pytest.fixture
def misplaced(second: Repository) -> HookedRepository:
    """A repository in which the settings of one model lie in the folder of another."""
    second.write(MISPLACED, "schema: mlver/model/1\nmodel: digits\n")
    second.commit("Settings in the wrong folder")
    assert second.mlver("hook", "install").code == 0
    return with_hooks(second)


def test_a_commit_without_records_passes(newer: HookedRepository) -> None:
    newer.write("photo.bin", b"\0" * 100_000)
    newer.git("add", "photo.bin")
    newer.assert_passes("commit", "-m", "A photo")


def test_a_file_too_large_is_still_refused(newer: HookedRepository) -> None:
    newer.write("photo.bin", b"\0" * 11_000_000)
    newer.git("add", "photo.bin")
    message = newer.assert_refuses("commit", "-m", "A photo")
    assert "photo.bin is 11,000,000 bytes" in message


def test_a_commit_of_a_record_is_refused_as_a_commit(newer: HookedRepository) -> None:
    newer.add_unsealed("3.0.0")
    newer.git("add", "--all")
    message = newer.assert_refuses("commit", "-m", "A version")
    assert message.startswith("mlver refuses this commit: 1 reason\n")
    assert SENTENCE in message
    assert "hint: pip install --upgrade mlver\n" in message


def test_taking_the_section_out_passes(newer: HookedRepository) -> None:
    text = (newer.path / CONFIG).read_text()
    newer.write(CONFIG, text.partition("teleport:")[0])
    newer.git("add", "--all")
    newer.assert_passes("commit", "-m", "Settings of this mlver")


def test_a_push_of_a_record_is_refused_as_a_push(newer: HookedRepository) -> None:
    newer.git("branch", "before", "HEAD~1")
    newer.add_unsealed("3.0.0")
    newer.git("add", "--all")
    newer.git("commit", "--quiet", "--no-verify", "-m", "A version")
    head, base = newer.git("rev-parse", "HEAD"), newer.git("rev-parse", "HEAD~1")
    line = f"refs/heads/side {head} refs/heads/side {base}\n"
    result = newer.run_process("sh", ".git/hooks/pre-push", "origin", "url", stdin=line)
    assert result.code == 1
    assert result.err.startswith("mlver refuses this push: 1 reason\n")
    assert SENTENCE in result.err


def test_settings_that_are_not_valid_are_named_once(second: Repository) -> None:
    assert second.mlver("hook", "install").code == 0
    second.write(CONFIG, "schema: mlver/config/1\nstages: 5\n")
    second.write("photo.bin", b"\0" * 100_000)
    second.git("add", "--all")
    message = with_hooks(second).assert_refuses("commit", "-m", "A photo")
    assert message.startswith("mlver refuses this commit: 1 reason\n")
    assert message.count("stages: ") == 1


def test_a_misplaced_file_of_settings_stops_no_other_commit(misplaced: HookedRepository) -> None:
    misplaced.write("photo.bin", b"\0" * 100_000)
    misplaced.git("add", "photo.bin")
    misplaced.assert_passes("commit", "-m", "A photo")


def test_a_commit_that_brings_it_is_refused_with_what_shows_it(misplaced: HookedRepository) -> None:
    misplaced.write(MISPLACED, "schema: mlver/model/1\nmodel: digits\ndescription: Mine\n")
    misplaced.git("add", "--all")
    message = misplaced.assert_refuses("commit", "-m", "Settings")
    assert f"{MISPLACED} is not valid: it says that it belongs at" in message
    assert f"hint: git diff --cached -- {MISPLACED}\n" in message
