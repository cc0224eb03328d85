"""Real SSH and OpenPGP keys, and files of allowed signers."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Repository
from tests.programs import require_program


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An SSH key of one person, as git is told of it."""

    mail: str
    path: Path

    @property
    def public(self) -> str:
        return " ".join(Path(f"{self.path}.pub").read_text().split()[:2])

    def allow(self, mail: str | None = None, options: str = "") -> str:
        """A line of a file of allowed signers."""
        words = [mail or self.mail, options, self.public]
        return " ".join(word for word in words if word) + "\n"

    def use(self, repository: Repository) -> None:
        """Let the repository's git sign with it."""
        repository.git("config", "gpg.format", "ssh")
        repository.git("config", "user.signingKey", str(self.path))


def make_key(folder: Path, mail: str) -> SigningKey:
    require_program("ssh-keygen", "openssh-client")
    path = folder / mail.replace("@", "-")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return SigningKey(mail, path)


def make_openpgp_key(home: Path, person: str, expires: str = "never") -> str:
    """Make a key without a passphrase below `home`; return its fingerprint."""
    require_program("gpg", "gnupg")
    home.mkdir(mode=0o700)
    command = ["gpg", "--homedir", str(home), "--batch", "--passphrase", ""]
    subprocess.run(
        [*command, "--quick-gen-key", person, "ed25519", "sign", expires],
        check=True,
        capture_output=True,
    )
    listing = subprocess.run(
        [*command, "--list-keys", "--with-colons"], check=True, capture_output=True, text=True
    ).stdout
    for line in listing.splitlines():
        if line.startswith("fpr:"):
            return line.split(":")[9]
    raise AssertionError(listing)


def stop_agent(home: Path) -> None:
    environment = {**os.environ, "GNUPGHOME": str(home)}
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)
