from __future__ import annotations

from pathlib import Path

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.project.tags.missing_seals import SealableRecord, plan_missing_tags
from mlver.records import layout
from tests.features.merging.merges import diverge_branches, resolve_merge, run_git


def test_a_seal_is_for_a_commit_that_holds_the_record_where_a_merge_gave_its_number_to_another(
    tmp_path: Path,
) -> None:
    """On the line that ends here the number was first another record's, which a merge moved to the
    next one.
    """
    made = diverge_branches(tmp_path / "repository")
    made.git("tag", "--delete", "m@v1.1.0")
    made.git("switch", "--quiet", "topic")
    assert run_git(made, "merge", "--quiet", "main") == 1
    resolve_merge(made)
    made.git("commit", "--quiet", "--no-edit")
    project = Project.open_existing(made.path)
    path = layout.version_path("m", "1.1.0")
    plans, refused = plan_missing_tags(
        project, made.git("rev-parse", "HEAD"), [SealableRecord(path, "m@v1.1.0")], main_line=True
    )
    assert refused == ()
    ((plan, commit),) = plans
    (held,) = project.repository.blobs([f"{commit}:{path}"])
    assert held is not None
    assert f"Mlver-Record: {Digest.of_bytes(held)}" in plan.message
