"""What a whole audit finds among records, tags and manifests."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlver.document import codec
from mlver.features.checking.verify import verify_versions
from mlver.features.releasing.tag import tag_records
from mlver.project.audit import audit
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from tests.conftest import NOW, Repository
from tests.project.helpers import edit_file, register_one, write_artifact

FIRST, SECOND = layout.version_path("m", "1.0.0"), layout.version_path("m", "1.1.0")


def list_findings(project: Project) -> set[tuple[str, str, str]]:
    return {(link.kind, link.subject, link.message) for link in audit.check_repository(project)}


def test_a_whole_repository_has_nothing_to_tell(story: Project) -> None:
    assert list_findings(story) == set()
    assert audit.find_uncommitted(story, ["m"]) == []
    assert audit.find_uncommitted(story, []) == []


def test_records_that_differ_from_head(story: Project, promoted_repository: Repository) -> None:
    edit_file(promoted_repository, FIRST, "message: why", "message: because")
    (promoted_repository.path / layout.promotion_path("m", "production", 2)).unlink()
    edit_file(
        promoted_repository,
        layout.settings_path("m"),
        "model: m",
        "model: m\ndescription: may change",
    )
    assert [
        (link.kind, link.subject, link.message) for link in audit.find_uncommitted(story, ["m"])
    ] == [
        (
            "record",
            layout.promotion_path("m", "production", 2),
            "is deleted here, though HEAD holds it",
        ),
        ("record", FIRST, "differs from what HEAD holds"),
    ]


def test_what_history_did_to_records_is_told(
    story: Project, promoted_repository: Repository
) -> None:
    edit_file(promoted_repository, FIRST, "message: why", "message: because")
    edited = promoted_repository.commit()
    (promoted_repository.path / SECOND).unlink()
    edit_file(
        promoted_repository,
        layout.settings_path("m"),
        "model: m",
        "model: m\ndescription: may change",
    )
    deleted = promoted_repository.commit()
    assert list_findings(story) >= {
        ("history", FIRST, f"was changed in commit {edited[:10]}, after it had been committed"),
        ("history", SECOND, f"was deleted in commit {deleted[:10]}, after it had been committed"),
        ("tag", "m@v1.1.0", "seals a record that is not here"),
    }


def test_strays_among_the_records_are_named(
    story: Project, promoted_repository: Repository
) -> None:
    (manifest,) = story.registry.list_names(layout.MANIFESTS)[:1]
    with (promoted_repository.path / layout.MANIFESTS / manifest).open("ab") as file:
        file.write(b"x")
    promoted_repository.write(".mlver/models/m/versions/2.0.yaml.orig", "x")
    promoted_repository.write(".mlver/models/m/stages/production/3.yaml", "x")
    assert list_findings(story) == {
        ("manifest", f"{layout.MANIFESTS}/{manifest}", "no longer hashes to its name"),
        ("name", ".mlver/models/m/versions/2.0.yaml.orig", "is no record's name"),
        ("name", ".mlver/models/m/stages/production/3.yaml", "is no record's name"),
    }


EVALUATION = layout.evaluation_path("m", "1.0.0", 1)
APPROVAL = layout.approval_path("m", "1.0.0", "production", 1)


def evaluated(project: Project, promoted_repository: Repository, **changes: Any) -> None:
    """An evaluation and an approval of 1.0.0, committed."""
    version, record = project.registry.read_version("m", "1.0.0")
    told: dict[str, Any] = {
        "model": "m",
        "version": "1.0.0",
        "sequence": 1,
        "created": NOW,
        "author": "Kim",
    }
    told |= {"message": "why", "record": record, **changes}
    evaluation = EvaluationRecord(
        **told, data={"golden": version.weights}, metrics={"accuracy": 0.9}
    )
    approval = ApprovalRecord(**told, stage="production")
    promoted_repository.write(
        EVALUATION, codec.encode_document("evaluation", evaluation.to_document())
    )
    promoted_repository.write(APPROVAL, codec.encode_document("approval", approval.to_document()))
    promoted_repository.commit()


def test_evaluations_and_approvals_are_read_and_held_to_their_record(
    story: Project, promoted_repository: Repository
) -> None:
    evaluated(story, promoted_repository)
    assert list_findings(story) == set()
    edit_file(promoted_repository, FIRST, "message: why", "message: because")
    said = "was given for another record of 1.0.0 than the one here"
    assert list_findings(story) == {("record", EVALUATION, said), ("record", APPROVAL, said)}
    (promoted_repository.path / FIRST).unlink()
    said = "names 1.0.0, which has no record"
    assert list_findings(story) >= {("record", EVALUATION, said), ("record", APPROVAL, said)}


def test_those_of_another_place_are_named(story: Project, promoted_repository: Repository) -> None:
    evaluated(story, promoted_repository, sequence=2)
    assert list_findings(story) == {
        (
            "record",
            EVALUATION,
            "is not valid: it says that it belongs at .mlver/models/m/evaluations/1.0.0/0002.yaml",
        ),
        (
            "record",
            APPROVAL,
            "is not valid: it says that it belongs at "
            ".mlver/models/m/approvals/1.0.0/production/0002.yaml",
        ),
    }


GARBAGE = {
    EVALUATION: ("record", "is not valid: "),
    APPROVAL: ("record", "is not valid: "),
    layout.settings_path("m"): ("settings", "is not valid: "),
    f"{layout.versions_folder('m')}/banana.yaml": ("name", "is no record's name"),
    f"{layout.stages_folder('m')}/Prod/0001.yaml": ("name", "is no record's name"),
    f"{layout.MODELS}/-x/model.yaml": ("name", "is no record's name"),
}


@pytest.mark.parametrize("path", GARBAGE)
def test_garbage_is_named_wherever_it_lies(
    story: Project, promoted_repository: Repository, path: str
) -> None:
    kind, said = GARBAGE[path]
    promoted_repository.write(path, "garbage")
    (link,) = audit.check_repository(story)
    assert (link.kind, link.subject) == (kind, path)
    assert link.message.startswith(said)
    assert link.hints


def test_garbage_for_settings_ends_no_audit(
    story: Project, promoted_repository: Repository
) -> None:
    promoted_repository.write(layout.CONFIG, "garbage")
    (link,) = verify_versions(story, everything=True).broken
    assert (link.kind, link.subject) == ("settings", layout.CONFIG)


LINKS = [
    layout.MODELS,
    f"{layout.MODELS}/m",
    layout.versions_folder("m"),
    layout.stages_folder("m"),
    layout.stage_folder("m", "production"),
    layout.promotion_path("m", "production", 1),
    FIRST,
    layout.settings_path("m"),
    layout.MANIFESTS,
]


@pytest.mark.parametrize("path", LINKS)
def test_a_symlink_ends_no_audit(
    story: Project, promoted_repository: Repository, tmp_path: Path, path: str
) -> None:
    (promoted_repository.path / path).rename(tmp_path / "elsewhere")
    (promoted_repository.path / path).symlink_to(tmp_path / "elsewhere")
    broken = verify_versions(story, everything=True).broken
    assert any(path in link.subject or path in link.message for link in broken)
    assert all(link.hints for link in broken)
    verify_versions(story)


def test_models_that_differ_by_case_only_are_named(
    story: Project, promoted_repository: Repository
) -> None:
    """As two branches bring them, each of which had but one."""
    shutil.copytree(
        promoted_repository.path / layout.MODELS / "m",
        promoted_repository.path / layout.MODELS / "M",
    )
    promoted_repository.commit()
    said = "differs from the model `M` by letter case only: one folder on many machines"
    assert ("name", f"{layout.MODELS}/m", said) in list_findings(story)
    shutil.rmtree(promoted_repository.path / layout.MODELS / "M")
    assert ("name", f"{layout.MODELS}/m", said) in list_findings(story)


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("fault", ["dangling", "pipe"])
def test_a_working_file_that_cannot_be_read_is_named(
    story: Project, promoted_repository: Repository, stored: bool, fault: str
) -> None:
    if not stored:
        write_artifact(promoted_repository, "w", {"a": "three"})
        promoted_repository.git("add", "--force", "w")
        promoted_repository.commit()
        register_one(story, bump="minor", unstored=["weights"])
    if fault == "dangling":
        (promoted_repository.path / "w" / fault).symlink_to("nowhere")
    else:
        os.mkfifo(promoted_repository.path / "w" / fault)
    verified = verify_versions(story, everything=True)
    notes = [note for note in verified.notes if note.kind == "working"]
    assert verified.broken == ()
    assert notes
    assert all(fault in note.message for note in notes)


@pytest.mark.parametrize("name", ["other@v1.0.0", "x/y@v1.0.0", "‌.git@v1.0.0", "CON@v1"])
def test_a_seal_of_what_is_not_here_is_named_whatever_it_is_called(
    story: Project, promoted_repository: Repository, name: str
) -> None:
    promoted_repository.git(
        "tag", "--annotate", name, "--message", f"m\n\nMlver-Record: sha256:{'00' * 32}"
    )
    promoted_repository.git("tag", "--annotate", "somebody@v1.2.3", "--message", "else's")
    assert list_findings(story) == {("tag", name, "seals a record that is not here")}


@pytest.mark.parametrize("name", ["a\nb.yaml", b"\xff.yaml".decode(errors="surrogateescape")])
def test_a_committed_name_of_any_bytes_stops_no_audit(
    story: Project, promoted_repository: Repository, name: str
) -> None:
    path = f"{layout.versions_folder('m')}/{name}"
    promoted_repository.write(path, "x")
    edit_file(promoted_repository, FIRST, "message: why", "message: because")
    promoted_repository.git("add", path)
    promoted_repository.git("commit", "--quiet", "--message", "a stranger")
    assert [link.subject for link in audit.find_uncommitted(story, ["m"])] == [FIRST]


def test_a_repository_in_a_records_place_is_named(
    story: Project, promoted_repository: Repository, tmp_path: Path
) -> None:
    head = promoted_repository.git("rev-parse", "HEAD")
    path = layout.version_path("m", "3.0.0")
    subprocess.run(
        ["git", "update-index", "--add", "--cacheinfo", f"160000,{head},{path}"],
        cwd=promoted_repository.path,
        check=True,
    )
    promoted_repository.git("commit", "--quiet", "--message", "a submodule")
    (refused,) = tag_records(story).refused
    assert (refused.subject, refused.message) == (
        path,
        "is no file but a repository of its own",
    )
