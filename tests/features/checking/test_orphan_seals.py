"""Seals of records that never landed, and records in the midst of a merge, as others find them."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.clashes import (
    PROMOTION,
    VERSION,
    VERSION_PATH,
    Clash,
    attempt_git,
    clash_versions,
    pull_main,
)
from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository


@pytest.fixture
def clash(first: Repository, tmp_path: Path) -> Clash:
    return clash_versions(first, tmp_path)


@pytest.fixture
def orphaned(clash: Clash) -> Clash:
    """Lee pushed a seal of a promotion; then Kim's promotion landed in its place."""
    clash.lee.git("push", "--quiet", "origin", PROMOTION)
    assert_works(clash.kim, "promote", "digits@1.1.0", "--to", "staging", "-m", "Kim's")
    clash.kim.git("push", "--quiet", "origin", "main")
    return clash


def read_hints(said: str) -> list[str]:
    lines = [line.strip() for line in said.splitlines()]
    return [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]


def test_a_fresh_clone_does_not_say_that_somebody_edited(orphaned: Clash, tmp_path: Path) -> None:
    orphaned.kim.git("clone", "--quiet", str(orphaned.remote.path), str(tmp_path / "fresh"))
    fresh = Repository(tmp_path / "fresh")
    shutil.copytree(orphaned.kim.path / ".git/mlver", fresh.path / ".git/mlver")
    for command in (("doctor",), ("verify",), ("verify", "--all")):
        done = fresh.mlver(*command)
        assert done.code == 1
        said = " ".join(done.out.split())
        assert "was edited" not in said
        assert f"{PROMOTION} seals a record that this history never had, and digits" in said
        hints = [f"git show {PROMOTION}", f"git tag -d {PROMOTION}", "mlver tag"]
        assert read_hints(done.out)[:3] == hints
    fresh.git("tag", "-d", PROMOTION)
    assert_works(fresh, "tag")
    assert_works(fresh, "verify", "--all")


def test_a_version_whose_tag_seals_another_is_told_in_the_same_way(clash: Clash) -> None:
    kim = clash.kim
    kim.git("tag", "-d", VERSION)
    kim.git("fetch", "--quiet", str(clash.lee.path), f"refs/tags/{VERSION}:refs/tags/{VERSION}")
    for command in (("verify",), ("doctor",)):
        assert f"{VERSION} seals a record that this history never had" in " ".join(
            kim.mlver(*command).out.split()
        )
    shut = kim.mlver("promote", "digits@1.1.0", "--to", "staging", "-m", "Try")
    assert shut.code == 1
    assert "was edited" not in shut.out


def test_what_was_edited_is_still_called_edited(clash: Clash) -> None:
    text = (clash.kim.path / VERSION_PATH).read_text()
    clash.kim.write(VERSION_PATH, text.replace("message: ", "message: Not "))
    clash.kim.git("commit", "--quiet", "--no-verify", "-am", "Edit")
    for command in (("verify",), ("doctor",)):
        said = " ".join(clash.kim.mlver(*command).out.split())
        assert "digits 1.1.0 was edited after its tag sealed it" in said


def test_whoever_landed_is_told_what_stands_in_the_way(orphaned: Clash) -> None:
    kim = orphaned.kim
    done = kim.mlver("tag", "--push")
    assert done.code == 1
    assert (
        f"Refused {PROMOTION} seals another record than origin's tag of this name, whose record"
        " never landed on origin/main: whoever pushed that tag may delete it there\n"
    ) in done.out
    told = read_document(kim.mlver("doctor", "--json"), "doctor")["diagnoses"]
    findings = [diagnosis["finding"] for diagnosis in told]
    hints = [finding["hints"] for finding in findings if finding["subject"] == PROMOTION]
    assert hints == [read_hints(done.out)]
    for hint in read_hints(done.out):
        program, *words = shlex.split(hint)
        if program == "git":
            assert attempt_git(kim, *words).code == 0
        else:
            assert_works(kim, *words)
    assert orphaned.remote.git("rev-parse", PROMOTION) == kim.git("rev-parse", PROMOTION)
    assert_works(kim, "release")


def test_in_a_merge_no_hint_damages_the_clone(clash: Clash) -> None:
    lee = clash.lee
    assert pull_main(lee).code == 1
    for command in (("verify",), ("verify", "--all"), ("doctor",)):
        done = lee.mlver(*command)
        assert done.code == 1
        said = " ".join(done.out.split())
        assert f"{VERSION_PATH} holds both sides of a merge conflict" in said
        assert "differs from what HEAD holds" not in said
        assert "for one record" not in said
        hints = read_hints(done.out)
        assert "mlver resolve" in hints
        assert not [hint for hint in hints if hint.startswith(("git checkout", "git tag -d"))]
    assert f"{VERSION} seals another record than origin's tag of this name" in " ".join(
        lee.mlver("doctor").out.split()
    )


def test_in_a_merge_every_command_that_looks_names_the_way_on(clash: Clash) -> None:
    lee = clash.lee
    assert pull_main(lee).code == 1
    for command in ("status", "list", "log"):
        assert "mlver resolve" in assert_works(lee, command)
    for words in (("show",), ("checkout",), ("diff", "digits@1.0.0")):
        done = lee.mlver(*words, "digits@1.1.0")
        assert done.code == 3
        assert (
            "it holds both sides of a merge that is not settled\nhint: mlver resolve\n" in done.err
        )
