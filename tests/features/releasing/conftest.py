"""Repositories whose git signs the tags it makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.programs import require_program


@pytest.fixture
def signing(repository: Repository) -> Repository:
    assert_works(repository, "init")
    repository.write("w.bin", "weights")
    repository.git("config", "tag.gpgSign", "true")
    return repository


@pytest.fixture
def ssh(signing: Repository, tmp_path: Path) -> Repository:
    """Version 1.0.0, its tag signed by an SSH key that git knows to be Kim's."""
    require_program("ssh-keygen", "openssh-client")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (tmp_path / "allowed").write_text(f"kim@example.org {key.with_suffix('.pub').read_text()}")
    signing.git("config", "gpg.format", "ssh")
    signing.git("config", "user.signingKey", str(key))
    signing.git("config", "gpg.ssh.allowedSignersFile", str(tmp_path / "allowed"))
    assert_works(signing, "register", "m", "--weights", "w.bin", "-m", "First")
    return signing
