"""`mlver export oci://…`: a ModelPack of a registry as plain files, without a repository."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import pytest

from mlver.errors import UsageError
from mlver.features.exporting.published import split_reference
from mlver.project.project import Project
from mlver.project.remote.model_pack import publish_model
from tests.conftest import Repository
from tests.servers.registry import start_registry
from tests.servers.starting import RunningServer, Servers


@pytest.fixture(scope="session")
def registry(servers: Servers) -> RunningServer:
    return servers.share_server("registry", start_registry)


@pytest.fixture
def address(registry: RunningServer) -> str:
    return f"{registry.address}/models/{uuid.uuid4().hex}"


@pytest.fixture
def nowhere(tmp_path: Path) -> Repository:
    """A folder without a repository."""
    folder = tmp_path / "nowhere"
    folder.mkdir()
    return Repository(folder)


def test_a_published_version_needs_no_repository(
    first: Repository, address: str, nowhere: Repository
) -> None:
    project = Project.open_existing(first.path)
    publish_model(project, "digits@1.0.0", address)
    done = nowhere.mlver("export", f"{address}:1.0.0", "out", "--dry-run")
    assert (done.code, os.listdir(nowhere.path)) == (0, []), done.err
    done = nowhere.mlver("export", f"{address}:1.0.0", "out")
    assert done.code == 0, done.err
    record, digest = project.registry.read_version("digits", "1.0.0")
    assert f"record  {digest}" in done.out.replace("\n", "")
    assert "no seal was checked" in done.err + done.out
    for artifact in record.named_artifacts().values():
        assert (nowhere.path / "out" / artifact.path).exists()
    done = nowhere.mlver("export", f"{address}:1.0.0", "two", "--only", "weights", "--json")
    document = json.loads(done.out)
    assert (document["format"], document["artifacts"]) == ("modelpack", ["weights"])
    assert (document["record"], document["size"]) == (str(digest), record.weights.size)


def test_what_cannot_be_exported_is_refused(address: str, nowhere: Repository) -> None:
    for words, reason in {
        (address, "out"): "names no version; write oci://HOST/NAMESPACE/NAME:TAG",
        (f"{address}:1.0.0", "out", "--as", "x"): "is written as it is there, not as x",
    }.items():
        done = nowhere.mlver("export", *words)
        assert (done.code, reason in done.err) == (2, True), done.err
    done = nowhere.mlver("--offline", "export", f"{address}:1.0.0", "out")
    assert (done.code, "--offline asks no registry" in done.err) == (2, True)
    done = nowhere.mlver("export", f"{address}:9.9.9", "out")
    assert (done.code, "has no 9.9.9" in done.err) == (3, True), done.err
    assert os.listdir(nowhere.path) == []


def test_an_address_names_a_tag_or_a_digest() -> None:
    digest = "sha256:" + "0" * 64
    assert split_reference("oci://h:5000/a/b:1.0") == ("oci://h:5000/a/b", "1.0")
    assert split_reference(f"oci://h:5000/a/b@{digest}") == ("oci://h:5000/a/b", digest)
    for address in ("oci://h:5000", "oci://h/a", "oci://h/a:", "oci://"):
        with pytest.raises(UsageError, match="names no version"):
            split_reference(address)
