"""Stages and seals as records and tags tell them, and what an audit of the whole repository finds."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError, UsageError
from mlver.features.checking.verify import verify_versions
from mlver.features.releasing.tag import tag_records
from mlver.policy.chain import judge_seal
from mlver.project.audit import audit
from mlver.project.history.stage_history import read_rule, require_whole_history
from mlver.project.project import Project
from mlver.project.stages import moves
from mlver.project.stages.promote import promote_version
from mlver.project.tags import planned_tags, seals
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.sections.stages import StageSettings
from tests.conftest import NOW, Repository
from tests.project.helpers import initialise_project, new_repository, register_one, write_artifact

FIRST, SECOND = layout.version_path("m", "1.0.0"), layout.version_path("m", "1.1.0")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions; production was given to the first, then to the second."""
    repository = new_repository(tmp_path_factory.mktemp("told") / "repository")
    project = initialise_project(repository)
    repository.write(".gitignore", "w\n")
    repository.commit()
    for number, text in (("1.0.0", "one"), ("1.1.0", "two")):
        write_artifact(repository, "w", {"a": text})
        register_one(project, version=number)
        promote_version(project, f"m@{number}", to="production", message="better")
    return repository.path


@pytest.fixture
def repository(told: Path, tmp_path: Path) -> Repository:
    return Repository(Path(shutil.copytree(told, tmp_path / "repository", symlinks=True)))


@pytest.fixture
def story(repository: Repository) -> Project:
    return Project.open_existing(repository.path)


def edit(repository: Repository, path: str, old: str, new: str) -> None:
    where = repository.path / path
    text = where.read_text()
    assert old in text
    where.write_text(text.replace(old, new))


# -- a stage's history -----------------------------------------------------------------------------------------------


def test_a_whole_history_links_back_to_its_first(story: Project) -> None:
    (first, digest), (second, _) = require_whole_history(story, "m", "production")
    assert (first.prior, first.previous) == (None, None)
    assert (second.prior, second.previous, second.version) == (digest, "1.0.0", "1.1.0")
    assert second.record == story.registry.read_version_digest("m", "1.1.0")
    assert require_whole_history(story, "m", "staging") == []


BREAKS: dict[str, Callable[[Repository], None]] = {
    "an edited promotion": lambda r: edit(
        r, layout.promotion_path("m", "production", 1), "better", "best"
    ),
    "a missing promotion": lambda r: (
        r.path / layout.promotion_path("m", "production", 1)
    ).unlink(),
    "an edited version": lambda r: edit(r, FIRST, "message: why", "message: because"),
    "a missing version": lambda r: (r.path / FIRST).unlink(),
}


@pytest.mark.parametrize("break_it", BREAKS.values(), ids=BREAKS)
def test_no_promotion_is_built_on_a_broken_one(
    story: Project, repository: Repository, break_it: Callable[[Repository], None]
) -> None:
    break_it(repository)
    with pytest.raises(MlverError, match="the history of production is damaged:\n") as refused:
        require_whole_history(story, "m", "production")
    assert refused.value.hint == "mlver verify --all"
    head = repository.git("rev-parse", "HEAD")
    with pytest.raises(MlverError, match="is damaged"):
        promote_version(story, "m@1.1.0", to="production", message="again", force=True)
    assert repository.git("rev-parse", "HEAD") == head


def test_a_stage_nobody_named_is_refused(story: Project) -> None:
    with pytest.raises(
        UsageError, match="there is no stage `canary`; there are staging, production"
    ):
        read_rule(story, "canary")


def test_gates_look_at_the_seal_the_stages_before_and_every_byte(
    story: Project, repository: Repository
) -> None:
    rule = StageSettings(gates={"after": ["production", "staging"], "verified": True})
    chosen = story.resolve_ref("m@1.1.0")
    assert {gate.gate: gate.result for gate in moves.judge_gates(story, chosen, rule)} == {
        "sealed": "pass",
        "after production": "pass",
        "after staging": "fail",
        "verified bytes": "pass",
    }
    repository.git("tag", "--delete", "m@v1.1.0")
    for pack in (story.state_directory / "packs").iterdir():
        pack.unlink()
    found = {gate.gate: gate for gate in moves.judge_gates(story, chosen, rule)}
    assert (found["sealed"].result, found["verified bytes"].result) == ("fail", "fail")
    assert "m 1.1.0 weights/a is missing" in str(found["verified bytes"].actual)


