"""What `retention` keeps of versions that nothing leads to: found in git, in little memory."""

from __future__ import annotations

import tracemalloc

import pytest

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.project.remote.unreachable_versions import read_retained_roots
from tests.cli.conftest import assert_works
from tests.conftest import Repository

FILES = {f"many/{number}.txt": f"content {number}\n" for number in range(3)}
_LARGE = 4 << 20


@pytest.fixture
def loose(second: Repository) -> Repository:
    """With a version of a folder that nothing leads to, and which is kept."""
    second.git("checkout", "--quiet", "-b", "try")
    for name, text in FILES.items():
        second.write(name, text)
    arguments = ("--weights", "many", "-m", "try", "--version", "9.0.0")
    assert_works(second, "register", "other", *arguments)
    second.git("checkout", "--quiet", "-f", "main")
    second.git("branch", "--quiet", "-D", "try")
    second.git("tag", "-d", "other@v9.0.0")
    for name in second.git("for-each-ref", "--format=%(refname)", "refs/mlver").split():
        if "other" in name:
            second.git("update-ref", "-d", name)
    second.git("reflog", "expire", "--expire=now", "--all")
    config = second.path / ".mlver/config.yaml"
    config.write_text(f"{config.read_text()}retention:\n  keep_last: 1\n")
    return second


def test_the_files_of_a_folder_are_kept(loose: Repository) -> None:
    roots = set(read_retained_roots(Project.open_existing(loose.path)))
    assert {Digest.of_bytes(text.encode()).hex for text in FILES.values()} <= roots


def test_a_day_that_no_calendar_has_is_no_obstacle(loose: Repository) -> None:
    record = (loose.path / ".mlver/models/digits/versions/1.0.0.yaml").read_text()
    (created,) = [line for line in record.splitlines() if line.startswith("created: ")]
    loose.write("odd.yaml", record.replace(created, 'created: "2026-02-30T00:00:00Z"'))
    loose.git("hash-object", "-w", "odd.yaml")
    assert set(read_retained_roots(Project.open_existing(loose.path)))


def test_other_files_of_git_are_not_held_in_memory(loose: Repository) -> None:
    for number in range(24):
        loose.write("large.bin", bytes([number]) * _LARGE)
        loose.git("hash-object", "-w", "large.bin")
    project = Project.open_existing(loose.path)
    tracemalloc.start()
    try:
        assert set(read_retained_roots(project))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 15 * _LARGE
