"""Promotion records written by hand, as an older mlver or a forger leaves them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

from mlver.document import codec
from mlver.policy.staging import stage_holder
from mlver.project.project import Project
from mlver.records.promotion import Action, PromotionRecord
from tests.conftest import Repository


def write_promotion(
    repository: Repository,
    version: str,
    *,
    stage: str = "production",
    action: Action = "promote",
    format: int = 1,
    model: str = "digits",
    early: bool = False,
    **changes: object,
) -> str:
    """Commit a promotion record without a seal, linked to the one before it; return its path.

    With `early`, a branch that was made before any record has it, and HEAD takes it in a merge.
    """
    project = Project.find_from(repository.path)
    history = project.registry.read_history(model, stage)
    _, digest = project.registry.read_version(model, version)
    record = PromotionRecord(
        format=format,
        model=model,
        stage=stage,
        sequence=len(history) + 1,
        action=action,
        version=version,
        previous=stage_holder([promotion for promotion, _ in history]),
        created=project.record_time,
        author="Kim <kim@example.org>",
        message="By hand",
        record=digest,
        prior=history[-1][1] if history else None,
    )
    record = replace(record, **changes)  # type: ignore[arg-type]
    data = codec.encode_document("promotion", record.to_document())
    if early:
        _merge_early(repository, record.record_path, data)
        return record.record_path
    repository.write(record.record_path, data)
    repository.commit(f"Move {stage} by hand")
    return record.record_path


def _merge_early(repository: Repository, path: str, data: bytes) -> None:
    """Add a file to the first commit on a branch of its own, and merge that."""
    index = repository.path / ".git" / "early-index"
    environment = {**os.environ, "GIT_INDEX_FILE": str(index)}

    def run_git(*words: str, data: bytes | None = None) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=repository.path,
            env=environment,
            input=data,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()

    first = run_git("rev-list", "--max-parents=0", "HEAD")
    blob = run_git("hash-object", "-w", "--stdin", data=data)
    run_git("read-tree", first)
    run_git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    commit = run_git("commit-tree", run_git("write-tree"), "-p", first, "-m", "By hand")
    index.unlink()
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", commit)
