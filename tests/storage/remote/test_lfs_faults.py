"""A push to git-lfs that is interrupted, or whose server falls silent.

The other faults are those of `test_lfs_conformance.py`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.project.project import Project
from mlver.project.remote.lfs_remote import open_lfs
from mlver.storage.local import LocalStore
from mlver.storage.remote.team_store import TransferOptions
from mlver.system.timings import Timings
from tests.conftest import CHECKOUT, Repository
from tests.servers.giftless import start_giftless
from tests.servers.proxy import Fault, FaultKind, FaultProxy
from tests.servers.starting import RunningServer, Servers
from tests.storage.remote.lfs_clones import (
    fill_store,
    list_left,
    open_project,
    point_to,
    pull_into,
)

pytestmark = pytest.mark.usefixtures("git_lfs")
LARGE = os.urandom(3 << 19)


@pytest.fixture(scope="module")
def giftless(servers: Servers) -> RunningServer:
    return servers.share_server("giftless", start_giftless)


@pytest.fixture
def project(repository: Repository, giftless: RunningServer, tmp_path: Path) -> Project:
    return open_project(repository, giftless, tmp_path)


@pytest.fixture
def local(project: Project) -> LocalStore:
    return LocalStore.open_in(project.state_directory)


@pytest.mark.long
def test_a_server_that_falls_silent_ends_in_a_message(
    project: Project, repository: Repository, giftless: RunningServer, local: LocalStore
) -> None:
    wanted = fill_store(local, b"small")
    silent = dict.fromkeys(range(60), Fault(FaultKind.STALL_DOWN))
    with FaultProxy(giftless.port, silent) as proxy:
        point_to(repository, f"http://127.0.0.1:{proxy.port}/team/silent")
        remote = open_lfs(project, "lfs://origin")
        begun = time.monotonic()
        with pytest.raises(MlverError, match="git-lfs said"):
            remote.upload(local, wanted, TransferOptions(timings=Timings(stall=1.0)))
        assert time.monotonic() - begun < 30
    assert list_left(project) == []


PUSH = """
import sys
from pathlib import Path
from mlver.digest import Digest
from mlver.git.lfs import LfsBatchAnswer, LfsBatchExchange
from mlver.git.repository import GitRepository
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.project.remote.lfs_remote import open_lfs

here = Path(sys.argv[1])
project = Project.from_repository(GitRepository.find(here), here)
wanted = [Digest(text) for text in sys.argv[2:]]
print("begun", flush=True)
open_lfs(project, "lfs://origin").upload(open_store(project), wanted)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_upload_leaves_no_process_and_goes_on(
    number: signal.Signals,
    project: Project,
    repository: Repository,
    giftless: RunningServer,
    local: LocalStore,
    tmp_path: Path,
) -> None:
    wanted = fill_store(local, LARGE, b"small")
    # The answer to the upload itself never comes.
    stalled = Fault(FaultKind.STALL_DOWN)
    with FaultProxy(giftless.port, dict.fromkeys(range(2, 60), stalled)) as proxy:
        point_to(repository, f"http://127.0.0.1:{proxy.port}/team/{tmp_path.name}")
        words = [sys.executable, "-c", PUSH, str(repository.path), *[each.hex for each in wanted]]
        process = subprocess.Popen(words, cwd=CHECKOUT, stderr=subprocess.DEVNULL)
        wait_until(lambda: proxy.fired > 0)
        begun = time.monotonic()
        process.send_signal(number)
        process.wait(10)
        assert time.monotonic() - begun < 2
        if number is signal.SIGINT:
            assert list_left(project) == []
            assert find_processes(repository.path) == []
    for name in list_left(project):
        # As if a minute had passed.
        os.utime(project.state_directory / "tmp" / name, (0, 0))
    point_to(repository, f"{giftless.address}/team/{tmp_path.name}")
    wait_until(lambda: find_processes(repository.path) == [])
    remote = open_lfs(project, "lfs://origin")
    remote.upload(local, wanted)
    assert list_left(project) == []
    store, _ = pull_into(remote, tmp_path / "other", wanted)
    assert set(store.list_objects()) == set(wanted)


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def find_processes(folder: Path) -> list[str]:
    """The processes that work in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            place = str((entry / "cwd").readlink()).removesuffix(" (deleted)")
            if entry.name.isdigit() and place.startswith(f"{folder}/"):
                found.append(f"{entry.name} {(entry / 'cmdline').read_text()}")
    return found
