"""`.mlverignore` lets files of an artifact into git: as git holds it, and none that is pinned."""

from __future__ import annotations

import pytest

from tests.cli.results import read_document
from tests.features.hooks.hooks import HookedRepository


@pytest.fixture
def with_readme(here: HookedRepository) -> HookedRepository:
    """With a file in the folder of an artifact that no version pins."""
    here.write("model/README.md", "What this model is for\n")
    here.git("add", "--force", "model/README.md")
    return here


def test_patterns_that_the_commit_does_not_hold_let_nothing_through(
    with_readme: HookedRepository,
) -> None:
    with_readme.write(".mlverignore", "README.md\n")
    said = with_readme.assert_refuses("commit", "-m", "By mistake")
    assert "model/README.md is an artifact (" in said
    with_readme.git("add", ".mlverignore")
    # What lies in the work tree by now does not count, either.
    (with_readme.path / ".mlverignore").unlink()
    with_readme.assert_passes("commit", "-m", "Keep the words in git")


@pytest.mark.parametrize("content", [b"\xff", b"#" * 70_000 + b"\nREADME.md\n"])
def test_patterns_that_cannot_be_used_let_nothing_through(
    with_readme: HookedRepository, content: bytes
) -> None:
    with_readme.write(".mlverignore", content)
    with_readme.git("add", ".mlverignore")
    assert "model/README.md is an artifact (" in with_readme.assert_refuses("commit", "-m", "No")


def test_a_symlink_in_the_place_of_the_patterns_lets_nothing_through(
    with_readme: HookedRepository,
) -> None:
    (with_readme.path / ".mlverignore").symlink_to("README.md")
    with_readme.git("add", ".mlverignore")
    assert "model/README.md is an artifact (" in with_readme.assert_refuses("commit", "-m", "No")


def test_what_a_version_pins_stays_out_of_git(here: HookedRepository) -> None:
    here.write(".mlverignore", "*.safetensors\n")
    here.write("model/other.safetensors", b"\0")
    here.git("add", "--force", ".mlverignore", "model")
    said = here.assert_refuses("commit", "-m", "By mistake")
    assert "model/weights.safetensors is an artifact (" in said
    assert "other.safetensors" not in said


def test_a_range_is_judged_by_the_patterns_at_its_base(with_readme: HookedRepository) -> None:
    start = with_readme.git("rev-parse", "HEAD")
    with_readme.git("commit", "--no-verify", "--quiet", "-m", "A file")
    with_readme.write(".mlverignore", "README.md\n")
    with_readme.git("add", ".mlverignore")
    with_readme.git("commit", "--no-verify", "--quiet", "-m", "Let it through")
    between = ("--from", start, "--to", "HEAD", "--json")
    found = read_document(with_readme.mlver("hook", "guard", *between), "hook")
    assert [one["subject"] for one in found["broken"]] == ["model/README.md"]
    with_readme.write("model/deep/README.md", "More\n")
    with_readme.git("add", "--force", "model/deep/README.md")
    with_readme.git("commit", "--no-verify", "--quiet", "-m", "Another")
    between = ("--from", "HEAD~1", "--to", "HEAD", "--json")
    assert read_document(with_readme.mlver("hook", "guard", *between), "hook")["ok"]
