"""When files landed."""

from __future__ import annotations

import pytest

from mlver.git.landing_dates import find_landing_dates
from mlver.git.repository import GitRepository
from tests.conftest import NOW_EPOCH, Repository

START = int(NOW_EPOCH)


@pytest.fixture
def dated(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Commits of 1000, 3000 and 2000 seconds after the first; each adds a file."""
    for number, seconds in enumerate((1000, 3000, 2000)):
        commit(repository, monkeypatch, f"{number}.txt", seconds)
    return repository


def commit(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, name: str, seconds: int
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{START + seconds} +0000")
    repository.write(name, name)
    repository.git("add", name)
    repository.git("commit", "--quiet", "-m", name)


def find(repository: Repository, *paths: str) -> dict[str, int]:
    dates = find_landing_dates(GitRepository.find(repository.path), paths)
    return {path: seconds - START for path, seconds in dates.items()}


def test_a_commit_that_is_dated_back_counts_from_what_it_follows(dated: Repository) -> None:
    landed = find(dated, "0.txt", "1.txt", "2.txt", "absent.txt")
    assert landed == {"0.txt": 1000, "1.txt": 3000, "2.txt": 3000}


def test_what_a_merge_brings_lands_with_it(
    dated: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    dated.git("switch", "--quiet", "-c", "side", "HEAD~1")
    commit(dated, monkeypatch, "side.txt", 1500)
    dated.git("switch", "--quiet", "-")
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{START + 5000} +0000")
    dated.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    assert find(dated, "side.txt") == {"side.txt": 5000}


def test_what_came_again_landed_when_it_came_the_last_time(
    dated: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    dated.git("rm", "--quiet", "0.txt")
    dated.git("commit", "--quiet", "-m", "Remove")
    commit(dated, monkeypatch, "0.txt", 9000)
    assert find(dated, "0.txt") == {"0.txt": 9000}


def test_more_paths_than_a_command_line_holds(dated: Repository) -> None:
    absent = [f"{'x' * 200}-{number}" for number in range(20_000)]
    assert find(dated, "0.txt", *absent) == {"0.txt": 1000}
