"""Seals that were pushed, of records that have to give way to what landed first."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.clashes import (
    PROMOTION,
    VERSION_PATH,
    Clash,
    attempt_git,
    clash_versions,
    pull_main,
)
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import CHECKOUT, CommandOutcome, Repository

_FINISH = {"merge": ("--no-edit",), "rebase": ("--amend", "--no-edit")}


@pytest.fixture
def clash(first: Repository, tmp_path: Path) -> Clash:
    """Lee pushed the seal of a promotion of a version that is not the one that landed."""
    created = clash_versions(first, tmp_path)
    created.lee.git("push", "--quiet", "origin", PROMOTION)
    return created


def type_command(repository: Repository, command: str) -> CommandOutcome:
    program, *words = shlex.split(command)
    if program == "mlver":
        return repository.mlver(*words)
    assert program == "git"
    return attempt_git(repository, *words)


def read_hints(said: str) -> list[str]:
    lines = said.splitlines()
    return [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]


@pytest.mark.parametrize(
    ("how", "hooked", "branch"),
    [
        ("merge", False, ""),
        ("merge", True, ""),
        ("merge", True, "topic"),
        ("rebase", False, ""),
    ],
)
def test_the_hints_of_a_clash_lead_out_of_it(
    clash: Clash, how: str, hooked: bool, branch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the branch of a pull request still holds what has to give way."""
    lee = clash.lee
    if branch:
        lee.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    if hooked:
        monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # where the hooks find mlver
        assert_works(lee, "hook", "install")
        assert_works(clash.remote, "hook", "install", "--pre-receive")
    lee.git("fetch", "--quiet", "origin", "main")
    assert attempt_git(lee, how, "origin/main").code == 1
    side = "ours"
    if how == "rebase":
        # Here it stops at the version, and only the last commit is about the promotion.
        side = "theirs"
        assert lee.mlver("resolve").code == 0
        assert attempt_git(lee, "rebase", "--continue").code == 0
    said = assert_refused(lee, "resolve")
    assert said.startswith(
        f"error: {PROMOTION} is on origin, and {side} has to give way all the same, for the other"
        " side cannot: "
    )
    for hint in read_hints(said):
        done = type_command(lee, hint)
        assert done.code == 0, done
    assert PROMOTION not in clash.list_tags()
    lee.git("-c", "core.editor=:", "commit", "--quiet", *_FINISH[how])
    lee.git("fetch", "--quiet", "--tags", "origin")
    assert lee.mlver("tag").code == 0
    lee.git("push", "--quiet", "origin", "HEAD:main")
    assert_works(lee, "tag", "--push")
    assert {"digits@v1.2.0", PROMOTION} < set(clash.list_tags())
    broken = read_document(lee.mlver("verify", "--all", "--json"), "verify")["broken"]
    # Nothing but the bytes of Kim's version, which never came here.
    assert [finding["kind"] for finding in broken] == ["object"]


def test_what_landed_names_the_side_that_gives_way(clash: Clash) -> None:
    assert pull_main(clash.lee).code == 1
    said = assert_refused(clash.lee, "resolve", "--rewrite", "theirs")
    assert f"{VERSION_PATH} has landed on origin/main" in said
    assert read_hints(said) == ["mlver resolve --rewrite ours"]
    before = clash.lee.git("status", "--porcelain")
    assert "git push origin :refs/tags" in assert_refused(clash.lee, "resolve", "--rewrite", "ours")
    assert clash.lee.git("status", "--porcelain") == before
    assert PROMOTION in clash.list_tags()


def test_the_seal_of_what_landed_cannot_be_deleted(
    clash: Clash, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the record was since edited, or its branch squashed: the bytes landed."""
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # where the hooks find mlver
    assert_works(clash.kim, "hook", "install")
    assert_works(clash.remote, "hook", "install", "--pre-receive")
    for options in ((), ("--no-verify",)):
        done = attempt_git(clash.kim, "push", *options, "origin", ":refs/tags/digits@v1.1.0")
        assert done.code != 0
        assert "digits@v1.1.0 seals a version, and would be deleted" in done.err
    text = (clash.kim.path / VERSION_PATH).read_text()
    clash.kim.write(VERSION_PATH, text.replace("message: ", "message: Not "))
    clash.kim.git("commit", "--quiet", "--no-verify", "-am", "Edit")
    (clash.remote.path / "hooks/pre-receive").rename(clash.remote.path / "hooks/away")
    clash.kim.git("push", "--quiet", "--no-verify", "origin", "main")
    (clash.remote.path / "hooks/away").rename(clash.remote.path / "hooks/pre-receive")
    for options in ((), ("--no-verify",)):
        done = attempt_git(clash.kim, "push", *options, "origin", ":refs/tags/digits@v1.1.0")
        assert "digits@v1.1.0 seals a version, and would be deleted" in done.err
