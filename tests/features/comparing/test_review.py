"""What a branch does to the models, told from its commits alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.document.amend import amend_document
from mlver.errors import MlverError
from mlver.features.comparing.review import ReviewRange, ReviewResult, parse_range, review_range
from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from mlver.project.stages.rollback import roll_back_stage
from mlver.records import layout
from tests.cli.conftest import copy_repository
from tests.conftest import Repository
from tests.project.helpers import initialise_project, new_repository, register_one, write_artifact


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """`main` with m 1.0.0 in production; `topic` registers 1.1.0, promotes it and takes it back."""
    made = new_repository(tmp_path_factory.mktemp("review") / "repository")
    project = initialise_project(made)
    made.write(".gitignore", "/w/\n")
    write_artifact(made, "w", {"a": "1", "b": "2"})
    made.commit("Ground")
    register_one(project, metrics=("accuracy=0.9", "loss=0.4"), params=("lr=0.1",))
    promote_version(project, "m", to="production", message="release")
    path = made.path / layout.settings_path("m")
    made.write(layout.settings_path("m"), path.read_text() + "directions: {accuracy: higher}\n")
    made.commit("Which way is better")
    made.git("switch", "--quiet", "-c", "topic")
    write_artifact(made, "w", {"a": "1", "c": "3"})
    register_one(
        project,
        bump="minor",
        metrics=("accuracy=0.8", "loss=0.3"),
        params=("lr=0.2",),
        message="wider",
    )
    promote_version(project, "m@1.1.0", to="production", message="better?")
    roll_back_stage(project, "m", stage="production", message="no")
    return made


@pytest.fixture
def ground(template: Repository, tmp_path: Path) -> Repository:
    return copy_repository(template, tmp_path / "repository")


def seen(ground: Repository, words: str = "main...topic") -> ReviewResult:
    asked = parse_range(words)
    assert asked is not None
    return review_range(Project.open_existing(ground.path), asked)


def said(result: ReviewResult) -> list[tuple[str, str]]:
    return [(warned.subject, warned.message) for warned in result.warnings]


def test_what_a_branch_did_whatever_the_work_tree_holds(ground: Repository) -> None:
    ground.git("switch", "--quiet", "main")
    write_artifact(ground, ".mlver/models", {"x": "garbage"})
    found = seen(ground)
    (version,) = found.versions
    assert (version.version, version.bump, version.parent, version.compared) == (
        "1.1.0",
        "minor",
        None,
        "1.0.0",
    )
    assert [(one.key, one.verdict) for one in version.metrics] == [
        ("accuracy", "worse"),
        ("loss", "unknown"),
    ]
    assert [(one.key, one.old, one.new) for one in version.params] == [("lr", 0.1, 0.2)]
    (weights,) = version.artifacts
    assert (weights.state, weights.added, weights.removed) == ("changed", ("c",), ("b",))
    moves = [(one.sequence, one.action, one.previous, one.version) for one in found.promotions]
    assert moves == [(2, "promote", "1.0.0", "1.1.0"), (3, "rollback", "1.1.0", "1.0.0")]
    assert (found.settings, found.warnings) == ((), ())


def test_three_dots_leave_out_what_the_other_branch_did_and_two_do_not(ground: Repository) -> None:
    ground.git("switch", "--quiet", "main")
    register_one(Project.open_existing(ground.path), bump="major", message="main's own")
    assert seen(ground).warnings == ()
    direct = seen(ground, "main..topic")
    assert said(direct) == [
        (
            layout.version_path("m", "2.0.0"),
            "is not there any more: a record never changes once it has landed",
        )
    ]
    assert [one.version for one in seen(ground, "topic...").versions] == ["2.0.0"]


def test_a_first_version_is_compared_with_nothing(ground: Repository) -> None:
    found = seen(ground, f"{ground.git('rev-list', '--max-parents=0', 'main')}..main")
    (version,) = found.versions
    assert (version.bump, version.compared, version.environment) == (None, None, ())
    assert [artifact.state for artifact in version.artifacts] == ["added"]
    assert [changed.path for changed in found.settings] == [
        layout.CONFIG,
        layout.settings_path("m"),
    ]


def test_changed_settings_are_told_value_by_value(ground: Repository) -> None:
    path = ground.path / layout.CONFIG
    stages = {"production": {"verified": False}}
    ground.write(
        layout.CONFIG,
        amend_document("config", path.read_bytes(), {"schema": "mlver/config/1", "stages": stages}),
    )
    ground.commit("Loosen")
    (changed,) = seen(ground).settings
    told = {one.key: (one.kind, one.old, one.new) for one in changed.changes}
    assert told["stages.production.verified"] == ("changed", True, False)


def test_a_record_edited_on_the_branch_is_warned_of(ground: Repository) -> None:
    path = layout.version_path("m", "1.0.0")
    ground.write(path, (ground.path / path).read_text().replace("why", "y"))
    (ground.path / layout.promotion_path("m", "production", 1)).unlink()
    ground.commit("Tamper")
    warned = said(seen(ground))
    assert (path, "is edited: a record never changes once it has landed") in warned
    gone = layout.promotion_path("m", "production", 1)
    assert (gone, "is not there any more: a record never changes once it has landed") in warned
    assert (layout.stage_folder("m", "production"), "0001 is missing") in warned


def test_numbers_that_both_sides_claimed_are_warned_of(ground: Repository) -> None:
    ground.git("switch", "--quiet", "main")
    ground.git("tag", "--delete", "m@v1.1.0")
    register_one(Project.open_existing(ground.path), bump="minor", message="main's own 1.1.0")
    claimed = (
        layout.version_path("m", "1.1.0"),
        "is claimed by both branches: a merge will stop at it",
    )
    assert said(seen(ground)) == [claimed]


def test_a_number_that_a_tag_seals_elsewhere_is_warned_of(ground: Repository) -> None:
    ground.git("tag", "--delete", "m@v1.1.0")
    ground.git("switch", "--quiet", "-c", "other", "main")
    register_one(Project.open_existing(ground.path), bump="minor", message="another 1.1.0")
    ground.git("switch", "--quiet", "topic")
    assert said(seen(ground)) == [("m 1.1.0", "is not the record that its tag seals")]


def test_a_chain_that_does_not_follow_is_warned_of(ground: Repository) -> None:
    path = layout.promotion_path("m", "production", 3)
    ground.write(
        path, (ground.path / path).read_text().replace('previous: "1.1.0"', 'previous: "1.0.0"')
    )
    ground.commit("Forge")
    assert said(seen(ground)) == [
        (f"{layout.stage_folder('m', 'production')}/0003", "says 1.0.0 held before; it was 1.1.0")
    ]


def test_what_cannot_be_read_ends_nothing(ground: Repository) -> None:
    ground.write(layout.version_path("m", "1.2.0"), "garbage: [\n")
    ground.write(".mlver/models/m/versions/new.yaml", "x: 1\n")
    ground.write(
        layout.promotion_path("m", "staging", 1),
        (ground.path / layout.promotion_path("m", "production", 1)).read_bytes(),
    )
    (ground.path / layout.version_path("m", "1.3.0")).symlink_to("/etc/passwd")
    ground.commit("Hostile")
    found = seen(ground)
    assert [one.version for one in found.versions] == ["1.1.0"]
    assert len(found.promotions) == 2
    assert {path for path, _ in said(found)} == {
        *(layout.version_path("m", number) for number in ("1.2.0", "1.3.0")),
        ".mlver/models/m/versions/new.yaml",
        layout.promotion_path("m", "staging", 1),
    }


@pytest.mark.parametrize("name", ["nothing", "--help", "-x", "HEAD:README.md", "--output=x"])
def test_a_name_that_is_no_commit_is_refused_and_never_an_option(
    ground: Repository, name: str
) -> None:
    with pytest.raises(MlverError, match="git knows no commit"):
        review_range(Project.open_existing(ground.path), ReviewRange(name, "HEAD", False))


def test_branches_without_a_common_commit(ground: Repository) -> None:
    ground.git("checkout", "--quiet", "--orphan", "other")
    ground.commit("Alone")
    with pytest.raises(MlverError, match="no commit in common") as caught:
        seen(ground, "main...other")
    main, other = ground.git("rev-parse", "main", "other").split()
    assert caught.value.hint == f"mlver diff {main[:10]}..{other[:10]}"


@pytest.mark.parametrize("options", [(), ("--markdown",)])
def test_no_command_runs_code_when_it_is_pasted(
    ground: Repository, options: tuple[str, ...]
) -> None:
    """A pull request names its files and its branch as it likes."""
    ground.git("switch", "--quiet", "-c", "topic-$(touch${IFS}pwned)", "topic")
    ground.write(".mlver/models/x$(touch pwned)/versions/1.0.0.yaml", "nonsense")
    ground.commit()
    done = ground.mlver("diff", "main...topic-$(touch${IFS}pwned)", *options)
    shown = " ".join(done.out.split())
    assert "pwned" in shown
    assert "'.mlver/models/x$(touch pwned)/versions/1.0.0.yaml'" in shown
    assert "git log -- .mlver/models/x$" not in shown
    assert "mlver diff main...topic-$" not in shown
