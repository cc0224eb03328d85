"""What git says of the signatures of tags (git-verify-tag(1)), made by OpenPGP, SSH or X.509 keys.

Which program checks one is up to the person's own settings, never to those of the repository: that would run code.
"""

from __future__ import annotations

import re

from mlver.git.process import Process
from mlver.git.repository import Repository, Tag
from mlver.policy.chain import SignatureState

# GnuPG's doc/DETAILS; ssh-keygen(1) -Y verify
_BAD = re.compile(rb"^(?:\[GNUPG:\] BADSIG |Signature verification failed)", re.MULTILINE)
_PROGRAMS = {
    "gpg.program": "gpg",
    "gpg.openpgp.program": "gpg",
    "gpg.x509.program": "gpgsm",
    "gpg.ssh.program": "ssh-keygen",
}


def checker(repository: Repository) -> Process:
    """What checks signatures, with the programs that the repository itself names put out of its reach."""
    told = repository.settings(r"^gpg\.(.*\.)?program$")
    own: dict[str, str] = {}
    for scope, name, value in told:
        if scope in ("local", "worktree"):
            own.setdefault(name, _PROGRAMS.get(name, "false"))
        else:
            own[name] = value  # of the person's own, the last counts
    theirs = {name for scope, name, _ in told if scope in ("local", "worktree")}
    return Process(repository.top, tuple((name, own[name]) for name in own if name in theirs))


def check(process: Process, tag: Tag) -> SignatureState:
    """Of one tag; `unknown` is one that cannot be judged here: a key not known or not trusted, no program for it."""
    if not tag.is_signed:
        return "unsigned"
    done = process.try_read(["verify-tag", "--raw", tag.object_id])
    if done.code == 0:
        return "good"
    return "bad" if _BAD.search(done.out + done.err) else "unknown"
