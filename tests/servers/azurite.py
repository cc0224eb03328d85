"""Azurite: Microsoft's own double of Azure's blob storage."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
from contextlib import closing
from email.utils import formatdate
from pathlib import Path

from tests.servers.install import install_programs
from tests.servers.starting import RunningServer, find_ports, is_listening, start_process

CONTAINER = "mlver-tests"
# The one account that every Azurite has; Microsoft's documentation tells it to everybody.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_VERSION = "2021-08-06"


def start_azurite(folder: Path) -> RunningServer:
    """Blob storage with the container `mlver-tests`. It takes 4 s to start."""
    program = install_programs("npm", "azurite") / "azurite-blob"
    (port,) = find_ports(1)
    options = ("--silent", "--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence")
    command = [str(program), *options, "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    pid = start_process(command, folder, lambda: is_listening(port) and make_container(port))
    return RunningServer(
        address=f"az://{CONTAINER}",
        port=port,
        pid=pid,
        options={"endpoint": f"http://127.0.0.1:{port}/{ACCOUNT}"},
        environment={"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": KEY},
    )


def make_container(port: int) -> bool:
    """Make the container, by one request with a signature. Whether it is there now."""
    resource = f"/{ACCOUNT}/{CONTAINER}"
    date = formatdate(usegmt=True)
    headers = f"x-ms-date:{date}\nx-ms-version:{_VERSION}"
    # Twice the account: once as the owner, once as the beginning of the path.
    lines = ["PUT", *[""] * 11, headers, f"/{ACCOUNT}{resource}\nrestype:container"]
    signed = hmac.new(base64.b64decode(KEY), "\n".join(lines).encode(), hashlib.sha256)
    signature = base64.b64encode(signed.digest()).decode()
    request = {
        "x-ms-date": date,
        "x-ms-version": _VERSION,
        "Authorization": f"SharedKey {ACCOUNT}:{signature}",
        "Content-Length": "0",
    }
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request("PUT", f"{resource}?restype=container", headers=request)
            return connection.getresponse().status in (201, 409)
    except (OSError, http.client.HTTPException):
        return False
