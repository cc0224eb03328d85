"""OpenSSH's sshd with keys of its own, run by whoever runs the tests and for them alone.

At its first port the far end has mlver, at the second it has SFTP and a shell without mlver, at the
third SFTP and no shell. A second key may do nothing but read one directory. The person's own
settings of ssh, keys and known hosts are neither read nor changed.
"""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from mlver.storage.remote.directory import init_directory
from tests.servers.install import CHECKOUT, NotInstallable, install_programs
from tests.servers.starting import RunningServer, find_ports, is_listening, start_process

_SETTINGS = """\
Port {port}
Port {bare_port}
Port {sftp_port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
MaxStartups 64
SetEnv PATH={folder}/bin:/usr/bin:/bin
Match LocalPort {bare_port}
	SetEnv PATH=/usr/bin:/bin
Match LocalPort {sftp_port}
	ForceCommand internal-sftp
"""
_CLIENT_SETTINGS = """\
Host *
	User {user}
	IdentityFile {folder}/{key}
	IdentitiesOnly yes
	IdentityAgent none
	BatchMode yes
	UserKnownHostsFile {folder}/known_hosts
	GlobalKnownHostsFile /dev/null
	HostKeyAlias tests
	StrictHostKeyChecking yes
"""
# Without it, newer ones keep a client away for a while whose connections were cut.
_NO_PENALTIES = "PerSourcePenalties no\n"
_MLVER = '#!/bin/sh\ncd {checkout} && exec {python} -m mlver -C / "$@"\n'


def start_sshd(folder: Path) -> RunningServer:
    """The address lacks the path of a directory; the others are `BARE_PORT` and `SFTP_PORT`.

    `environment["FORCED_SSH"]` is an ssh with the second key, which reads `FORCED_FOLDER` only.
    """
    sshd = _find_sshd()
    port, bare_port, sftp_port = find_ports(3)
    for name in ("host_key", "client_key", "forced_key"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f"]
        subprocess.run([*words, folder / name], check=True)
    host_key = (folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"tests {host_key}")
    for name in ("client", "forced"):
        settings = _CLIENT_SETTINGS.format(folder=folder, user=getpass.getuser(), key=f"{name}_key")
        (folder / name).write_text(settings)
    _write_authorized_keys(folder)
    write_far_mlver(folder / "bin")
    settings = _SETTINGS.format(port=port, bare_port=bare_port, sftp_port=sftp_port, folder=folder)
    config = folder / "sshd_config"
    config.write_text(_NO_PENALTIES + settings)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    if subprocess.run([sshd, "-t", "-f", config], capture_output=True, check=False).returncode:
        config.write_text(settings)
    command: list[str | Path] = [sshd, "-D", "-f", config, "-E", folder / "sshd.log"]
    pid = start_process(command, folder, lambda: is_listening(port) and is_listening(bare_port))
    return RunningServer(
        address=f"ssh://127.0.0.1:{port}",
        port=port,
        pid=pid,
        environment={
            "MLVER_SSH": f"ssh -F {folder}/client",
            "BARE_PORT": str(bare_port),
            "SFTP_PORT": str(sftp_port),
            "FORCED_SSH": f"ssh -F {folder}/forced",
            "FORCED_FOLDER": f"{folder}/forced-store",
        },
    )


def _write_authorized_keys(folder: Path) -> None:
    """One key may do all, the other one is given to `mlver store`."""
    init_directory(folder / "forced-store")
    forced = f'command="mlver store --read-only {folder}/forced-store",restrict '
    keys = (
        (folder / "client_key.pub").read_text() + forced + (folder / "forced_key.pub").read_text()
    )
    (folder / "authorized_keys").write_text(keys)


def write_far_mlver(folder: Path) -> None:
    """Put a program `mlver` there: this checkout's, as another machine would have it."""
    folder.mkdir()
    program = folder / "mlver"
    python = shlex.quote(sys.executable)
    program.write_text(_MLVER.format(checkout=shlex.quote(str(CHECKOUT)), python=python))
    program.chmod(0o755)


def _find_sshd() -> str:
    """The program; it is started by its whole path, for it starts itself again."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    found = shutil.which("sshd", path=path)
    if found is None:
        install_programs("apt", "openssh-server")
        found = shutil.which("sshd", path=path)
    if found is None:
        raise NotInstallable("no sshd after its package was installed")
    return found
