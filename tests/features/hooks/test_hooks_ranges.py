"""A range of commits, as a pull request is checked: judged by its commits, not by what is left."""

from __future__ import annotations

import os
from pathlib import Path

from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.hooks.hooks import HookedRepository


def test_a_range_is_judged_by_its_commits(here: HookedRepository) -> None:
    start = here.git("rev-parse", "HEAD")
    here.write("large.bin", b"\0" * 11_000_000)
    here.git("add", "--all")
    here.git("commit", "--no-verify", "--quiet", "-m", "Large")
    here.git("rm", "--quiet", "large.bin")
    here.edit_record()
    here.git("commit", "--no-verify", "--quiet", "-am", "Gone, but not from history")
    between = ("--from", start, "--to", "HEAD", "--json")
    found = read_document(here.mlver("hook", "guard", *between), "hook")
    assert [(one["kind"], one["subject"]) for one in found["broken"]] == [("size", "large.bin")]
    found = read_document(here.mlver("hook", "check", *between), "hook")
    assert (found["ok"], found["looked"]) == (False, 1)
    assert found["broken"][0]["message"] == f"is not the record that landed in {start[:10]}"
    assert here.mlver("hook", "check", "--from", "HEAD", "--to", "HEAD").code == 0


def test_what_a_file_held_in_between_is_judged_too(here: HookedRepository) -> None:
    start = here.git("rev-parse", "HEAD")
    for size in (1, 11_000_000, 2):
        here.write("data.bin", b"\0" * size)
        here.git("add", "--all")
        here.git("commit", "--no-verify", "--quiet", "-m", "More")
    found = read_document(
        here.mlver("hook", "guard", "--from", start, "--to", "HEAD", "--json"), "hook"
    )
    assert [(one["kind"], one["subject"]) for one in found["broken"]] == [("size", "data.bin")]


def test_a_range_does_not_let_itself_through(here: HookedRepository) -> None:
    start = here.git("rev-parse", "HEAD")
    config = here.path / ".mlver/config.yaml"
    config.write_text(config.read_text() + "guard: {allow: ['*']}\n")
    here.write("large.bin", b"\0" * 11_000_000)
    here.git("add", "--all")
    here.git("commit", "--no-verify", "--quiet", "-m", "Large, and let through")
    found = read_document(
        here.mlver("hook", "guard", "--from", start, "--to", "HEAD", "--json"), "hook"
    )
    assert [(one["kind"], one["subject"]) for one in found["broken"]] == [("size", "large.bin")]
    assert here.mlver("hook", "guard", "--from", "HEAD", "--to", "HEAD").code == 0


def test_a_range_that_is_none_is_named(here: HookedRepository) -> None:
    done = here.mlver("hook", "check", "--from", "--output=x", "--to", "HEAD")
    assert done.code == 3
    assert "there is no commit `--output=x` here" in done.err
    assert here.mlver("hook", "check", "--from", "HEAD").code == 2
    assert here.mlver("hook", "pre-push", "--from", "HEAD", "--to", "HEAD").code == 2


def test_only_a_shallow_clone_is_told_to_fetch_the_rest(
    here: HookedRepository, tmp_path: Path
) -> None:
    new_branch = "0" * 40
    for revision in ("nope", new_branch):
        said = here.mlver("hook", "check", "--from", revision, "--to", "HEAD").err
        assert said.startswith(f"error: there is no commit `{revision}` here")
        assert ("for a new branch, compare with the main branch" in said) == (revision != "nope")
        assert said.endswith("\nhint: git fetch\nhint: git branch --all\n")
    clone = Repository(tmp_path / "shallow")
    source = f"file://{here.path}"
    here.git("clone", "--quiet", "--depth", "1", source, os.fspath(clone.path))
    said = clone.mlver("hook", "check", "--from", "nope", "--to", "HEAD").err
    assert said.endswith("\nhint: git fetch --unshallow\n")


def test_main_may_move_on_while_a_branch_is_judged(here: HookedRepository) -> None:
    here.git("switch", "--quiet", "-c", "topic")
    here.add_unsealed("3.0.0")
    here.commit("Topic")
    here.git("switch", "--quiet", "main")
    here.add_unsealed("2.0.0")
    here.commit("Main moves on")
    assert here.mlver("hook", "check", "--from", "main", "--to", "topic").code == 0