# -- seals -----------------------------------------------------------------------------------------------------------


def broken_seals(project: Project, number: str = "1.0.0") -> list[str]:
    digest = project.registry.read_version_digest("m", number)
    assert digest is not None
    return [
        link.message
        for link in judge_seal(
            "m", number, digest, seals.read_seals(project, "m", [number])[number]
        )
    ]


def test_a_registered_version_is_sealed(story: Project, repository: Repository) -> None:
    assert broken_seals(story) == broken_seals(story, "1.1.0") == []
    assert set(map(str, seals.list_tagged_versions(story, "m"))) == {"1.0.0", "1.1.0"}
    record, digest = story.registry.read_version("m", "1.0.0")
    planned = planned_tags.plan_version_tag(record, (repository.path / FIRST).read_bytes())
    assert planned.message == f"m 1.0.0\n\nwhy\n\nMlver-Record: {digest}\n"
    assert (
        repository.git("for-each-ref", "--format=%(contents)", "refs/tags/m@v1.0.0")
        == planned.message
    )


def test_a_tag_that_moves_is_told_however_often_it_was_looked_at(
    story: Project, repository: Repository
) -> None:
    assert broken_seals(story) == []
    repository.git("commit", "--quiet", "--allow-empty", "--message", "Elsewhere")
    repository.git("rm", "--quiet", FIRST)
    repository.git("commit", "--quiet", "--message", "Gone")
    message = repository.git("for-each-ref", "--format=%(contents)", "refs/tags/m@v1.0.0")
    repository.git("tag", "--force", "--annotate", "--message", message, "m@v1.0.0")
    repository.git("checkout", "--quiet", "HEAD~1", "--", FIRST)
    assert broken_seals(story) == ["points at a commit that does not hold the record"]


def test_what_the_cache_says_of_commits_may_fool_who_looks_but_not_who_decides(
    story: Project, repository: Repository
) -> None:
    commit = repository.git("rev-parse", "m@v1.0.0^{commit}")
    story.state.keep_committed({f"{commit}:{FIRST}": "0" * 64})
    assert broken_seals(story.cached) != []
    assert broken_seals(story) == []


