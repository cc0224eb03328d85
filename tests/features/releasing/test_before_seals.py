"""Promotions of an earlier mlver, which are older than seals and have none."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.releasing.promotion_seals import (
    FIRST,
    SECOND,
    broken,
    list_seals,
    promote,
    verify,
)
from tests.promotions import write_promotion


@pytest.fixture
def older(second: Repository) -> Repository:
    """Both versions held staging in turn, by promotions that are older than seals."""
    for version in ("1.1.0", "1.0.0"):
        write_promotion(second, version, stage="staging", early=True)
    return second


def test_what_is_older_than_seals_is_never_sealed_and_counts(older: Repository) -> None:
    assert assert_works(older, "tag") == "every record on HEAD is sealed already\n"
    assert verify(older) == {"broken": [], "notes": []}
    assert "  before seals: 2 promotions, which no tag seals\n" in assert_works(older, "verify")
    assert "unsealed" not in assert_works(older, "list")
    config = older.path / ".mlver/config.yaml"
    config.write_text(
        config.read_text().replace("stages:\n", "stages:\n  last: {after: [staging]}\n")
    )
    older.commit("A stage after staging")
    assert "Promoted digits 1.1.0 to last" in promote(older, stage="last")
    assert_works(older, "rollback", "digits", "--stage", "staging", "-m", "Slow")
    assert "digits@staging.3" in list_seals(older)
    assert verify(older) == {"broken": [], "notes": []}


def test_a_seal_that_an_older_one_has_all_the_same_is_judged(older: Repository) -> None:
    older.git("tag", "-am", f"x\n\nMlver-Record: sha256:{'0' * 64}", "digits@staging.1")
    assert any("digits@staging.1" in words for words in broken(older))


def test_one_without_seals_after_one_with_a_seal_is_damage(second: Repository) -> None:
    write_promotion(second, "1.1.0", early=True)
    assert broken(second) == [
        "chain: .mlver/models/digits/stages/production/0002 is of a format without seals,"
        " and follows a promotion that has to be sealed"
    ]
    said = assert_refused(second, "promote", "digits@1.0.0", "--to", "production", "-m", "Back")
    assert "the history of production is damaged" in said


@pytest.mark.parametrize("setting", ["true", "false"])
def test_the_setting_that_asked_for_tags_of_promotions_means_nothing(
    second: Repository, setting: str
) -> None:
    config = second.path / ".mlver/config.yaml"
    config.write_text(config.read_text() + f"tags: {{promotions: {setting}}}\n")
    second.commit("A setting of old")
    promote(second)
    assert list_seals(second) == [FIRST, SECOND]
    document = read_document(second.mlver("doctor", "--json"), "doctor")
    (remark,) = [entry for entry in document["diagnoses"] if "promotions" in str(entry)]
    assert "means nothing any more" in remark["finding"]["message"]
    assert document["ok"]


def test_the_hint_finds_that_setting_before_it_was_ever_committed(repository: Repository) -> None:
    assert_works(repository, "init")
    config = repository.path / ".mlver/config.yaml"
    config.write_text(config.read_text() + "tags: {promotions: true}\n")
    document = read_document(repository.mlver("doctor", "--json"), "doctor")
    (remark,) = [entry for entry in document["diagnoses"] if "promotions" in str(entry)]
    (hint,) = remark["finding"]["hints"]
    found = subprocess.run(
        shlex.split(hint), cwd=repository.path, capture_output=True, text=True, check=True
    )
    assert "{promotions: true}" in found.stdout
