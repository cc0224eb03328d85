"""GTO's tags beside the records: what is made of a promotion, and what is left alone.

That GTO itself agrees is tested with the real one (`tests/features/adopting/test_adopt_tools.py`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.project.project import Project
from mlver.project.tags import gto_mirror
from mlver.records import gto_tags
from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import CommandOutcome, Repository


@pytest.fixture
def mirrored(promoted_repository: Repository) -> Repository:
    """A project with 1.0.0 and 1.1.0 in turn in production, which makes GTO's tags from now on."""
    assert_works(promoted_repository, "config", "set", "tags.mirror", "gto")
    promoted_repository.commit("Make GTO's tags")
    return promoted_repository


def list_stage_tags(repository: Repository) -> list[str]:
    return repository.git("tag", "--list", "m#*").split()


def roll_back(repository: Repository) -> CommandOutcome:
    return repository.mlver(
        "rollback", "m", "--stage", "production", "--to", "1.0.0", "-m", "Worse"
    )


def test_each_move_gives_the_stage_to_the_commit_of_the_version(mirrored: Repository) -> None:
    assert roll_back(mirrored).code == 0
    assert_works(mirrored, "promote", "m@1.1.0", "--to", "production", "-m", "Better again")
    assert list_stage_tags(mirrored) == ["m#production#1", "m#production#2"]
    for tag, version in (("m#production#1", "1.0.0"), ("m#production#2", "1.1.0")):
        assert mirrored.git("rev-parse", f"{tag}^{{}}") == mirrored.git(
            "rev-parse", f"m@v{version}^{{}}"
        )
    told = mirrored.git("for-each-ref", "--format=%(contents)", "refs/tags/m#production#1")
    assert told.strip() == "Worse\n\nMlver-Mirrors: m@production.3"
    assert mirrored.git("fsck", "--strict") == ""


def test_the_dates_follow_the_order_of_the_moves(mirrored: Repository) -> None:
    """GTO goes by the date, in whole seconds; all that happens here happens in one."""
    roll_back(mirrored)
    assert_works(mirrored, "promote", "m@1.1.0", "--to", "production", "-m", "Better again")
    first, second = mirrored.git(
        "for-each-ref", "--format=%(taggerdate:unix)", "refs/tags/m#*"
    ).split()
    assert int(second) == int(first) + 1


def test_emptying_a_stage_takes_it_from_every_version_that_gto_has_in_it(
    mirrored: Repository,
) -> None:
    roll_back(mirrored)
    assert_works(mirrored, "promote", "m@1.1.0", "--to", "production", "-m", "Better again")
    assert_works(mirrored, "retire", "m", "--stage", "production", "-m", "Off")
    assert [tag for tag in list_stage_tags(mirrored) if "!" in tag] == [
        "m#production!#3",
        "m#production!#4",
    ]
    assert_works(mirrored, "tag")
    assert len(list_stage_tags(mirrored)) == 4


def test_without_the_setting_there_are_none(promoted_repository: Repository) -> None:
    assert roll_back(promoted_repository).code == 0
    assert list_stage_tags(promoted_repository) == []


def test_tag_makes_what_is_missing_once(mirrored: Repository) -> None:
    previewed = read_document(mirrored.mlver("tag", "--dry-run", "--json"), "tag")
    assert (previewed["mirrored"], list_stage_tags(mirrored)) == (["m#production#1"], [])
    assert "Mirrored m#production#1  for GTO" in assert_works(mirrored, "tag")
    assert assert_works(mirrored, "tag") == "every record on HEAD is sealed already\n"
    # it is the last promotion that is told
    told = mirrored.git("for-each-ref", "--format=%(contents)", "refs/tags/m#production#1")
    assert told.strip().endswith("Mlver-Mirrors: m@production.2")


def test_two_clones_make_the_same_tag(mirrored: Repository, tmp_path: Path) -> None:
    mirrored.git("clone", "--quiet", str(mirrored.path), str(tmp_path / "other"))
    other = Repository(tmp_path / "other")
    other.git("config", "user.name", "Somebody Else")
    assert_works(mirrored, "tag")
    assert_works(other, "tag")
    assert other.git("rev-parse", "m#production#1") == mirrored.git("rev-parse", "m#production#1")


