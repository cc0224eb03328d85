from __future__ import annotations

from pathlib import Path

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.project.tags.missing_seals import SealableRecord, plan_missing_tags, split_pushes
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


def list_records(versions: int, replaced: int, current: int) -> list[SealableRecord]:
    """Records in the order in which they are listed, called `v1`, `r1` and `c1`."""
    records: list[SealableRecord] = []
    for number in range(1, versions + 1):
        path = layout.version_path("m", f"1.{number}.0")
        records.append(SealableRecord(path, f"v{number}"))
    for number in range(1, replaced + 1):
        path = layout.promotion_path("m", "staging", number)
        records.append(SealableRecord(path, f"r{number}", current=False))
    for number in range(1, current + 1):
        path = layout.promotion_path("m", f"stage{number}", 1)
        records.append(SealableRecord(path, f"c{number}"))
    return records


def test_what_starts_pipelines_is_pushed_by_threes_and_what_was_replaced_at_once() -> None:
    pushes = split_pushes(list_records(versions=4, replaced=5, current=4))
    assert pushes == [
        ["v1", "v2", "v3"],
        ["v4"],
        ["r1", "r2", "r3", "r4", "r5"],
        ["c1", "c2", "c3"],
        ["c4"],
    ]


def test_versions_and_promotions_share_pushes_where_nothing_was_replaced() -> None:
    pushes = split_pushes(list_records(versions=2, replaced=0, current=2))
    assert pushes == [["v1", "v2", "c1"], ["c2"]]
    assert split_pushes([]) == []


def test_a_push_is_no_longer_than_a_command_may_be() -> None:
    records = list_records(versions=0, replaced=1, current=0)
    long = [SealableRecord(record.path, "r" * 100, current=False) for record in records * 10_000]
    pushes = split_pushes(long)
    assert 1 < len(pushes) < 10
    assert sum(map(len, pushes)) == 10_000
