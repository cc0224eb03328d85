from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from mlver.errors import MlverError, UsageError
from mlver.system.programs import (
    ProgramEnded,
    ProgramSilent,
    RunningProgram,
    SshHost,
    run_ssh,
    start_ssh,
)

HOST = SshHost("example.org")


def take_for_ssh(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """A program in place of ssh, whose arguments are those of ssh."""
    words = [sys.executable, "-S", "-c", source]
    monkeypatch.setenv("MLVER_SSH", shlex.join(words))


def read_all(program: RunningProgram) -> bytes:
    data = b""
    while True:
        try:
            data += program.read_exactly(1)
        except ProgramEnded:
            program.close_output()
            return data


def wait_gone(process: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    "host",
    [
        SshHost("-oProxyCommand=touch /canary"),
        SshHost("-V"),
        SshHost(""),
        SshHost("a b"),
        SshHost("a;touch x"),
        SshHost("$(touch x)"),
        SshHost("`x`"),
        SshHost("a\n"),
        SshHost("a/b"),
        SshHost("ä"),
        SshHost("h" * 300),
        SshHost("h", user="-l"),
        SshHost("h", user=""),
        SshHost("h", user="a;b"),
        SshHost("h", port=0),
        SshHost("h", port=65536),
    ],
)
def test_what_ssh_or_a_shell_could_misread_starts_nothing(
    host: SshHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    take_for_ssh(monkeypatch, f"open({str(tmp_path / 'canary')!r}, 'w')")
    for start in (lambda: start_ssh(host, "true"), lambda: run_ssh(host, "true", 9.0)):
        with pytest.raises(UsageError, match="is no"):
            start()
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("name", ["::1", "fe80::1%eth0", "10.0.0.1", "a_b", "build.example.org"])
def test_ssh_gets_a_list_of_arguments(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    take_for_ssh(monkeypatch, "import sys; sys.stdout.write(repr(sys.argv[1:]))")
    command = "mlver store -- '/a b;touch c'"
    for subsystem in (False, True):
        program = start_ssh(SshHost(name, "kim", 2222), command, subsystem=subsystem)
        words = read_all(program).decode()
        assert program.stop() == 0
        assert words.startswith("['-T', '-o', 'RemoteCommand=none', ")
        flag = "'-s', " if subsystem else ""
        assert words.endswith(f"'-p', '2222', '-l', 'kim', {flag}'--', {name!r}, {command!r}]")


def test_what_goes_in_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = "import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"
    take_for_ssh(monkeypatch, copy)
    data = os.urandom(3 << 20)
    program = start_ssh(HOST, "x")
    writer = threading.Thread(target=program.write_piece, args=(data, 30.0))
    writer.start()
    assert program.read_exactly(len(data)) == data
    writer.join()
    assert program.stop() == 0
    program.close_output()


def test_a_program_that_takes_nothing_is_noticed_and_one_that_ended_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take_for_ssh(monkeypatch, "import time; time.sleep(60)")
    program = start_ssh(HOST, "x")
    with pytest.raises(ProgramSilent):
        program.write_piece(bytes(8 << 20), 0.05)
    program.kill()
    with pytest.raises(ProgramEnded):
        program.read_exactly(1)
    with pytest.raises(ProgramEnded):
        program.write_piece(bytes(8 << 20), 5.0)
    assert program.stop() == -signal.SIGKILL
    program.close_output()
    with pytest.raises(ProgramSilent):
        run_ssh(HOST, "x", 0.05)


def test_one_that_does_not_end_by_itself_is_killed_and_reaped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = "import os, time; os.write(1, b'%8d' % os.getpid()); time.sleep(60)"
    take_for_ssh(monkeypatch, source)
    program = start_ssh(HOST, "x")
    process = int(program.read_exactly(8))
    assert program.stop() == -signal.SIGKILL
    program.close_output()
    wait_gone(process)
    forgotten = start_ssh(HOST, "x")
    process = int(forgotten.read_exactly(8))
    del forgotten
    wait_gone(process)


def test_what_it_complains_of_is_kept_without_control_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = "import sys; sys.stderr.write('x' * 9000 + '\\n\\x1b[31mred\\r\\n\\u202eend\\n')"
    take_for_ssh(monkeypatch, f"{source}; sys.exit(7)")
    code, complaint = run_ssh(HOST, "x", 30.0)
    assert code == 7
    assert len(complaint) < 4200
    assert complaint.endswith("x; \\x1b[31mred; \\u202eend")


def test_a_machine_without_ssh_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLVER_SSH", "/nowhere/ssh")
    with pytest.raises(MlverError, match="could not be started: No such file") as caught:
        start_ssh(HOST, "x")
    assert caught.value.hint == "ssh -V"
    monkeypatch.setenv("MLVER_SSH", "ssh 'unclosed")
    with pytest.raises(UsageError, match="MLVER_SSH is no list of words"):
        start_ssh(HOST, "x")
