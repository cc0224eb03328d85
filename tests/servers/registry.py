"""docker-registry: the OCI registry of Docker, as Debian has it.

It may delete, and begins empty. A second one asks for a user and a password, and deletes nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.servers.install import install_programs
from tests.servers.starting import RunningServer, find_ports, is_listening, start_process

USER, PASSWORD = "tests", "registry-tests"
# What `htpasswd -B` makes of that password.
_HASH = "$2b$04$vciLDwVUdJNhGNfetve66uPcEDocpOL/NTOz/75uwOysdXwEU2w7q"


def start_registry(folder: Path) -> RunningServer:
    """A registry for everybody on this machine."""
    return _start_registry(folder, {"delete": {"enabled": True}}, {})


def start_private_registry(folder: Path) -> RunningServer:
    """A registry that asks for a login and deletes nothing."""
    (folder / "users").write_text(f"{USER}:{_HASH}\n")
    login = {"htpasswd": {"realm": "tests", "path": f"{folder}/users"}}
    return _start_registry(folder, {}, {"auth": login})


def _start_registry(
    folder: Path, storage: dict[str, object], more: dict[str, object]
) -> RunningServer:
    program = install_programs("apt", "docker-registry") / "docker-registry"
    (port,) = find_ports(1)
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": f"{folder}/data"}, **storage},
        "http": {"addr": f"127.0.0.1:{port}"},
        **more,
    }
    # JSON is YAML, too.
    (folder / "config.yml").write_text(json.dumps(settings))
    command: list[str | Path] = [program, "serve", f"{folder}/config.yml"]
    pid = start_process(command, folder, lambda: is_listening(port))
    return RunningServer(address=f"oci://127.0.0.1:{port}", port=port, pid=pid)
