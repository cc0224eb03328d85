"""git's own settings are changed as a whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.git import new_settings, stale_locks
from mlver.git.process import GitFailed, GitProcess
from mlver.git.repository import GitRepository
from tests.conftest import Repository as Ground

OPTIONS = {"branch.main.remote": "origin", "branch.main.merge": "refs/heads/main"}


@pytest.fixture
def found(repository: Ground) -> GitRepository:
    return GitRepository.find(repository.path)


def test_settings_are_there_for_git_and_nothing_else_is(
    repository: Ground, found: GitRepository, tmp_path: Path
) -> None:
    config = repository.path / ".git/config"
    config.chmod(0o600)
    spool = repository.path / ".git/mlver/remotes"
    new_settings.set_options(found, OPTIONS, spool)
    assert repository.git("config", "--local", "branch.main.remote") == "origin"
    assert repository.git("config", "--local", "branch.main.merge") == "refs/heads/main"
    assert found.find_setting("branch.main.remote") == "origin"
    assert config.stat().st_mode & 0o777 == 0o600
    assert list(spool.iterdir()) == []


def test_one_that_git_refuses_changes_nothing(repository: Ground, found: GitRepository) -> None:
    config = repository.path / ".git/config"
    before = config.read_bytes()
    with pytest.raises(GitFailed, match="set nonsense"):
        new_settings.set_options(
            found, {**OPTIONS, "nonsense": "1"}, repository.path / ".git/spool"
        )
    assert config.read_bytes() == before


def test_what_somebody_sets_meanwhile_is_kept(
    repository: Ground, found: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = GitProcess.write

    def write_after_another(process: GitProcess, args: list[str], **options: str) -> object:
        repository.git("config", "user.signingKey", "theirs")
        return write(process, args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(GitProcess, "write", write_after_another)
    with pytest.raises(MlverError, match="was changed meanwhile"):
        new_settings.set_options(found, OPTIONS, repository.path / ".git/spool")
    assert repository.git("config", "user.signingKey") == "theirs"


def test_settings_behind_a_link_are_changed_where_they_are(
    repository: Ground, found: GitRepository
) -> None:
    config, elsewhere = repository.path / ".git/config", repository.path / ".git/settings"
    config.rename(elsewhere)
    config.symlink_to("settings")
    new_settings.set_options(found, OPTIONS, repository.path / ".git/spool")
    assert config.is_symlink()
    assert b"refs/heads/main" in elsewhere.read_bytes()


def test_the_lock_that_a_killed_push_left_goes(repository: Ground, found: GitRepository) -> None:
    folder = repository.path / ".git/refs/remotes/origin"
    folder.mkdir(parents=True)
    for name in ("main.lock", "other.lock"):
        (folder / name).touch()
    stale_locks.clear_reference(found, "refs/remotes/origin/main")
    assert [path.name for path in folder.iterdir()] == ["other.lock"]
