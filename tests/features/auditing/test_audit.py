"""`mlver audit`: each move with its evidence, and what is wrong or only unconfirmed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Repository
from tests.features.auditing.reading import FIRST, audit, list_moves
from tests.project.audit.forging import SECOND, Town


def test_every_move_tells_who_when_why_on_what_evidence_and_under_which_rule(town: Town) -> None:
    town.enter("Mara", day=2)
    town.promote("1.1.0", "staging")
    town.promote("1.1.0", "production")
    code, document = audit(town.repository, "m", "--stage", "production", "--strict")
    assert code == 0
    first, second = list_moves(document)
    assert (first["until"], second["until"]) == (second["created"], None)
    assert (second["version"], second["previous"]) == ("1.1.0", "1.0.0")
    assert (second["author"], second["message"]) == ("Mara <mara@example.org>", "ready")
    assert second["seal"] == "sealed"
    assert [gate["gate"] for gate in second["gates"]] == [
        "sealed",
        "after staging",
        "verified bytes",
    ]
    assert second["policy"]["digest"].startswith("sha256:")
    assert second["rule"]["author"] == "Kim <kim@example.org>"
    assert second["commit"] == town.repository.git("rev-parse", "HEAD").strip()
    assert document["stages"][0]["holder"] == "1.1.0"
    assert document["damage"] == document["unconfirmed"] == document["missing"] == []


def test_a_day_is_answered_in_a_sentence(town: Town) -> None:
    town.enter("Mara", day=2)
    town.promote("1.1.0", "staging")
    town.promote("1.1.0", "production")
    shown = town.repository.mlver("audit", "--stage", "production", "--at", "2026-01-04").out
    assert (
        "  m 1.0.0 held production by the records from 2026-01-02 03:04 to 2026-01-04 03:04 UTC;"
        " Kim promoted it on 2026-01-02 03:04 UTC because “first”; 3 of 3 gates passed.\n"
        "        Gates: sealed passed (sealed); after staging passed (has held staging);"
        " verified bytes passed (every byte checked).\n"
    ) in shown
    assert (
        "  m 1.1.0 held production by the records from 2026-01-04 03:04 UTC on, and still does;"
        " Mara promoted it in place of 1.0.0 on 2026-01-04 03:04 UTC because “ready”; 3 of 3 gates"
    ) in shown


def test_a_day_before_the_first_move_has_no_holder(town: Town) -> None:
    shown = town.repository.mlver("audit", "--stage", "production", "--at", "2025-03-03").out
    assert "No version of m had held production by then." in shown


def test_a_rollback_and_an_emptied_stage_are_told_as_such(town: Town) -> None:
    town.enter("Mara", day=2)
    town.promote("1.1.0", "staging")
    town.promote("1.1.0", "production")
    town.enter("Kim", day=3)
    back = ("rollback", "m", "--stage", "production", "-m", "too slow")
    assert town.repository.mlver(*back).code == 0
    town.enter("Kim", day=4)
    assert (
        town.repository.mlver(
            "retire", "m", "--stage", "production", "-m", "the service is gone"
        ).code
        == 0
    )
    shown = town.repository.mlver("audit", "--stage", "production", "--at", "2026-01-05").out
    assert (
        "Kim rolled back to it in place of 1.1.0 on 2026-01-05 03:04 UTC because “too slow”"
        in shown
    )
    shown = town.repository.mlver("audit", "--stage", "production", "--at", "2026-01-06").out
    assert "no version of m held production by the records from 2026-01-06 03:04 UTC on" in shown
    assert "Kim emptied it of 1.0.0 on 2026-01-06 03:04 UTC because “the service is gone”" in shown
    code, document = audit(town.repository, "--stage", "production")
    assert code == 0
    assert document["stages"][0]["holder"] is None


def test_what_was_forced_says_which_gate_was_shut(town: Town) -> None:
    town.promote("1.1.0", "production", force=True)
    code, document = audit(town.repository)
    move = list_moves(document)[-1]
    assert (code, move["forced"]) == (0, True)
    shown = town.repository.mlver("audit", "--stage", "production").out
    assert "promoted by force  1.0.0 → 1.1.0" in shown
    assert "after staging FAILED (never held staging, asked: the version has held staging)" in shown
    shown = town.repository.mlver("audit", "--stage", "production", "--at", "2026-01-02").out
    assert "; 2 of 3 gates passed, all but after staging.\n" in shown


def test_an_edited_move_is_damage(town: Town) -> None:
    path = town.repository.path / FIRST
    path.write_text(path.read_text().replace("message: first", "message: last"))
    town.repository.commit("Say something else")
    code, document = audit(town.repository)
    assert code == 1
    messages = [finding["message"] for finding in list_moves(document)[0]["damage"]]
    assert any("was edited after its tag sealed it" in message for message in messages)
    assert any("after it had been committed" in message for message in messages)
    assert "DAMAGED: was edited" in town.repository.mlver("audit", "--stage", "production").out


def test_what_is_edited_in_the_work_tree_alone_is_damage(town: Town) -> None:
    path = town.repository.path / FIRST
    path.write_text(path.read_text().replace("message: first", "message: last"))
    code, document = audit(town.repository)
    assert code == 1
    damage = list_moves(document)[0]["damage"]
    assert "differs from what HEAD holds" in [finding["message"] for finding in damage]


def test_a_backdated_move_is_damage(town: Town) -> None:
    town.enter("Kim", day=5)
    town.promote("1.1.0", "staging")
    town.promote("1.1.0", "production")
    town.write_forgery(version="1.0.0", created="2026-01-03T00:00:00Z")
    town.repository.commit("mlver: promote m production to 1.0.0")
    code, document = audit(town.repository, "--stage", "production")
    assert code == 1
    kinds = [finding["kind"] for finding in list_moves(document)[-1]["damage"]]
    assert "date" in kinds


def test_an_unsealed_move_and_an_unknown_author_are_only_unconfirmed(town: Town) -> None:
    town.enter("Mallory", day=2)
    town.write_forgery(author="Ana <ana@example.org>", created="2026-01-04T03:04:05Z")
    town.repository.commit("mlver: promote m production to 1.0.0")
    code, document = audit(town.repository)
    move = list_moves(document)[-1]
    assert (code, move["seal"], move["unconfirmed"]) == (0, "unsealed", True)
    assert audit(town.repository, "--strict")[0] == 1
    shown = town.repository.mlver("audit", "--stage", "production").out
    assert "Ana <ana@example.org> (unconfirmed)" in shown
    assert "UNSEALED" in shown


def test_a_commit_that_is_dated_before_the_one_it_follows_is_unconfirmed(town: Town) -> None:
    town.enter("Kim", day=5)
    town.edit_rule("description: Serves users", "description: Serves all users")
    town.enter("Kim", day=1)
    town.write_forgery(created="2026-01-03T03:04:05Z")
    town.repository.commit("mlver: promote m production to 1.0.0")
    _, document = audit(town.repository)
    messages = [doubt["message"] for doubt in list_moves(document)[-1]["doubts"]]
    assert any("before the commit that it follows" in message for message in messages)


def test_a_rule_that_was_weakened_for_a_move_is_listed_and_named(town: Town) -> None:
    town.enter("Mallory", day=2)
    weakening = town.weaken_rule()
    town.promote("1.1.0", "production")
    code, document = audit(town.repository, "--stage", "production")
    (made, looser) = document["rules"]
    assert (made["change"], looser["change"]) == ("made", "looser")
    assert looser["author"] == "Mallory <mallory@example.org>"
    assert looser["loosened"] == ["`after` no longer names staging"]
    move = list_moves(document)[-1]
    assert (move["rule"]["commit"], move["rule"]["same_person"]) == (weakening, True)
    assert "its own author had loosened" in move["doubts"][0]["message"]
    assert code == 0
    town.restore_rule()
    code, document = audit(town.repository, "--stage", "production")
    assert code == 1
    (damage,) = list_moves(document)[-1]["damage"]
    assert "was made under a rule that" in damage["message"]


def test_no_rule_judges_the_way_back(town: Town) -> None:
    town.enter("Mallory", day=2)
    town.weaken_rule()
    town.promote("1.1.0", "production")
    town.enter("Mallory", day=3)
    back = ("rollback", "m", "--stage", "production", "-m", "too slow")
    assert town.repository.mlver(*back).code == 0
    _, document = audit(town.repository, "--stage", "production")
    promoted, rolled_back = list_moves(document)[-2:]
    assert promoted["doubts"]
    assert (rolled_back["action"], rolled_back["doubts"]) == ("rollback", [])


def test_since_leaves_out_what_was_before_and_keeps_the_damage(town: Town) -> None:
    path = town.repository.path / FIRST
    path.write_text(path.read_text().replace("message: first", "message: last"))
    town.repository.commit("Say something else")
    town.enter("Mara", day=9)
    town.promote("1.1.0", "staging")
    code, document = audit(town.repository, "--since", "2026-01-10")
    assert [move["version"] for move in list_moves(document, "staging")] == ["1.1.0"]
    assert list_moves(document) == []
    assert document["stages"][0]["total"] == 1
    assert code == 1


def test_one_stage_is_judged_with_the_stages_it_depends_on(town: Town) -> None:
    code, document = audit(town.repository, "m", "--stage", "production")
    assert (code, len(document["stages"])) == (0, 1)
    assert document["damage"] == []


def test_a_shallow_clone_says_what_it_lacks(town: Town, tmp_path: Path) -> None:
    town.enter("Mara", day=2)
    town.promote("1.1.0", "staging")
    clone = Repository(tmp_path / "clone")
    url = town.repository.path.as_uri()
    town.repository.git("clone", "--quiet", "--depth", "1", url, str(clone.path))
    code, document = audit(clone)
    assert code == 0
    assert document["head"]["digest"] is None
    messages = [finding["message"] for finding in document["missing"]]
    assert any("lacks the beginning of the history" in message for message in messages)
    assert any("lacks history or tags" in message for message in messages)
    shown = clone.mlver("audit").out
    assert "no audit head: this shallow clone begins later" in shown
    assert "git fetch --unshallow --tags" in shown


def test_it_writes_nothing_and_heeds_no_cache(town: Town) -> None:
    shutil.rmtree(town.repository.path / ".git/mlver")
    assert audit(town.repository)[0] == 0
    assert not (town.repository.path / ".git/mlver").exists()


def test_what_cannot_be_meant_is_refused(town: Town) -> None:
    for arguments, words in (
        (("--at", "2026-01-02", "--since", "2026-01-02"), "give only one"),
        (("--stage", "canary"), "there is no stage `canary`"),
        (("--at", "soon"), "--at takes a date"),
        (("--at", "2031-01-01"), "2031-01-01T00:00:00Z is still to come"),
        (("--csv", "--json"), "give one of them"),
        (("--against", "sha256:12"), "is not a digest"),
        (("--against", "nothing.json"), "cannot be read"),
        (("--against", ".gitignore"), "is no JSON document"),
    ):
        done = town.repository.mlver("audit", *arguments)
        assert done.code == 2, arguments
        assert words in done.err


def test_a_record_that_cannot_be_read_is_named(town: Town) -> None:
    (town.repository.path / SECOND).write_text("schema: mlver/promotion/2\n")
    code, document = audit(town.repository)
    assert code == 1
    assert any(finding["subject"] == SECOND for finding in document["damage"])


@pytest.mark.parametrize("arguments", [(), ("--stage", "production"), ("m",)])
def test_a_stage_that_was_removed_with_its_history_is_damage(
    town: Town, arguments: tuple[str, ...]
) -> None:
    town.repository.git("rm", "-r", "--quiet", ".mlver/models/m/stages/production")
    town.repository.commit("Tidy up")
    code, document = audit(town.repository, *arguments)
    assert code == 1
    assert FIRST in [finding["subject"] for finding in document["damage"]]
