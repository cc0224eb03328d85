"""A host that has only the clone gets the bytes from a remote that somebody trusts there."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.features.deploying.conftest import add_target, read_served


def clone(repository: Repository, to: Path) -> Repository:
    repository.git("clone", "--quiet", str(repository.path), str(to))
    host = Repository(to)
    host.git("fetch", "--quiet", "--tags")
    return host


def test_bytes_come_from_a_remote(second: Repository, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert_works(second, "remote", "add", "storage", str(store), "--init")
    add_target(second)
    second.git("init", "--quiet", "--bare", str(tmp_path / "forge.git"))
    second.git("remote", "add", "origin", str(tmp_path / "forge.git"))
    assert second.mlver("push").code == 0
    host = clone(second, tmp_path / "host")
    refused = host.mlver("deploy", "host", "--offline")
    assert refused.code == 3
    assert "hint: mlver pull digits@1.0.0" in refused.err
    assert not (host.path / "serving/stable").exists()
    assert_works(host, "remote", "show", "storage", "--yes")
    assert host.mlver("deploy", "host").code == 0
    assert read_served(host.path / "serving")["version"] == "1.0.0"
    # Only what is served came, and no data set.
    assert host.mlver("checkout", "digits@1.1.0", "--offline").code == 3
