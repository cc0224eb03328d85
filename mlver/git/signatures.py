"""What git says of the signatures of tags (git-verify-tag(1)), made by OpenPGP, SSH or X.509 keys.

The person's own settings choose the program that checks one. Those of the repository must not: they
would run code.
"""

from __future__ import annotations

import re
from pathlib import Path

from mlver.git.git_tag import GitTag
from mlver.git.process import GitProcess
from mlver.git.repository import GitRepository
from mlver.policy.chain import SignatureState

# GnuPG's doc/DETAILS; ssh-keygen(1) -Y verify
_BAD = re.compile(rb"^(?:\[GNUPG:\] BADSIG |Signature verification failed)", re.MULTILINE)
_PROGRAMS = {
    "gpg.program": "gpg",
    "gpg.openpgp.program": "gpg",
    "gpg.x509.program": "gpgsm",
    "gpg.ssh.program": "ssh-keygen",
}


def names_signers(repository: GitRepository) -> bool:
    """Say whether git is told here whose SSH keys it knows."""
    return any(repository.settings(r"^gpg\.ssh\.allowedsignersfile$"))


def signature_checker(repository: GitRepository, signers: Path | None = None) -> GitProcess:
    """Build the process that checks signatures, with no program that the repository names.

    `signers` is the file of SSH keys that it knows, where git's settings are not to say.
    """
    programs: dict[str, str] = {}
    overridden: set[str] = set()
    for scope, name, value in repository.settings(r"^gpg\.(.*\.)?program$"):
        if scope in ("local", "worktree"):
            overridden.add(name)
            programs.setdefault(name, _PROGRAMS.get(name, "false"))
        else:
            # of the person's own settings, the last counts
            programs[name] = value
    disarmed = [(name, program) for name, program in programs.items() if name in overridden]
    if signers is not None:
        disarmed.append(("gpg.ssh.allowedSignersFile", str(signers)))
    return GitProcess(repository.top, tuple(disarmed), hooked=repository.hooked)


def signs_tags(repository: GitRepository) -> bool:
    """Say whether git signs the annotated tags that it makes here."""
    finished = repository.process.try_read(["config", "--type=bool", "--get", "tag.gpgSign"])
    return finished.out.strip() == b"true"


def check_signature(process: GitProcess, tag: GitTag) -> SignatureState:
    """Check the signature of one tag.

    `unknown` is one that cannot be judged here: its key is not known or not trusted, or its program
    is not installed.
    """
    if not tag.is_signed:
        return "unsigned"
    finished = process.try_read(["verify-tag", "--raw", tag.object_id])
    if finished.code == 0:
        return "good"
    if _BAD.search(finished.out + finished.err):
        return "bad"
    return "unknown"
