from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.servers.install import NotInstallable, install_programs
from tests.servers.starting import (
    RunningServer,
    ServerFailed,
    Servers,
    find_ports,
    is_listening,
    start_process,
)

OWNER = """\
import sys
from pathlib import Path
from tests.servers.starting import find_ports, start_process, is_listening
(port,) = find_ports(1)
command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
folder = Path(sys.argv[1])
folder.mkdir()
start_process(command, folder, lambda: is_listening(port))
print(port, flush=True)
sys.stdin.read()
"""


def start_example(folder: Path) -> RunningServer:
    (port,) = find_ports(1)
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    pid = start_process(command, folder, lambda: is_listening(port))
    return RunningServer("http://example", port, pid, {"region": "x"})


def wait_until_closed(port: int) -> None:
    deadline = time.monotonic() + 30
    while is_listening(port):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_is_started_once_and_again_when_it_is_gone(tmp_path: Path) -> None:
    servers = Servers(tmp_path / "shared")
    first = servers.share_server("example", start_example)
    again = Servers(tmp_path / "shared").share_server("example", start_example)
    assert again == first
    assert is_listening(first.port)
    first.stop_server()
    assert not is_listening(first.port)
    third = servers.share_server("example", start_example)
    assert third.port != first.port
    third.stop_server()
    assert [path.name for path in (tmp_path / "shared").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_ends_with_the_run_that_started_it(tmp_path: Path, end: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    environment.pop("PYTEST_XDIST_WORKER", None)
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path / "folder"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout is not None
        port = int(owner.stdout.readline())
        assert is_listening(port)
        owner.send_signal(end)
    wait_until_closed(port)
    deadline = time.monotonic() + 30
    while (tmp_path / "folder").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="No module named no_such_server"):
        start_process([sys.executable, "-m", "no_such_server"], tmp_path, lambda: False)


def test_what_cannot_be_installed_is_skipped_and_named(tmp_path: Path) -> None:
    tries = []

    def start_nothing(folder: Path) -> RunningServer:
        tries.append(folder)
        raise NotInstallable("no such package")

    for _ in range(2):
        with pytest.raises(pytest.skip.Exception, match=r"NOT TESTED: it .* no such package"):
            Servers(tmp_path).share_server("it", start_nothing)
    assert len(tries) == 1


def test_an_installer_that_fails_says_why() -> None:
    with pytest.raises(NotInstallable, match="pip no-such-lock"):
        install_programs("pip", "no-such-lock")
    with pytest.raises(NotInstallable, match="no-such-package"):
        install_programs("npm", "no-such-package")
