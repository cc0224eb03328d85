"""A git that is kept for further questions answers as a new one would."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.git import changes_in, kept
from mlver.git.process import GitFailed
from mlver.git.repository import GitRepository
from mlver.project.project import Project
from mlver.project.transaction import locking
from tests.conftest import Repository as Ground


@pytest.fixture
def found(repository: Ground) -> GitRepository:
    repository.write("a", "first\n")
    repository.write("b", "second\n")
    repository.commit()
    return GitRepository.find(repository.path)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(path))
    return path


@pytest.fixture
def kept_git(found: GitRepository) -> Iterator[subprocess.Popen[bytes]]:
    """The process that answered a first question and waits for the next."""
    with kept.keep_processes():
        assert list(found.blobs(["HEAD:a"])) == [b"first\n"]
        (answering,) = kept._shelf.waiting.values()
        yield answering.git


def count_started(log: Path) -> int:
    return log.read_text().count("built-in: git cat-file")


def test_the_index_is_read_afresh(found: GitRepository, repository: Ground) -> None:
    with kept.keep_processes():
        assert list(found.blobs([":a", "HEAD:a"])) == [b"first\n", b"first\n"]
        repository.write("a", "staged\n")
        repository.git("add", "a")
        assert list(found.blobs([":a", "HEAD:a"])) == [b"staged\n", b"first\n"]
        assert list(found.blobs(["HEAD:a", ":a"])) == [b"first\n", b"staged\n"]
        assert list(found.blob_digests([":a"])) == [Digest.of_bytes(b"staged\n")]


def test_one_process_answers_a_command(found: GitRepository, log: Path) -> None:
    with kept.keep_processes():
        for _ in range(3):
            assert list(found.blobs(["HEAD:a", "HEAD:none", "HEAD:b"])) == [
                b"first\n",
                None,
                b"second\n",
            ]
            assert list(found.blobs([])) == []
    assert count_started(log) == 1


def test_outside_of_a_command_none_is_kept(found: GitRepository, log: Path) -> None:
    for _ in range(2):
        assert list(found.blobs(["HEAD:a"])) == [b"first\n"]
    assert count_started(log) == 2


def test_it_ends_with_the_command(found: GitRepository) -> None:
    with kept.keep_processes():
        assert list(found.blobs(["HEAD:a"])) == [b"first\n"]
        changes_in.find_objects(found, ["HEAD:a"])
        gits = [answering.git for answering in kept._shelf.waiting.values()]
        assert [git.poll() for git in gits] == [None, None]
    assert None not in [git.poll() for git in gits]
    assert not kept._shelf.waiting


def test_what_changes_meanwhile_is_seen(repository: Ground, found: GitRepository) -> None:
    with kept.keep_processes():
        assert list(found.blobs(["HEAD:a"])) == [b"first\n"]
        repository.write("a", "changed\n")
        commit = repository.commit()
        assert list(found.blobs(["HEAD:a", f"{commit}:a"])) == [b"changed\n"] * 2
        repository.write("a", "again\n")
        repository.commit()
        repository.pack()
        assert list(found.blobs(["HEAD:a"])) == [b"again\n"]
        repository.git("update-ref", "refs/heads/main", commit)
        assert list(found.blobs(["HEAD:a"])) == [b"changed\n"]
        (known,) = changes_in.find_objects(found, ["HEAD^{commit}"])
        assert known is not None
        assert known.object_id == commit


def test_an_answer_that_is_left_unread_spoils_no_other(found: GitRepository) -> None:
    with kept.keep_processes():
        answers = found.blobs(["HEAD:a", "HEAD:b"])
        assert next(answers) == b"first\n"
        assert list(found.blobs(["HEAD:b"])) == [b"second\n"]
        answers.close()  # type: ignore[attr-defined]
        answers = found.blobs(["HEAD:a", "HEAD:b"])
        assert next(answers) == b"first\n"
        answers.close()  # type: ignore[attr-defined]
        assert list(found.blobs(["HEAD:b", "HEAD:a"])) == [b"second\n", b"first\n"]


def test_a_longer_list_than_a_pipe_holds_is_answered(found: GitRepository) -> None:
    with kept.keep_processes():
        for count in (400, 800, 16_000):
            assert list(found.whole_blobs(["HEAD:b"] * count)) == [b"second\n"] * count


def test_a_forked_worker_does_not_talk_into_it(
    log: Path, found: GitRepository, kept_git: subprocess.Popen[bytes]
) -> None:
    pid = os.fork()
    if pid == 0:
        answer = list(found.blobs(["HEAD:b"]))
        with kept.keep_processes():
            answer += found.blobs(["HEAD:b"])
        os._exit(answer != [b"second\n"] * 2)
    assert os.waitpid(pid, 0)[1] == 0
    assert kept_git.poll() is None
    assert count_started(log) == 3
    assert list(found.blobs(["HEAD:a"])) == [b"first\n"]


def test_one_that_died_is_replaced(found: GitRepository, kept_git: subprocess.Popen[bytes]) -> None:
    os.kill(kept_git.pid, signal.SIGKILL)
    os.waitid(os.P_PID, kept_git.pid, os.WEXITED | os.WNOWAIT)
    assert list(found.blobs(["HEAD:b"])) == [b"second\n"]
    assert kept_git.returncode == -signal.SIGKILL


def test_ctrl_c_in_a_terminal_passes_it_by(kept_git: subprocess.Popen[bytes]) -> None:
    assert os.getpgid(kept_git.pid) == kept_git.pid != os.getpgid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a process that is not its child")
def test_it_ends_with_a_command_that_is_killed(found: GitRepository) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from mlver.git import kept; from mlver.git.repository import GitRepository\n"
        "with kept.keep_processes():\n"
        "    list(GitRepository.find(Path(sys.argv[1])).blobs(['HEAD:a']))\n"
        "    (answering,) = kept._shelf.waiting.values()\n"
        "    print(answering.git.pid, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", script, str(found.top)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as command:
        assert command.stdout is not None
        ended = os.pidfd_open(int(command.stdout.readline()))
        assert select.select([ended], [], [], 0) == ([], [], [])
        command.kill()
        assert select.select([ended], [], [], 30) == ([ended], [], [])
    os.close(ended)


def test_the_failure_says_what_git_said(repository: Ground, found: GitRepository) -> None:
    repository.write("large", random.Random(1).randbytes(100_000))
    repository.commit()
    object_id = repository.git("rev-parse", "HEAD:large")
    file = repository.path / f".git/objects/{object_id[:2]}/{object_id[2:]}"
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-4])  # its header can be read
    with kept.keep_processes():
        with pytest.raises(GitFailed, match=f"(?s)`git cat-file`.*{object_id}"):
            list(found.blobs(["HEAD:large", "HEAD:b"]))
        assert list(found.blobs(["HEAD:b"])) == [b"second\n"]


def test_settings_are_read_once_for_a_command(
    repository: Ground, found: GitRepository, log: Path
) -> None:
    for value in ("1", "2"):
        repository.git("config", "mlver.test", value)
        log.unlink()
        with kept.keep_processes():
            for _ in range(3):
                assert found.find_setting("mlver.test") == value
                assert found.find_setting("mlver.tes") is None
        assert log.read_text().count("built-in: git config") == 1
    repository.git("config", "mlver.test", "3")
    assert found.find_setting("mlver.test") == "3"


def test_settings_are_read_again_once_the_lock_is_held(repository: Ground) -> None:
    project = Project.find_from(repository.path)
    with kept.keep_processes():
        assert project.repository.find_setting("mlver.test") is None
        repository.git("config", "mlver.test", "1")
        assert project.repository.find_setting("mlver.test") is None
        with locking(project, "test") as holding:
            assert holding.repository.find_setting("mlver.test") == "1"


class ForgetfulAnswers(dict[kept.ProcessKey, bytes]):
    """What is remembered where another thread has all forgotten at once, each time."""

    def __setitem__(self, key: kept.ProcessKey, value: bytes) -> None:
        super().__setitem__(key, value)
        kept.forget_answers()


def test_settings_can_be_forgotten_by_another_thread_at_any_time(
    repository: Ground, found: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("config", "mlver.test", "1")
    monkeypatch.setattr(kept._shelf, "remembered", ForgetfulAnswers())
    with kept.keep_processes():
        assert found.find_setting("mlver.test") == "1"


def test_of_a_setting_given_twice_the_last_counts(repository: Ground, found: GitRepository) -> None:
    repository.git("config", "--add", "branch.Fix.x.remote", "one")
    repository.git("config", "--add", "branch.Fix.x.remote", "two")
    assert found.find_setting("branch.Fix.x.remote") == "two"
    assert found.find_setting("branch.fix.x.remote") is None
