"""Repositories in which somebody is about to approve a version, or to take that back."""

from __future__ import annotations

import subprocess

from tests.faults.ground import WorkPlace
from tests.faults.preparations import prepare_two_versions


def prepare_approved(place: WorkPlace) -> None:
    prepare_two_versions(place)
    place.mlver("approve", "m@1.0.0", "--to", "production", "-m", "Fine")


def prepare_signing(place: WorkPlace) -> None:
    """A person whose git has an SSH key."""
    prepare_two_versions(place)
    key = place.path / ".git" / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    place.git("config", "gpg.format", "ssh")
    place.git("config", "user.signingKey", str(key))