def test_a_claim_on_the_seal_in_the_message_is_no_seal(
    story: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", {"a": "three"})
    register_one(story, bump="patch", message=f"why\n\nMlver-Record: sha256:{'00' * 32}")
    assert broken_seals(story, "1.1.1") == []


TAGS: dict[str, tuple[list[str], str]] = {
    "deleted": ([], "no tag seals this record"),
    "lightweight": (["m@v1.0.0"], "is a lightweight tag"),
    "without a seal": (
        ["--annotate", "--message", "m", "m@v1.0.0", "m@v1.1.0^{commit}"],
        "no Mlver-Record line",
    ),
    "another's": (
        ["--annotate", "--file", "{seal of 1.1.0}", "m@v1.0.0", "m@v1.1.0^{commit}"],
        "another record",
    ),
    "of the first commit": (
        ["--annotate", "--file", "{seal of 1.0.0}", "m@v1.0.0", "{root}"],
        "does not hold",
    ),
    "of a tree": (
        ["--annotate", "--file", "{seal of 1.0.0}", "m@v1.0.0", "HEAD^{tree}"],
        "does not hold",
    ),
}


@pytest.mark.parametrize(("made", "words"), TAGS.values(), ids=TAGS)
def test_a_tag_moved_by_hand_seals_nothing(
    story: Project, repository: Repository, tmp_path: Path, made: list[str], words: str
) -> None:
    named = {"{root}": repository.git("rev-list", "--max-parents=0", "HEAD")}
    for number in ("1.0.0", "1.1.0"):
        (tmp_path / number).write_text(
            repository.git("for-each-ref", "--format=%(contents)", f"refs/tags/m@v{number}")
        )
        named[f"{{seal of {number}}}"] = str(tmp_path / number)
    repository.git("tag", "--delete", "m@v1.0.0")
    if made:
        repository.git("tag", *(named.get(word, word) for word in made))
    assert any(words in message for message in broken_seals(story))
    record, digest = story.registry.read_version("m", "1.0.0")
    if made:
        with pytest.raises(MlverError, match=r"m 1\.0\.0 cannot be trusted"):
            seals.require_unedited(story, record, digest)
    else:
        seals.require_unedited(story, record, digest)
        seals.require_trusted(story, record, digest, vouched=[digest])
    with pytest.raises(MlverError, match="cannot be trusted"):
        seals.require_trusted(story, record, digest, vouched=[])


def test_an_edited_record_is_not_trusted_whoever_vouches(
    story: Project, repository: Repository
) -> None:
    edit(repository, FIRST, "message: why", "message: because")
    record, digest = story.registry.read_version("m", "1.0.0")
    with pytest.raises(MlverError, match="was edited after its tag sealed it"):
        seals.require_trusted(story, record, digest, vouched=[digest])


def test_strange_tags_are_no_versions(story: Project, repository: Repository) -> None:
    for name in ("m@v1.0", "m@vx", "m@v1.0.0+b", "m", "mm@v9.0.0", "x/m@v8.0.0", "m@v7.0.0/x"):
        repository.git("tag", name)
    assert set(map(str, seals.list_tagged_versions(story, "m"))) == {"1.0.0", "1.1.0"}
    assert seals.read_seals(story, "m", []) == {}


# -- audit -----------------------------------------------------------------------------------------------------------


def found(project: Project) -> set[tuple[str, str, str]]:
    return {(link.kind, link.subject, link.message) for link in audit.check_repository(project)}


def test_a_whole_repository_has_nothing_to_tell(story: Project) -> None:
    assert found(story) == set()
    assert audit.find_uncommitted(story, ["m"]) == []
    assert audit.find_uncommitted(story, []) == []


def test_records_that_differ_from_head(story: Project, repository: Repository) -> None:
    edit(repository, FIRST, "message: why", "message: because")
    (repository.path / layout.promotion_path("m", "production", 2)).unlink()
    edit(repository, layout.settings_path("m"), "model: m", "model: m\ndescription: may change")
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


def test_what_history_did_to_records_is_told(story: Project, repository: Repository) -> None:
    edit(repository, FIRST, "message: why", "message: because")
    edited = repository.commit()
    (repository.path / SECOND).unlink()
    edit(repository, layout.settings_path("m"), "model: m", "model: m\ndescription: may change")
    deleted = repository.commit()
    assert found(story) >= {
        ("history", FIRST, f"was changed in commit {edited[:10]}, after it had been committed"),
        ("history", SECOND, f"was deleted in commit {deleted[:10]}, after it had been committed"),
        ("tag", "m@v1.1.0", "seals a record that is not here"),
    }


def test_strays_among_the_records_are_named(story: Project, repository: Repository) -> None:
    (manifest,) = story.registry.list_names(layout.MANIFESTS)[:1]
    with (repository.path / layout.MANIFESTS / manifest).open("ab") as file:
        file.write(b"x")
    repository.write(".mlver/models/m/versions/2.0.yaml.orig", "x")
    repository.write(".mlver/models/m/stages/production/3.yaml", "x")
    assert found(story) == {
        ("manifest", f"{layout.MANIFESTS}/{manifest}", "no longer hashes to its name"),
        ("name", ".mlver/models/m/versions/2.0.yaml.orig", "is no record's name"),
        ("name", ".mlver/models/m/stages/production/3.yaml", "is no record's name"),
    }


EVALUATION = layout.evaluation_path("m", "1.0.0", 1)
APPROVAL = layout.approval_path("m", "1.0.0", "production", 1)


def evaluated(project: Project, repository: Repository, **changes: Any) -> None:
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
    repository.write(EVALUATION, codec.encode_document("evaluation", evaluation.to_document()))
    repository.write(APPROVAL, codec.encode_document("approval", approval.to_document()))
    repository.commit()


def test_evaluations_and_approvals_are_read_and_held_to_their_record(
    story: Project, repository: Repository
) -> None:
    evaluated(story, repository)
    assert found(story) == set()
    edit(repository, FIRST, "message: why", "message: because")
    said = "was given for another record of 1.0.0 than the one here"
    assert found(story) == {("record", EVALUATION, said), ("record", APPROVAL, said)}
    (repository.path / FIRST).unlink()
    said = "names 1.0.0, which has no record"
    assert found(story) >= {("record", EVALUATION, said), ("record", APPROVAL, said)}


def test_those_of_another_place_are_named(story: Project, repository: Repository) -> None:
    evaluated(story, repository, sequence=2)
    assert found(story) == {
        (
            "record",
            EVALUATION,
            "is not valid: it says that it belongs at .mlver/models/m/evaluations/1.0.0/0002.yaml",
        ),
        (
            "record",
            APPROVAL,
            "is not valid: it says that it belongs at .mlver/models/m/approvals/1.0.0/production/0002.yaml",
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
    story: Project, repository: Repository, path: str
) -> None:
    kind, said = GARBAGE[path]
    repository.write(path, "garbage")
    (link,) = audit.check_repository(story)
    assert (link.kind, link.subject) == (kind, path)
    assert link.message.startswith(said)
    assert link.hints


def test_garbage_for_settings_ends_no_audit(story: Project, repository: Repository) -> None:
    repository.write(layout.CONFIG, "garbage")
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
    story: Project, repository: Repository, tmp_path: Path, path: str
) -> None:
    (repository.path / path).rename(tmp_path / "elsewhere")
    (repository.path / path).symlink_to(tmp_path / "elsewhere")
    broken = verify_versions(story, everything=True).broken
    assert any(path in link.subject or path in link.message for link in broken)
    assert all(link.hints for link in broken)
    verify_versions(story)


def test_models_that_differ_by_case_only_are_named(story: Project, repository: Repository) -> None:
    """As two branches bring them, each of which had but one."""
    shutil.copytree(repository.path / layout.MODELS / "m", repository.path / layout.MODELS / "M")
    repository.commit()
    said = "differs from the model `M` by letter case only: one folder on many machines"
    assert ("name", f"{layout.MODELS}/m", said) in found(story)
    shutil.rmtree(repository.path / layout.MODELS / "M")
    assert ("name", f"{layout.MODELS}/m", said) in found(story)


@pytest.mark.parametrize("stored", [True, False])
def test_a_working_file_that_cannot_be_read_is_named(
    story: Project, repository: Repository, stored: bool
) -> None:
    if not stored:
        write_artifact(repository, "w", {"a": "three"})
        register_one(story, bump="minor", unstored=["weights"])
    (repository.path / "w" / "dangling").symlink_to("nowhere")
    broken = verify_versions(story, everything=True).broken
    assert {link.kind for link in broken} == {"working"}
    assert all("dangling" in link.message for link in broken)


@pytest.mark.parametrize("name", ["other@v1.0.0", "x/y@v1.0.0", "‌.git@v1.0.0", "CON@v1"])
def test_a_seal_of_what_is_not_here_is_named_whatever_it_is_called(
    story: Project, repository: Repository, name: str
) -> None:
    repository.git("tag", "--annotate", name, "--message", f"m\n\nMlver-Record: sha256:{'00' * 32}")
    repository.git("tag", "--annotate", "somebody@v1.2.3", "--message", "else's")
    assert found(story) == {("tag", name, "seals a record that is not here")}


@pytest.mark.parametrize("name", ["a\nb.yaml", b"\xff.yaml".decode(errors="surrogateescape")])
def test_a_committed_name_of_any_bytes_stops_no_audit(
    story: Project, repository: Repository, name: str
) -> None:
    path = f"{layout.versions_folder('m')}/{name}"
    repository.write(path, "x")
    edit(repository, FIRST, "message: why", "message: because")
    repository.git("add", path)
    repository.git("commit", "--quiet", "--message", "a stranger")
    assert [link.subject for link in audit.find_uncommitted(story, ["m"])] == [FIRST]


def test_a_repository_in_a_records_place_is_named(
    story: Project, repository: Repository, tmp_path: Path
) -> None:
    head = repository.git("rev-parse", "HEAD")
    path = layout.version_path("m", "3.0.0")
    subprocess.run(
        ["git", "update-index", "--add", "--cacheinfo", f"160000,{head},{path}"],
        cwd=repository.path,
        check=True,
    )
    repository.git("commit", "--quiet", "--message", "a submodule")
    (refused,) = tag_records(story).refused
    assert (refused.subject, refused.message) == (path, "is no file but a repository of its own")


def test_a_digest_is_of_bytes_not_of_meaning(story: Project, repository: Repository) -> None:
    before = story.registry.read_version_digest("m", "1.0.0")
    with (repository.path / FIRST).open("ab") as file:
        file.write(b"\n")
    assert (
        story.registry.read_version_digest("m", "1.0.0")
        == Digest.of_bytes((repository.path / FIRST).read_bytes())
        != before
    )
    assert broken_seals(story) == ["was edited after its tag sealed it"]
