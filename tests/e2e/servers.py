"""Real servers for the tests: installed where missing, started on free ports, then stopped."""

from __future__ import annotations

import fcntl
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_SBIN = f"/usr/sbin{os.pathsep}/sbin{os.pathsep}/usr/local/sbin"
_PATIENCE_S = 20.0


def require_programs(**programs: str) -> dict[str, str]:
    """The paths of programs, each given with its Debian package, installed if need be; skip loudly
    where that fails.
    """
    with Path(tempfile.gettempdir(), "mlver-tests-apt.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be installing the same
        lacking = [package for name, package in programs.items() if _find_program(name) is None]
        if lacking:
            _install_packages(lacking)
    found = {name: _find_program(name) for name in programs}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        pytest.skip(f"NO FORGE WAS TRIED: {', '.join(missing)} could not be installed")
    return {name: path for name, path in found.items() if path is not None}


def _find_program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}{_SBIN}")


def _install_packages(packages: Sequence[str]) -> None:
    if shutil.which("apt-get") is None:
        return
    root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        ["update", "-qq"],
        ["install", "-qq", "-y", "--no-install-recommends", *packages],
    ):
        try:
            subprocess.run([*root, "apt-get", *words], env=quiet, capture_output=True, check=False)
        except FileNotFoundError:  # no sudo
            return


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def run_server(words: Sequence[str], log: Path, is_up: Callable[[], bool]) -> Iterator[None]:
    """A server, up while the block runs; one that does not come up fails the test with what it
    said.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
        try:
            until = time.monotonic() + _PATIENCE_S
            while not is_up():
                if process.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"{words[0]} did not start: {log.read_text(errors='replace')}")
                time.sleep(0.02)
            yield
        finally:
            # its workers as well: fcgiwrap's outlive it
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def is_answering(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serve_ssh(top: Path) -> Iterator[tuple[str, str]]:
    """An SSH server: the address before its paths, and the command that git reaches it with."""
    programs = require_programs(
        sshd="openssh-server", ssh="openssh-client", **{"ssh-keygen": "openssh-client"}
    )
    for name in ("host", "person"):
        words = [programs["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f", str(top / name)]
        subprocess.run(words, stdin=subprocess.DEVNULL, check=True)
    port = find_free_port()
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": top / "host",
        "AuthorizedKeysFile": top / "person.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
    }
    (top / "sshd_config").write_text(
        "".join(f"{name} {value}\n" for name, value in settings.items())
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd drops root's rights
    options = [
        "IdentitiesOnly=yes",
        "StrictHostKeyChecking=no",
        f"UserKnownHostsFile={top / 'known'}",
        "LogLevel=ERROR",
    ]
    server = [programs["sshd"], "-D", "-e", "-f", str(top / "sshd_config")]
    # a socket's path may have a hundred characters
    with tempfile.TemporaryDirectory(prefix="mlver-ssh-") as short:
        shared = Path(short) / "shared"
        client = [
            programs["ssh"],
            "-F",
            "none",
            "-i",
            str(top / "person"),
            *(f"-o{option}" for option in options),
        ]
        client += ["-S", str(shared)]
        person = f"{getpass.getuser()}@127.0.0.1"
        # one connection for all: a handshake takes longer than what thirty of them are for
        connection = [*client, "-M", "-N", "-p", str(port), person]
        with (
            run_server(server, top / "sshd.log", lambda: is_answering(port)),
            run_server(connection, top / "ssh.log", shared.exists),
        ):
            yield f"ssh://{person}:{port}", " ".join(client)


_NGINX = """\
daemon off;
pid {top}/nginx.pid;
error_log stderr;
{user}
events {{}}
http {{
  access_log off;
  client_max_body_size 0;
  client_body_temp_path {top}/body;
  proxy_temp_path {top}/proxy;
  fastcgi_temp_path {top}/fastcgi;
  uwsgi_temp_path {top}/uwsgi;
  scgi_temp_path {top}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      fastcgi_pass unix:{top}/cgi;
      fastcgi_param SCRIPT_FILENAME {backend};
      fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param GIT_PROJECT_ROOT /;
      fastcgi_param PATH_INFO $uri;
      fastcgi_param QUERY_STRING $args;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
      fastcgi_param GIT_PROTOCOL $http_git_protocol;
    }}
  }}
}}
"""


@contextmanager
def serve_http(top: Path) -> Iterator[str]:
    """nginx before `git http-backend`; yields the address its paths follow."""
    programs = require_programs(nginx="nginx-light", fcgiwrap="fcgiwrap")
    port = find_free_port()
    folder = subprocess.run(
        ["git", "--exec-path"], capture_output=True, text=True, check=True
    ).stdout.strip()
    user = "user root;" if os.geteuid() == 0 else ""
    settings = _NGINX.format(top=top, port=port, backend=f"{folder}/git-http-backend", user=user)
    (top / "nginx.conf").write_text(settings)
    cgi = top / "cgi"
    server = [programs["nginx"], "-p", str(top), "-c", str(top / "nginx.conf"), "-e", "stderr"]
    with (
        run_server(
            [programs["fcgiwrap"], "-c", "4", "-s", f"unix:{cgi}"], top / "fcgiwrap.log", cgi.exists
        ),
        run_server(server, top / "nginx.log", lambda: is_answering(port)),
    ):
        yield f"http://127.0.0.1:{port}"
