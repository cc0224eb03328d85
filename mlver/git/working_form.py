"""Files as git checks them out and takes them in: by attributes, `core.autocrlf` and filters.

Filters that the repository brings are not run (see `mlver.git.filters`).
"""

from __future__ import annotations

from mlver.git.repository import GitRepository


def read_working_form(repository: GitRepository, commit: str, path: str) -> bytes:
    """Read the bytes that git would write for a file of a commit."""
    return repository.disarmed.read(["cat-file", "--filters", f"{commit}:{path}"])


def identify_file(repository: GitRepository, path: str, data: bytes) -> str:
    """Find the id of the object that git would make of a working file at `path`."""
    answer = repository.disarmed.read(["hash-object", "--stdin", f"--path={path}"], stdin=data)
    return answer.decode().strip()


def holds_file(repository: GitRepository, path: str, data: bytes) -> bool:
    """Say whether a commit of any branch or tag holds the file that git would make of these bytes.

    HEAD is asked first: most often it is the one.
    """
    object_id = identify_file(repository, path, data)
    in_head = repository.process.try_read(["rev-parse", "--quiet", "--verify", f"HEAD:{path}"])
    if in_head.out.decode().strip() == object_id:
        return True
    options = ["--all", "--full-history", "--max-count=1", "--format=%H"]
    options.append(f"--find-object={object_id}")
    listing = repository.process.read(["log", *options, "--", path])
    return bool(listing.strip())
