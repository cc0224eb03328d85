"""Tags of promotions: made beside the record, sealed later, judged, and never what decides."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

ON = "tags:\n  promotions: true\n"


@pytest.fixture
def tagging(second: Repository) -> Repository:
    """digits 1.0.0 holds production by a promotion without a tag; from here on they have some."""
    config = second.path / ".mlver/config.yaml"
    config.write_text(config.read_text() + ON)
    second.commit("Tag promotions")
    return second


def tags(repository: Repository) -> list[str]:
    return [name for name in repository.git("tag", "--list").split() if "@v1." not in name]


def promote(repository: Repository, version: str = "1.1.0", stage: str = "production") -> str:
    return assert_works(repository, "promote", f"digits@{version}", "--to", stage, "-m", "Better")


def broken(repository: Repository) -> list[str]:
    finished = repository.mlver("verify", "--all", "--json")
    return [
        f"{entry['kind']}: {entry['subject']} {entry['message']}"
        for entry in read_document(finished, "verify")["broken"]
    ]


def test_there_are_none_until_asked_for(second: Repository) -> None:
    promote(second)
    assert tags(second) == []
    assert assert_works(second, "tag") == "every record on HEAD is sealed already\n"
    assert broken(second) == []


def test_a_promotion_and_a_rollback_get_one_each_on_their_commits(tagging: Repository) -> None:
    promote(tagging)
    assert_works(tagging, "rollback", "digits", "--stage", "production", "-m", "Slow\n\nVery")
    assert tags(tagging) == ["digits@production.2", "digits@production.3"]
    assert tagging.git("rev-parse", "digits@production.3^{commit}") == tagging.git(
        "rev-parse", "HEAD"
    )
    contents = tagging.git("tag", "--list", "--format=%(contents)", "digits@production.3")
    assert contents.startswith(
        "digits production 3: rollback 1.0.0\n\nSlow\n\nVery\n\nMlver-Record: sha256:"
    )
    assert broken(tagging) == []


def test_switching_them_on_tags_the_last_one_alone(tagging: Repository) -> None:
    assert broken(tagging) == ["unsealed: digits@production.1 no tag seals this record"]
    promote(tagging)
    assert broken(tagging) == []
    tagging.git("tag", "--delete", "digits@production.2")
    assert assert_works(tagging, "tag").startswith("Sealed digits@production.2  on commit ")
    assert tags(tagging) == ["digits@production.2"]


def test_a_squash_merge_leaves_what_tag_seals(tagging: Repository) -> None:
    tagging.git("switch", "--quiet", "-c", "work")
    promote(tagging)
    promote(tagging, "1.0.0")
    tagging.git("switch", "--quiet", "main")
    tagging.git("merge", "--quiet", "--squash", "work")
    merged = tagging.commit("Promote (#8)")
    tagging.git("tag", "--delete", "digits@production.3")
    assert assert_works(tagging, "tag").startswith(
        f"Sealed digits@production.3  on commit {merged[:10]}\n"
    )
    assert broken(tagging) == []


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (("tag", "--force", "T", "T^{commit}"), "is a lightweight tag, which can seal nothing"),
        (("tag", "--force", "-am", "Mine", "T", "T^{commit}"), "does not name the record it seals"),
        (
            ("tag", "--force", "-am", f"Mlver-Record: sha256:{'0' * 64}", "T", "T^{commit}"),
            "holds another record",
        ),
        (("tag", "--force", "-am", "M", "T", "T~2"), "does not name the record it seals"),
        (("tag", "--delete", "T"), "no tag seals this record"),
    ],
)
def test_one_that_was_moved_replaced_or_taken_away_is_named(
    tagging: Repository, prepare: tuple[str, ...], said: str
) -> None:
    promote(tagging)
    promote(tagging, "1.0.0")
    name = "digits@production.3"
    tagging.git(*(word.replace("T", name, 1) if word[:1] == "T" else word for word in prepare))
    listed = broken(tagging)
    assert any(name in link and said in link for link in listed), listed
    assert assert_works(tagging, "show", "digits@production").startswith("digits 1.0.0")


def test_one_of_no_promotion_here_is_named_where_it_says_it_seals(tagging: Repository) -> None:
    promote(tagging)
    tagging.git("tag", "-am", f"Mlver-Record: sha256:{'0' * 64}", "digits@production.7")
    tagging.git("tag", "-am", "A package's", "digits@next.7")
    assert broken(tagging) == ["tag: digits@production.7 seals a record that is not here"]


def test_one_somebody_planted_keeps_no_stage_from_moving(tagging: Repository) -> None:
    promote(tagging)
    tagging.git("tag", "digits@production.3")
    finished = tagging.mlver("rollback", "digits", "--stage", "production", "-m", "Slow")
    assert finished.code == 0
    assert (
        "there is a tag digits@production.3 already, of another promotion than this one"
        in finished.err
    )
    assert assert_works(tagging, "show", "digits@production").startswith("digits 1.0.0")
    assert broken(tagging) == [
        "tag: digits@production.3 is a lightweight tag, which can seal nothing"
    ]


def test_a_stage_called_v1_is_taken_for_no_version(tagging: Repository) -> None:
    config = tagging.path / ".mlver/config.yaml"
    config.write_text(config.read_text().replace("stages:\n", "stages:\n  v1: {}\n  vault: {}\n"))
    tagging.commit("More stages")
    for stage in ("v1", "vault"):
        promote(tagging, stage=stage)
        promote(tagging, "1.0.0", stage=stage)
    listed = tagging.git("tag", "--list", "*@v*").split()
    assert listed == [
        "digits@v1.0.0",
        "digits@v1.1",
        "digits@v1.1.0",
        "digits@v1.2",
        "digits@vault.1",
        "digits@vault.2",
    ]
    assert_works(tagging, "tag")
    assert broken(tagging) == []
    assert "Registered digits 1.1.1" in assert_works(
        tagging, "register", "digits", "--bump", "patch", "-m", "Third"
    )
    assert assert_works(tagging, "doctor")
