"""Real SSH and OpenPGP keys, and files of allowed signers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

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


@contextmanager
def openpgp_key(person: str) -> Iterator[tuple[Path, str]]:
    """Make a key without a passphrase; yield the folder that GnuPG keeps it in, its fingerprint."""
    require_program("gpg", "gnupg")
    # GnuPG's agent listens at a path below it, which may not be long.
    with TemporaryDirectory(prefix="gpg") as folder:
        command = ["gpg", "--homedir", folder, "--batch", "--passphrase", ""]
        making = [*command, "--quick-gen-key", person, "ed25519", "sign", "never"]
        subprocess.run(making, check=True, capture_output=True)
        listing = subprocess.run(
            [*command, "--list-keys", "--with-colons"], check=True, capture_output=True, text=True
        ).stdout
        lines = [line.split(":") for line in listing.splitlines()]
        try:
            yield Path(folder), next(fields[9] for fields in lines if fields[0] == "fpr")
        finally:
            environment = {**os.environ, "GNUPGHOME": folder}
            subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)
