"""Alertmanager: sends the alerts that it is given where its settings say.

Its settings are `alertmanager.yml` in a folder of its own, and are read again when it is asked to.
"""

from __future__ import annotations

import http.client
from contextlib import suppress
from pathlib import Path

from tests.servers.install import install_programs
from tests.servers.prometheus import call_server
from tests.servers.starting import RunningServer, find_ports, start_process

# Where a test finds the folder of the server.
FOLDER_VARIABLE = "MLVER_TESTS_ALERTMANAGER"
_SETTINGS = "{route: {receiver: nobody}, receivers: [{name: nobody}]}\n"


def start_alertmanager(folder: Path) -> RunningServer:
    """Start a server that is alone, and tells nobody yet."""
    program = install_programs("apt", "prometheus-alertmanager") / "prometheus-alertmanager"
    (port,) = find_ports(1)
    (folder / "alertmanager.yml").write_text(_SETTINGS)
    command = [
        str(program),
        "--config.file=alertmanager.yml",
        "--storage.path=data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    pid = start_process(command, folder, lambda: _is_ready(port))
    return RunningServer(
        address=f"http://127.0.0.1:{port}",
        port=port,
        pid=pid,
        environment={FOLDER_VARIABLE: str(folder)},
    )


def _is_ready(port: int) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return call_server(port, "GET", "/-/ready")[0] == http.client.OK
    return False


def use_settings(server: RunningServer, settings: bytes) -> None:
    """Have a server go by other settings."""
    (Path(server.environment[FOLDER_VARIABLE]) / "alertmanager.yml").write_bytes(settings)
    status, said = call_server(server.port, "POST", "/-/reload")
    assert status == http.client.OK, said
