from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlver.storage.remote.blobs import BlobStore
from mlver.storage.remote.directory import init_directory
from mlver.storage.remote.open import parse_address
from mlver.storage.remote.ssh import SshBlobs
from mlver.storage.remote.ssh_sessions import parse_place
from tests.servers.sshd import start_sshd
from tests.servers.starting import RunningServer, Servers
from tests.storage.remote.blob_conformance import BlobConformance


def open_blobs_at(port: int | str, path: Path, patience: float = 20.0) -> SshBlobs:
    return SshBlobs(parse_place(parse_address(f"ssh://127.0.0.1:{port}{path}", {})), patience)


@pytest.fixture(scope="module")
def sshd(servers: Servers) -> Iterator[RunningServer]:
    server = servers.share_server("sshd", start_sshd)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLVER_SSH", server.environment["MLVER_SSH"])
        yield server


@pytest.fixture(scope="module", params=["mlver store", "sftp"])
def shared(
    sshd: RunningServer, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[SshBlobs, Path]]:
    """Blobs whose session many tests use, for to begin one takes a second; and their folder."""
    folder = tmp_path_factory.mktemp("ssh") / "shared"
    is_bare = request.param == "sftp"
    blobs = open_blobs_at(sshd.environment["BARE_PORT"] if is_bare else sshd.port, folder)
    assert blobs.transport == request.param
    yield blobs, folder
    blobs.close()


class TestSsh(BlobConformance):
    """With mlver at the far end, and without."""

    @pytest.fixture
    def blobs(self, shared: tuple[SshBlobs, Path]) -> BlobStore:
        blobs, folder = shared
        shutil.rmtree(folder, ignore_errors=True)
        init_directory(folder)
        return blobs
