"""Where deployments lie is read back as it is written, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from mlver.records import layout
from mlver.records.deployment_paths import DeploymentPath, deployment_path, parse_deployment


def test_a_place_is_read_back_as_it_is_written() -> None:
    path = deployment_path("production-host", 12)
    assert path == ".mlver/deployments/production-host/0012.yaml"
    assert parse_deployment(path) == DeploymentPath("production-host", 12)
    assert layout.is_record_path(path)
    assert layout.is_own_path(path)
    assert layout.find_own_folder(".MLVER/Deployments/x") == f"{layout.DEPLOYMENTS}/"


@pytest.mark.parametrize(
    "path",
    [
        ".mlver/deployments/0001.yaml",
        ".mlver/deployments/host/1.yaml",
        ".mlver/deployments/host/0000.yaml",
        ".mlver/deployments/host/0001.yml",
        ".mlver/deployments/HOST/0001.yaml",
        ".mlver/deployments/../0001.yaml",
        ".mlver/deployments/a/b/0001.yaml",
        "deployments/host/0001.yaml",
        "x.mlver/deployments/host/0001.yaml",
    ],
)
def test_another_path_is_no_place(path: str) -> None:
    assert parse_deployment(path) is None
