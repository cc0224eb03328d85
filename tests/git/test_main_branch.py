"""One answer to which branch is the main one: told by real repositories, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.git.main_branch import MainBranch, find_main_branch, list_main_branches
from mlver.git.repository import GitRepository
from tests.conftest import Repository as Ground


def find_main(ground: Ground, remote: str | None = None) -> MainBranch:
    return find_main_branch(GitRepository.find(ground.path), remote)


def clone_from(tmp_path: Path, branch: str) -> Ground:
    """A clone of a repository whose default branch is `branch`."""
    source = Ground(tmp_path / "source")
    source.path.mkdir()
    source.git("init", "--quiet", f"--initial-branch={branch}")
    source.write("file", "x")
    source.commit()
    source.git("branch", "side")
    source.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    return Ground(tmp_path / "clone")


def start_repository(tmp_path: Path, branch: str) -> Ground:
    """A repository of one commit, without a remote."""
    ground = Ground(tmp_path / "alone")
    ground.path.mkdir()
    ground.git("init", "--quiet", f"--initial-branch={branch}")
    ground.write("file", "x")
    ground.commit()
    return ground


@pytest.mark.parametrize("branch", ["master", "trunk", "release/next"])
def test_the_remotes_default_branch_decides(tmp_path: Path, branch: str) -> None:
    clone = clone_from(tmp_path, branch)
    main = find_main(clone)
    assert main == MainBranch(branch, f"refs/remotes/origin/{branch}", f"refs/heads/{branch}")
    assert main.reference == f"refs/remotes/origin/{branch}"


def test_it_decides_against_the_settings_and_whatever_is_checked_out(tmp_path: Path) -> None:
    clone = clone_from(tmp_path, "trunk")
    clone.git("config", "init.defaultBranch", "side")
    clone.git("switch", "--quiet", "-c", "main")
    assert find_main(clone).name == "trunk"


def test_a_branch_that_is_not_here_has_no_reference_here(tmp_path: Path) -> None:
    clone = clone_from(tmp_path, "trunk")
    clone.git("switch", "--quiet", "side")
    clone.git("branch", "--quiet", "-D", "trunk")
    assert find_main(clone) == MainBranch("trunk", "refs/remotes/origin/trunk", None)


def test_each_remote_has_its_own(tmp_path: Path) -> None:
    clone = clone_from(tmp_path, "trunk")
    clone.git("remote", "add", "fork", str(tmp_path / "source"))
    clone.git("fetch", "--quiet", "fork")
    clone.git("remote", "set-head", "fork", "side")
    assert find_main(clone, "fork").remote_reference == "refs/remotes/fork/side"
    assert find_main(clone, "origin").name == "trunk"
    assert find_main(clone).name == "trunk"


def test_without_a_remote_the_setting_decides(tmp_path: Path) -> None:
    ground = start_repository(tmp_path, "trunk")
    ground.git("config", "init.defaultBranch", "trunk")
    assert find_main(ground) == MainBranch("trunk", None, "refs/heads/trunk")


def test_with_neither_it_is_main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ground = start_repository(tmp_path, "trunk")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    assert find_main(ground) == MainBranch("main", None, None)
    ground.git("branch", "main")
    assert find_main(ground).reference == "refs/heads/main"


@pytest.mark.parametrize(
    ("branch", "setting", "expected"),
    [
        ("trunk", "trunk", "trunk"),
        ("main", "trunk", "main"),
        ("master", "trunk", "master"),
        ("elsewhere", "trunk", "trunk"),
    ],
)
def test_a_remote_whose_head_was_not_fetched_is_known_by_its_branches(
    tmp_path: Path, branch: str, setting: str, expected: str
) -> None:
    clone = clone_from(tmp_path, branch)
    clone.git("remote", "set-head", "origin", "--delete")
    clone.git("config", "init.defaultBranch", setting)
    # Nothing is asked over the network, so that it is gone does not matter.
    clone.git("remote", "set-url", "origin", str(tmp_path / "gone"))
    main = find_main(clone)
    assert main.name == expected
    assert (main.remote_reference is None) == (branch == "elsewhere")


def test_a_remotes_head_that_names_a_branch_that_is_gone_decides_nothing(tmp_path: Path) -> None:
    """As after a rename upstream: a fetch that prunes leaves the remote's HEAD as it was."""
    clone = clone_from(tmp_path, "trunk")
    source = Ground(tmp_path / "source")
    source.git("branch", "--move", "trunk", "main")
    clone.git("config", "remote.origin.followRemoteHEAD", "never")
    clone.git("fetch", "--quiet", "--prune")
    clone.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert find_main(clone).remote_reference == "refs/remotes/origin/main"


def test_the_main_branches_of_all_remotes_are_listed(tmp_path: Path) -> None:
    clone = clone_from(tmp_path, "trunk")
    clone.git("remote", "add", "fork", str(tmp_path / "source"))
    clone.git("fetch", "--quiet", "fork")
    clone.git("remote", "set-head", "fork", "side")
    mains = list_main_branches(GitRepository.find(clone.path))
    references = {main.remote_reference for main in mains}
    assert references == {"refs/remotes/fork/side", "refs/remotes/origin/trunk"}


def test_without_a_remote_the_only_main_branch_is_the_one_here(tmp_path: Path) -> None:
    ground = start_repository(tmp_path, "main")
    mains = list_main_branches(GitRepository.find(ground.path))
    assert mains == [MainBranch("main", None, "refs/heads/main")]


def test_a_setting_with_wildcards_names_no_branch(tmp_path: Path) -> None:
    ground = start_repository(tmp_path, "main")
    ground.git("config", "init.defaultBranch", "ma*")
    assert find_main(ground) == MainBranch("ma*", None, None)
