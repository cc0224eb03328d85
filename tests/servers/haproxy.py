"""HAProxy, as Debian has it, with one frontend whose backend comes from a file of routes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from contextlib import closing
from pathlib import Path

from tests.servers.install import install_programs
from tests.servers.reloading import FOLDER_VARIABLE, replace_workers
from tests.servers.starting import RunningServer, find_ports, is_listening, start_process

# Debian has it where only root looks.
_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
# The socket is named from the folder in which HAProxy runs: it takes no path of over 97 characters.
_SETTINGS = """
global
    nbthread 1
    stats socket unix@admin level admin expose-fd listeners
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend requests
    bind 127.0.0.1:{port}
    default_backend {target}
"""


def find_haproxy() -> str:
    """The program, installed where it is missing."""
    program = shutil.which("haproxy", path=_PATH)
    if program is None:
        install_programs("apt", "haproxy")
        program = "/usr/sbin/haproxy"
    return program


def write_haproxy_settings(folder: Path, routes: Path, target: str, port: int) -> list[str | Path]:
    """Write the file with the frontend; the command that goes by it and the file of routes."""
    settings = folder / "haproxy.cfg"
    settings.write_text(_SETTINGS.format(port=port, target=target))
    return [find_haproxy(), "-f", settings, "-f", routes]


def start_haproxy(folder: Path, routes: Path, target: str) -> RunningServer:
    """A proxy before the backend of a target, whose file of routes is there."""
    (port,) = find_ports(1)
    command = [*write_haproxy_settings(folder, routes, target, port), "-W"]
    pid = start_process(command, folder, lambda: is_listening(port))
    return RunningServer(
        address=f"http://127.0.0.1:{port}",
        port=port,
        pid=pid,
        environment={FOLDER_VARIABLE: str(folder)},
    )


def reload_haproxy(server: RunningServer) -> None:
    """Read all files again, in a new worker that takes over the sockets of the old one."""
    replace_workers(server, signal.SIGUSR2)


def ask_haproxy(server: RunningServer, command: str) -> str:
    """Give a running HAProxy a command; its answer."""
    folder = os.open(server.environment[FOLDER_VARIABLE], os.O_PATH)
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        try:
            connection.connect(f"/proc/self/fd/{folder}/admin")
        finally:
            os.close(folder)
        connection.sendall(f"{command}\n".encode())
        return connection.makefile().read().strip()
