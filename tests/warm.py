"""A Python that has imported mlver already, for tests that start it many times and are not about
its start.

Two thirds of what a hook takes is to import what it runs. So one process imports all of it, and
forks a child for each run; a small program, which stands where a hook names its Python, hands the
child its words, its surroundings and its streams. Without `WARM` in its surroundings that program
becomes the real Python.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlver
from mlver.cli.main import main
from mlver.cli.quick_hook import run_hook

WARM = "TESTS_ARE_WARM"
_CHECKOUT = Path(__file__).resolve().parent.parent
_LENGTH_BYTES = 8
_PIECE_BYTES = 1 << 16
# It imports as little as it can: of what it hands over, each word ends with a NUL.
_CLIENT = """\
#!{python} -IS
import os, sys, _socket
if {warm!r} not in os.environ:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
words = [os.getcwd(), str(len(sys.argv) - 1), *sys.argv[1:]]
words += [f"{{name}}={{value}}" for name, value in os.environ.items()]
text = b"".join(os.fsencode(word) + b"\\0" for word in words)
link = _socket.socket(_socket.AF_UNIX)
link.connect({address!r})
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
link.sendmsg([len(text).to_bytes(8, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
link.sendall(text)
os._exit((link.recv(1) or b"\\x46")[0])
"""


@contextmanager
def serve_python() -> Iterator[Path]:
    """Yield the program that stands for the Python of this process, as long as a server runs."""
    with tempfile.TemporaryDirectory(prefix="mlver-warm-") as folder:
        address, program = os.path.join(folder, "socket"), Path(folder) / "python"  # noqa: PTH118
        program.write_text(_CLIENT.format(python=sys.executable, warm=WARM, address=address))
        program.chmod(0o755)
        with subprocess.Popen(
            [sys.executable, "-m", "tests.warm", address],
            cwd=_CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield program
            server.stdin.close()  # which ends it


def serve_runs(address: str) -> None:
    """Run mlver for each program that connects, until stdin ends."""
    for module in pkgutil.walk_packages(mlver.__path__, "mlver."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        gc.freeze()  # no child copies the memory of all modules because it looks for garbage there
        gc.set_threshold(200_000)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            link, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer_run(link)
            link.close()


def _answer_run(link: socket.socket) -> None:
    """Run what a program asks for, in this child, which ends with it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 70
    try:
        code = _run_words(link)
        sys.stdout.flush()
        sys.stderr.flush()
    # the program has to be told of whatever it is, and the child must not run on
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        link.sendall(bytes([code]))
        os._exit(0)


def _run_words(link: socket.socket) -> int:
    """Take over streams, folder and surroundings, and run `-P -m mlver WORDS…` as Python would."""
    head, streams, _, _ = socket.recv_fds(link, _LENGTH_BYTES, 3)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - streams have no path and no end
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, buffering=1)  # noqa: SIM115
    text = bytearray()
    while len(text) < int.from_bytes(head, "big"):
        text += link.recv(_PIECE_BYTES)
    folder, count, *words = map(os.fsdecode, bytes(text).split(b"\0")[:-1])
    argv, variables = words[: int(count)], words[int(count) :]
    assert argv[:3] == ["-P", "-m", "mlver"], argv
    os.chdir(folder)
    os.environ.clear()
    for variable in variables:
        name, _, os.environ[name] = variable.partition("=")
    time.tzset()
    sys.argv = ["mlver", *argv[3:]]
    return run_hook(argv[4:]) if argv[3:4] == ["hook"] else main(argv[3:])


if __name__ == "__main__":
    serve_runs(sys.argv[1])
