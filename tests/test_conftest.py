"""The seal itself: what it must stop, and what it must let through."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, NOW_EPOCH, REAL_HOME, Repository

TRESPASSES: dict[str, Callable[[Path], object]] = {
    "open": lambda wall: (wall / "trespass").write_text("x"),
    "os.open": lambda wall: os.open(wall / "trespass", os.O_CREAT),
    "mkdir": lambda wall: (wall / "trespass").mkdir(),
    "rename into": lambda wall: Path("mine").rename(wall / "trespass"),
    "remove": lambda wall: (wall / "trespass").unlink(),
    "symlink": lambda wall: (wall / "trespass").symlink_to("mine"),
}


@pytest.mark.parametrize("trespass", TRESPASSES.values(), ids=TRESPASSES)
@pytest.mark.parametrize("wall", [CHECKOUT, REAL_HOME], ids=["checkout", "home"])
def test_writing_behind_a_wall_fails_the_test(
    trespass: Callable[[Path], object], wall: Path
) -> None:
    with pytest.raises(pytest.fail.Exception, match="must not write there"):
        trespass(wall)
    assert not (wall / "trespass").exists()


def _make_link(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to(CHECKOUT.parent)


def _rename_link(folder: Path) -> None:
    shutil.rmtree(folder)
    Path("link").rename(folder)


def _repeat_link(folder: Path) -> None:
    shutil.rmtree(folder)
    os.link("link", folder, follow_symlinks=False)


def _rename_parent(folder: Path) -> None:
    folder.parent.rename("gone")
    Path("elsewhere").rename(folder.parent)


def _start_process(folder: Path) -> None:
    command = f"rm -r '{folder}' && ln -s '{CHECKOUT.parent}' '{folder}'"
    subprocess.run(["sh", "-c", command], check=True)


@pytest.mark.parametrize(
    "change", [_make_link, _rename_link, _repeat_link, _rename_parent, _start_process]
)
def test_a_folder_may_become_another_one(change: Callable[[Path], None], tmp_path: Path) -> None:
    folder = tmp_path / "outer/folder"
    inner = folder / CHECKOUT.name
    inner.mkdir(parents=True)
    Path("elsewhere").mkdir()
    Path("elsewhere/folder").symlink_to(CHECKOUT.parent)
    Path("link").symlink_to(CHECKOUT.parent)
    (inner / "first").touch()
    change(folder)
    with pytest.raises(pytest.fail.Exception, match="must not write there"):
        (inner / "trespass").touch()
    assert not (CHECKOUT / "trespass").exists()


def test_a_link_is_judged_by_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "first").touch()
    subprocess.run(["ln", "-s", CHECKOUT / "trespass", "link"], check=True)
    (tmp_path / "second").touch()
    with pytest.raises(pytest.fail.Exception, match="must not write there"):
        (tmp_path / "link").touch()
    assert not (CHECKOUT / "trespass").exists()


def test_a_way_up_is_judged_by_where_it_ends() -> None:
    cache = CHECKOUT / "tests/__pycache__"
    cache.mkdir(exist_ok=True)
    with pytest.raises(pytest.fail.Exception, match="must not write there"):
        os.rmdir(f"{cache}/..")  # noqa: PTH106 - a Path's own way up is not the point


def test_a_wall_is_no_part_of_the_folder_that_it_stands_in() -> None:
    # What is there already, or not at all: nothing is written, whatever is judged.
    with pytest.raises(FileNotFoundError):
        (CHECKOUT.parent / "no-such-file").unlink()
    with pytest.raises(pytest.fail.Exception, match="must not write there"):
        CHECKOUT.rmdir()


def test_caches_may_be_written_behind_a_wall() -> None:
    (CHECKOUT / "tests/__pycache__").mkdir(exist_ok=True)
    with pytest.raises(FileNotFoundError):
        (CHECKOUT / "tests/__pycache__/no-such-file").unlink()
    with pytest.raises(pytest.fail.Exception, match="must not write there"):
        (CHECKOUT / "tests/trespass").touch()
    with pytest.raises(FileNotFoundError):
        (CHECKOUT / "tests/.pytest_cache").rmdir()


def test_no_handler_under_test_can_swallow_it() -> None:
    assert not issubclass(pytest.fail.Exception, Exception)


@pytest.mark.parametrize(
    "command",
    [["git", "-C", str(CHECKOUT), "status"], ["git", f"--git-dir={CHECKOUT}/.git", "log"]],
)
def test_git_never_runs_in_the_checkout(command: list[str]) -> None:
    with pytest.raises(pytest.fail.Exception, match="must not run git there"):
        subprocess.run(command, check=False)


def test_git_never_runs_in_the_checkout_as_its_directory() -> None:
    with pytest.raises(pytest.fail.Exception, match="must not run git there"):
        subprocess.run(["git", "status"], cwd=CHECKOUT / "tests", check=False)


def test_a_walled_file_can_be_read() -> None:
    assert (CHECKOUT / "pyproject.toml").read_bytes()


def test_home_and_working_directory_are_the_tests_own(tmp_path: Path) -> None:
    assert Path.home() != REAL_HOME
    assert Path.cwd() == tmp_path
    (Path.home() / "allowed").touch()


def test_a_repository_has_fixed_people_and_dates(repository: Repository) -> None:
    assert repository.git("log", "--format=%an <%ae> %at %ct %D") == (
        f"Kim <kim@example.org> {NOW_EPOCH} {NOW_EPOCH} HEAD -> main"
    )
    assert repository.git("status", "--porcelain") == ""


def test_a_failing_git_command_fails_the_test(repository: Repository) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"git rev-parse nowhere exited 128"):
        repository.git("rev-parse", "nowhere")


def test_mlver_runs_in_this_process_and_its_screens_are_caught(repository: Repository) -> None:
    done = repository.mlver("init")
    assert (done.code, done.err) == (0, "")
    assert ".mlver/config.yaml" in done.out
    wrong = repository.mlver("no-such-command")
    assert (wrong.code, wrong.out) == (2, "")
    assert "no-such-command" in wrong.err
