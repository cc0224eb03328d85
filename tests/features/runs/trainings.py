"""Scripts that train, and what they leave."""

from __future__ import annotations

import subprocess
import sys

from mlver.project.project import Project
from mlver.project.runs.kept import KeptRun, list_kept_runs
from tests.conftest import Repository

PYTHON = sys.executable
TRAIN = """\
import json, os, pathlib
log = pathlib.Path(os.environ["MLVER_CURVES"]).open("a")
for step in range(1, 4):
    print(json.dumps({"step": step, "loss": 1 / step}), file=log)
log.close()
pathlib.Path("model/weights.safetensors").write_text("trained\\n")
pathlib.Path("metrics.json").write_text(json.dumps({"accuracy": 0.97, "log_loss": 0.2}))
"""
COMMAND = ("--", "sh", "-c")
# As TRAIN does it, without a Python that has to start.
QUICK = (
    'for i in 1 2 3; do echo "{\\"step\\": $i, \\"loss\\": 0.$i}" >> "$MLVER_CURVES"; done;'
    " echo trained > model/weights.safetensors;"
    ' echo "{\\"accuracy\\": 0.97, \\"log_loss\\": 0.2}" > metrics.json'
)


def shell(script: str) -> tuple[str, ...]:
    return (*COMMAND, script)


def read_runs(repository: Repository) -> list[KeptRun]:
    """The runs, the newest first; none of them may be unreadable."""
    kept = list_kept_runs(Project.open_existing(repository.path))
    assert kept.faults == ()
    return list(kept.runs)


def read_only_run(repository: Repository) -> KeptRun:
    (run,) = read_runs(repository)
    return run


def list_references(repository: Repository) -> list[str]:
    return repository.git("for-each-ref", "--format=%(refname)", "refs/mlver/runs").split()


def describe_rest(repository: Repository) -> tuple[str, str, str]:
    """What a run must not change: HEAD, the branches and tags, and what git says of the files."""
    references = repository.git("for-each-ref", "refs/heads", "refs/tags")
    return repository.git("rev-parse", "HEAD"), references, repository.git("status", "--porcelain")


def forge_run(
    repository: Repository,
    reference: str,
    files: dict[str, bytes] | list[tuple[str, bytes]],
    mode: str = "100644",
) -> str:
    """A commit of these files under a reference, as anybody can push one; a list of them may have
    a name twice.
    """
    tree = b""
    for name, data in sorted(files.items()) if isinstance(files, dict) else files:
        blob = store_raw(repository, "blob", data)
        tree += f"{mode} {name}\0".encode() + bytes.fromhex(blob)
    commit = repository.git("commit-tree", store_raw(repository, "tree", tree), "-m", "forged")
    repository.git("update-ref", reference, commit)
    return commit


def store_raw(repository: Repository, kind: str, data: bytes) -> str:
    """Store an object that git itself would refuse to make."""
    made = subprocess.run(
        ["git", "hash-object", "-w", "--literally", "-t", kind, "--stdin"],
        input=data,
        cwd=repository.path,
        capture_output=True,
        check=True,
    )
    return made.stdout.decode().strip()


def read_raw_run(repository: Repository, reference: str) -> bytes:
    """The bytes of a run's record."""
    return subprocess.run(
        ["git", "cat-file", "blob", f"{reference}:run.yaml"],
        cwd=repository.path,
        capture_output=True,
        check=True,
    ).stdout
