"""`mlver resolve` as it is typed; and the driver that git runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.cli.results import digest_tree, read_document
from tests.conftest import CHECKOUT, Repository


@pytest.fixture
def stopped(second: Repository) -> Repository:
    """`topic` has a 1.1.0 of its own; its merge into `main` has stopped."""
    second.git("tag", "--delete", "digits@v1.1.0")
    second.git("switch", "--quiet", "-c", "topic", "digits@v1.0.0^{commit}")
    train_model(second, 3, commit=False)
    assert_works(
        second, "register", "digits", "--bump", "minor", "-m", "Topic's own", "--allow-dirty"
    )
    second.git("stash", "--quiet")
    second.git("switch", "--quiet", "main")
    assert merged(second, "topic") == 1
    return second


def merged(repository: Repository, branch: str, **env: str) -> int:
    words = ["git", "merge", "--quiet", "--no-edit", branch]
    return subprocess.run(
        words, cwd=repository.path, capture_output=True, check=False, env={**os.environ, **env}
    ).returncode


def test_the_screen_tells_what_became_of_what(stopped: Repository) -> None:
    rows = (
        "  digits/versions/1.1.0 → digits/versions/1.2.0  1.1.0 is taken by the other side\n"
        "  tag digits@v1.1.0                              deleted: no remote has it\n"
    )
    before = digest_tree(stopped.path)
    assert (
        assert_works(stopped, "resolve", "--dry-run")
        == f"Would rewrite theirs in this merge (ours is on main)\n{rows}"
    )
    assert digest_tree(stopped.path) == before
    assert assert_works(stopped, "resolve") == (
        "Rewrote theirs in this merge (ours is on main)\n"
        f"{rows}next: git merge --continue\nnext: mlver tag\n"
    )
    assert assert_works(stopped, "resolve").startswith(
        "all of it is settled already; nothing changed\n"
    )
    stopped.git("commit", "--quiet", "--no-edit")
    assert "Sealed digits@v1.2.0" in assert_works(stopped, "tag")
    assert assert_works(stopped, "resolve") == "no record is in anybody's way; nothing changed\n"
    assert [line.split()[0] for line in assert_works(stopped, "list").splitlines()[3:]] == [
        "1.2.0",
        "1.1.0",
        "1.0.0",
    ]


def test_as_a_document(stopped: Repository) -> None:
    document = read_document(stopped.mlver("resolve", "--json"), "resolve")
    assert (document["ok"], document["rewrite"], document["untagged"]) == (
        True,
        "theirs",
        ["digits@v1.1.0"],
    )
    assert document["written"] == [
        layout.version_path("digits", number) for number in ("1.1.0", "1.2.0")
    ]
    stopped.git("merge", "--abort")
    assert assert_works(stopped, "tag").startswith(
        "Sealed digits@v1.1.0"
    )  # given up, nothing is lost


def test_a_merge_that_somebody_tries_to_go_on_with_first(stopped: Repository) -> None:
    output = assert_refused(stopped, "promote", "digits@1.0.0", "--to", "staging", "-m", "x")
    assert "a merge is in progress" in output
    assert "`both`" in assert_refused(stopped, "resolve", "--rewrite", "both", code=2)


def test_in_a_merge_the_next_step_is_the_one_that_helps(stopped: Repository) -> None:
    """Not `git commit --all`, which would commit the markers of the conflict."""
    stopped.write("train.py", "changed")
    stopped.git("add", "train.py")
    refused = stopped.mlver("register", "digits", "--bump", "patch", "-m", "why")
    assert refused.code == 3
    assert refused.err.endswith(
        "error: a merge is in progress, and a record has no place in it\nhint: mlver resolve\n"
    )
    assert "mlver resolve" in stopped.mlver("doctor").out
    assert "git log" not in stopped.mlver("verify").out


def test_gits_own_driver_merges_settings(second: Repository, tmp_path: Path) -> None:
    assert "merge=mlver" in assert_works(second, "resolve", "--install-driver")
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "mlver"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{CHECKOUT}" exec "{sys.executable}" -m mlver "$@"\n'
    )
    program.chmod(0o755)
    second.write(".gitattributes", f"{layout.settings_path('*')} merge=mlver\n")
    second.commit("Ask for the driver")
    path = layout.settings_path("digits")
    begun = (second.path / path).read_text()
    for branch, lines in (
        ("a", "owner: kim\n"),
        ("b", "command: python train.py\n"),
        ("c", "owner: lee\n"),
    ):
        second.git("switch", "--quiet", "-c", branch, "main")
        second.write(path, begun + lines)
        second.commit(branch)
    places = [
        place for place in os.environ["PATH"].split(os.pathsep) if not Path(place, "mlver").exists()
    ]
    assert merged(second, "b", PATH=os.pathsep.join(places)) == 1, "line by line they clash"
    second.git("merge", "--abort")
    env = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    assert merged(second, "b", **env) == 0
    assert (second.path / path).read_text() == f"{begun}owner: lee\ncommand: python train.py\n"
    assert merged(second, "a", **env) == 1
    assert "<<<<<<< ours\n" in (second.path / path).read_text()
    assert "both sides set owner" in second.mlver("resolve", "--rewrite", "ours").out
