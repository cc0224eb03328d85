"""Where mlver may be started, and the states of a repository it works in or refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlver.cli.main import main
from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.conftest import CHECKOUT, Repository


def shell(where: Path, command: str, programs: Path) -> subprocess.CompletedProcess[str]:
    """A shell's command with `mlver` and `git-mlver` on its PATH."""
    programs.mkdir(exist_ok=True)
    for name in ("mlver", "git-mlver"):
        program = programs / name
        code = f"import sys; sys.argv[0] = {name!r}; from mlver.__main__ import run; run()"
        program.write_text(
            f"#!/bin/sh\nPYTHONPATH='{CHECKOUT}' exec '{sys.executable}' -c \"{code}\" \"$@\"\n"
        )
        program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-c", command],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_git_mlver_is_mlver(first: Repository, tmp_path: Path) -> None:
    done = shell(
        first.path, "git mlver list && git mlver verify --all && git mlver -h", tmp_path / "bin"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("digits\n  latest 1.0.0\n  version")
    assert "All is well" in done.stdout
    assert "Usage: git mlver" in done.stdout


def test_a_reader_that_leaves_early_is_no_error(first: Repository, tmp_path: Path) -> None:
    done = shell(
        first.path, "set -o pipefail; mlver show digits --json | head -c 1", tmp_path / "bin"
    )
    assert (done.stdout, done.stderr) == ("{", "")
    assert done.returncode in (0, 141)


def test_a_full_pipe_whose_reader_leaves_is_no_error(first: Repository, tmp_path: Path) -> None:
    first.write("params.yaml", "".join(f"key_{number}: {'x' * 100}\n" for number in range(5000)))
    first.commit()
    assert_works(first, "register", "digits", "--bump", "patch", "-m", "Many parameters")
    done = shell(
        first.path, "mlver show digits | head -n 1; echo ${PIPESTATUS[0]}", tmp_path / "bin"
    )
    assert (done.stdout, done.stderr) == ("digits 1.0.1\n0\n", "")


def test_c_takes_the_place_of_the_working_directory(
    first: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-C", os.path.relpath(first.path, tmp_path), "list"]) == 0
    assert capsys.readouterr().out.startswith("digits\n")
    assert main(["-C", "nowhere", "list"]) == 2
    assert capsys.readouterr().err.startswith(
        "error: -C takes the folder to work in, and nowhere is no directory\nhint: mlver -C FOLDER"
    )
    assert main(["list"]) == 3
    assert "is not in a git repository\nhint: git init\n" in capsys.readouterr().err


def test_paths_begin_where_the_person_stands(project: Repository) -> None:
    assert_works(project, "init")
    below = Repository(project.path / "model")
    words = ("--weights", ".", "--data", "train=../data/train.csv", "--params", "../params.yaml")
    assert "  weights  model           2 files" in assert_works(
        below, "register", "digits", *words, "-m", "First"
    )
    assert "path: data/train.csv" in (project.path / ".mlver/models/digits/model.yaml").read_text()
    assert assert_works(below, "status").startswith("digits 1.0.0")


def test_a_linked_work_tree_shares_objects_and_has_its_own_records(
    first: Repository, tmp_path: Path
) -> None:
    first.git("worktree", "add", "--quiet", "-b", "side", "../side")
    side = Repository(tmp_path / "side")
    train_model(side, 2)
    assert "digits@v1.1.0" in assert_works(
        side, "register", "digits", "--bump", "minor", "-m", "Second"
    )
    assert not (side.path / ".git/mlver").exists()
    assert "1.1.0" not in assert_works(first, "list")
    assert assert_works(side, "checkout", "digits@1.0.0").startswith("Checked out digits 1.0.0")
    assert assert_works(side, "verify", "--all").startswith("All is well")
    # the number is taken here too: its tag says so
    train_model(first, 3)
    assert "1.1.0 is registered already" in assert_refused(
        first, "register", "digits", "--version", "1.1.0", "-m", "Third"
    )
    first.git("merge", "--quiet", "--no-edit", "-X", "theirs", "side")
    assert "1.1.0" in assert_works(first, "list")


def test_before_the_first_commit(repository: Repository, tmp_path: Path) -> None:
    fresh = Repository(tmp_path / "fresh")
    fresh.path.mkdir()
    fresh.git("init", "--quiet")
    assert_works(fresh, "init")
    fresh.write("w.bin", "weights")
    assert "tag m@v1.0.0" in assert_works(
        fresh, "register", "m", "--weights", "w.bin", "-m", "First"
    )
    assert "  code        no commit yet on main\n" in assert_works(fresh, "show", "m")
    assert assert_works(fresh, "verify", "--all").startswith("All is well")
    assert fresh.git("log", "--format=%s") == "mlver: register m 1.0.0"


def test_a_detached_head_is_refused(second: Repository) -> None:
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    second.git("checkout", "--quiet", "--detach")
    train_model(second, 3)
    head = second.git("rev-parse", "HEAD")
    for words in (
        ("register", "digits", "--bump", "minor", "-m", "Third"),
        ("promote", "digits@1.1.0", "--to", "staging", "-m", "Better"),
        ("rollback", "digits", "--stage", "production", "--to", "1.0.0", "-m", "Back"),
    ):
        said = assert_refused(second, *words)
        assert "HEAD is detached" in said
        assert "hint: git switch -c BRANCH" in said
        assert ("--no-commit" in said) == (words[0] == "register")
    assert second.git("rev-parse", "HEAD") == head
    assert second.git("status", "--porcelain") == ""
    assert assert_works(second, "status").startswith("digits 1.1.0")


@pytest.mark.parametrize("state", ["merge", "rebase"])
def test_half_done_work_of_git_is_left_alone(second: Repository, state: str) -> None:
    base = second.git("rev-parse", "HEAD")
    second.write("train.py", "ours\n")
    second.commit("Ours")
    second.git("switch", "--quiet", "-c", "theirs", base)
    second.write("train.py", "theirs\n")
    second.commit("Theirs")
    subprocess.run(["git", state, "main"], cwd=second.path, capture_output=True, check=False)
    before = second.git("status", "--porcelain")
    assert "AA train.py" in before
    said = assert_refused(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    assert said == (
        f"error: a {state} is in progress, and a record has no place in it\n"
        f"hint: git {state} --continue\n"
    )
    assert_refused(second, "register", "digits", "--bump", "patch", "--allow-dirty", "-m", "Third")
    assert_refused(
        second,
        "register",
        "digits",
        "--bump",
        "patch",
        "--allow-dirty",
        "--no-commit",
        "-m",
        "Third",
    )
    assert second.git("status", "--porcelain") == before


def test_code_that_is_not_committed_is_refused_unless_the_record_may_say_so(
    first: Repository,
) -> None:
    first.write("train.py", "print(1)\n")
    first.commit()
    first.write("train.py", "print(2)\n")
    words = ("register", "digits", "--bump", "patch", "-m", "Third")
    assert assert_refused(first, *words) == (
        "error: the code is not committed, so the version could not say what it was trained with;"
        " commit it, or add --allow-dirty, which the record will say:\n"
        "  train.py\n"
        "hint: git commit --all\n"
    )
    assert "  the code was not committed; the record says so\n" in assert_works(
        first, *words, "--allow-dirty"
    )
    assert "on main  with uncommitted changes\n" in assert_works(first, "show", "digits")
    assert first.git("status", "--porcelain") == " M train.py"


def test_what_a_version_pins_is_no_dirt(first: Repository) -> None:
    train_model(first, 2, commit=False)
    assert first.git("status", "--porcelain") == " M metrics.json\n M params.yaml"
    assert_works(first, "register", "digits", "--bump", "minor", "-m", "Second")
    assert "with uncommitted changes" not in assert_works(first, "show", "digits")
    assert first.git("status", "--porcelain") == " M metrics.json\n M params.yaml"


def test_files_no_commit_holds_are_told_of(first: Repository) -> None:
    first.write("notes.txt", "x")
    said = assert_works(first, "register", "digits", "--bump", "patch", "-m", "Third")
    assert "note: no commit holds notes.txt; if the model needs it, git add it\n" in said


def test_the_offer_to_ignore_artifacts_can_be_pasted(
    repository: Repository, tmp_path: Path
) -> None:
    assert_works(repository, "init")
    names = ["a b/w.bin", "it's/*.bin", "[x]/w.bin"]
    for number, name in enumerate(names):
        repository.write(name, "w")
        said = assert_works(repository, "register", f"m{number}", "--weights", name, "-m", "First")
        offer = next(
            line for line in said.splitlines() if line.startswith("keep large files out of git: ")
        )
        assert shell(repository.path, offer.partition(": ")[2], tmp_path / "bin").returncode == 0
    assert repository.git("status", "--porcelain") == "?? .gitignore"
    assert repository.git("check-ignore", *names).count("\n") == 2


def test_a_repository_that_the_environment_names_is_told_and_not_used(
    first: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Repository(tmp_path / "elsewhere")
    elsewhere.path.mkdir()
    monkeypatch.setenv("GIT_DIR", str(first.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(first.path))
    said = assert_refused(elsewhere, "list")
    assert "is not in a git repository, and mlver does not go by GIT_DIR and GIT_WORK_TREE" in said
    assert said.endswith(f"hint: mlver -C {first.path} status\n")
    assert "git init" not in said
