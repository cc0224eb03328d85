"""Servers as fixtures, each started when a test asks for it first.

A test of a server with a file of its own writes such a fixture beside itself.
"""

from __future__ import annotations

import pytest

from tests.programs import require_program
from tests.servers.alertmanager import start_alertmanager
from tests.servers.azurite import start_azurite
from tests.servers.prometheus import start_prometheus
from tests.servers.seaweedfs import start_gcs_double, start_seaweedfs
from tests.servers.starting import RunningServer, Servers, find_shared_folder


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Servers:
    """The servers of this run of tests, shared by all processes that run them."""
    return Servers(find_shared_folder(tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session")
def seaweedfs(servers: Servers) -> RunningServer:
    """S3 that is right in everything: SeaweedFS, with one bucket."""
    return servers.share_server("seaweedfs", start_seaweedfs)


@pytest.fixture(scope="session")
def gcs_double(servers: Servers) -> RunningServer:
    """What Google's client takes for Google Cloud Storage: SeaweedFS, with one bucket."""
    return servers.share_server("gcs-double", start_gcs_double)


@pytest.fixture(scope="session")
def azurite(servers: Servers) -> RunningServer:
    """Azurite: Azure's blob storage, with one container."""
    return servers.share_server("azurite", start_azurite)


@pytest.fixture(scope="session")
def prometheus(servers: Servers) -> RunningServer:
    """Prometheus, which scrapes what tests name, and knows what two versions counted before."""
    return servers.share_server("prometheus", start_prometheus)


@pytest.fixture(scope="session")
def alertmanager(servers: Servers) -> RunningServer:
    """Alertmanager, which tells nobody until a test says whom."""
    return servers.share_server("alertmanager", start_alertmanager)


@pytest.fixture(scope="session")
def git_lfs() -> None:
    """The program `git lfs`."""
    require_program("git-lfs")