def test_a_tag_that_somebody_else_made_is_left_alone_and_named(mirrored: Repository) -> None:
    roll_back(mirrored)
    mirrored.git("tag", "--annotate", "--message", "By hand", "m#production#2", "m@v1.1.0^{}")
    before = mirrored.git("rev-parse", "m#production#2")
    refused = mirrored.mlver("tag")
    assert (refused.code, "moves production for GTO, and no record says so" in refused.out) == (
        1,
        True,
    )
    assert "hint: mlver promote m@VERSION --to production -m WHY" in refused.out
    # the next move takes the next number, and settles it
    assert_works(mirrored, "promote", "m@1.1.0", "--to", "production", "-m", "As they did")
    assert list_stage_tags(mirrored) == [f"m#production#{number}" for number in (1, 2, 3)]
    assert mirrored.git("rev-parse", "m#production#2") == before
    assert_works(mirrored, "tag")


def test_what_gto_could_not_read_is_not_made(mirrored: Repository) -> None:
    """GTO ends with an error where a stage's tag is on the commit of two versions."""
    mirrored.git("tag", "--annotate", "--message", "Two", "m@v9.0.0", "m@v1.0.0^{}")
    moved = roll_back(mirrored)
    assert (moved.code, list_stage_tags(mirrored)) == (0, [])
    assert "m@v1.0.0 and m@v9.0.0 are on one commit" in moved.err
    assert mirrored.mlver("tag").code == 1


def test_a_version_without_its_tag_waits_for_it(mirrored: Repository) -> None:
    mirrored.git("tag", "--delete", "m@v1.1.0")
    previewed = read_document(mirrored.mlver("tag", "--dry-run", "--json"), "tag")
    assert (previewed["mirrored"], previewed["refused"]) == ([], [])
    assert_works(mirrored, "tag")
    assert list_stage_tags(mirrored) == ["m#production#1"]


def test_release_and_push_bring_them_to_the_remote(mirrored: Repository, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    mirrored.git("init", "--quiet", "--bare", str(remote))
    mirrored.git("remote", "add", "origin", str(remote))
    mirrored.git("push", "--quiet", "origin", "main")
    released = read_document(mirrored.mlver("release", "--json"), "release")
    assert released["mirrored"] == ["m#production#1"]
    assert "refs/tags/m#production#1" in mirrored.git("ls-remote", "origin")
    # a promotion that the main line has not is nobody's business yet
    roll_back(mirrored)
    mirrored.mlver("release")
    assert "m#production#2" not in mirrored.git("ls-remote", "origin")
    mirrored.git("push", "--quiet", "origin", "main")
    assert "m#production#2" in assert_works(mirrored, "release")
    assert "has a tag of every record" in assert_works(mirrored, "release")


def test_another_tag_of_that_name_on_the_remote_is_named(
    mirrored: Repository, tmp_path: Path
) -> None:
    remote = tmp_path / "remote.git"
    mirrored.git("init", "--quiet", "--bare", str(remote))
    mirrored.git("remote", "add", "origin", str(remote))
    mirrored.git("push", "--quiet", "origin", "main")
    mirrored.git("tag", "--annotate", "--message", "First", "m#production#1", "m@v1.0.0^{}")
    mirrored.git("push", "--quiet", "origin", "m#production#1")
    mirrored.git("tag", "--delete", "m#production#1")
    refused = mirrored.mlver("tag", "--push")
    assert refused.code == 1
    assert "Refused m#production#1 is another tag on origin" in refused.out
    assert "hint: git tag -d 'm#production#1'" in refused.out


def test_adopt_passes_over_them(mirrored: Repository) -> None:
    roll_back(mirrored)
    outcome = mirrored.mlver("adopt")
    assert (outcome.code, outcome.err) == (0, "")
    assert "nothing to adopt" in outcome.out


def test_an_adopted_promotion_is_told_by_its_own_tag(story: Project) -> None:
    assert gto_mirror.plan_all(story).planned == ()


@pytest.mark.parametrize("name", ["a.b", "a_", "-a", "a/b", "", "ä"])
def test_gto_takes_no_such_name(name: str) -> None:
    assert not gto_tags.is_readable(name)


def test_what_a_tag_mirrors_stands_in_its_last_paragraph() -> None:
    message = gto_tags.write_mirror_message("Mlver-Mirrors: m@production.9\n\nWhy", "m@staging.1")
    assert gto_tags.read_mirrored(message) == "m@staging.1"
    assert gto_tags.read_mirrored("Why\n\nMlver-Mirrors: m@staging.1\n\nMore") is None
    assert gto_tags.read_mirrored("Mlver-Mirrors: m@staging.1") is None
