"""The sizes of contents, kept beside a git-lfs server: in references of the git remote.

A git-lfs server has to be told the size of what it is asked for, and the manifest of a directory
has none. So each push of new contents adds one reference, `refs/mlver/sizes/<64 hex>`: a commit
with a file `sizes`, of lines `<64 hex> <size>`, which is named by its own SHA-256. What they say
decides nothing: every byte that comes is hashed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from mlver.errors import MlverError, shell_command
from mlver.git.process import FinishedProcess
from mlver.git.scratch import ScratchRepository

_FOLDER = "refs/mlver/sizes/"
# Far more than the lists of a million contents.
_MOST_BYTES = 256 << 20
_LINE = re.compile(rb"^([0-9a-f]{64}) ([0-9]{1,15})$", re.MULTILINE)


def fetch_sizes(scratch: ScratchRepository, remote: str) -> dict[str, int]:
    """Read all lists of a git remote. Raises MlverError where it does not answer."""
    wanted = f"+{_FOLDER}*:{_FOLDER}*"
    options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=")
    finished = scratch.run_git(["fetch", *options, "--no-recurse-submodules", remote, wanted])
    _check_git(finished, "read the sizes of objects from", remote)
    listed = scratch.run_git(["for-each-ref", "--format=%(refname):sizes", _FOLDER])
    if not listed.out:
        return {}
    contents = scratch.run_git(["cat-file", "--batch"], listed.out)
    _check_git(contents, "read the sizes of objects from", remote)
    sizes = {}
    for oid, size in _LINE.findall(contents.out[:_MOST_BYTES]):
        sizes[oid.decode()] = int(size)
    return sizes


def publish_sizes(scratch: ScratchRepository, remote: str, sizes: Mapping[str, int]) -> None:
    """Add a list to a git remote; the same one again is nothing new."""
    lines = [f"{oid} {sizes[oid]}\n" for oid in sorted(sizes)]
    content = "".join(lines).encode()
    name = _FOLDER + hashlib.sha256(content).hexdigest()
    # By nobody and at no time, so that the same list is the same commit.
    head = f"commit {name}\ncommitter mlver <mlver> 0 +0000\ndata 0\nM 100644 inline sizes\n"
    stream = b"%sdata %d\n%s\n" % (head.encode(), len(content), content)
    made = scratch.run_git(["fast-import", "--quiet", "--force"], stream)
    _check_git(made, "list the sizes of objects for", remote)
    pushed = scratch.run_git(["push", "--quiet", "--no-verify", remote, f"{name}:{name}"])
    _check_git(pushed, "add the sizes of objects to", remote)


def _check_git(finished: FinishedProcess, doing: str, remote: str) -> None:
    if finished.code:
        lines = finished.err.decode(errors="replace").strip().splitlines()
        listing = "\n".join(f"  {line}" for line in lines[-10:])
        raise MlverError(
            f"git could not {doing} {remote}, which git-lfs needs; it said:\n{listing}",
            hint=shell_command("git", "ls-remote", remote),
        )
