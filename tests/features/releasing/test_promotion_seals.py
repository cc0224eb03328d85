"""Seals of promotions: made with the record or after a merge, judged, and shown where missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.releasing.promotion_seals import (
    FIRST,
    MISSING,
    SECOND,
    THIRD,
    UNSEALED,
    broken,
    list_seals,
    promote,
    verify,
)
from tests.promotions import write_promotion

# -- made with the record --------------------------------------------------------------------------


def test_a_promotion_and_a_rollback_get_one_each_on_their_commits(second: Repository) -> None:
    promote(second)
    assert_works(second, "rollback", "digits", "--stage", "production", "-m", "Slow\n\nVery")
    assert list_seals(second) == [FIRST, SECOND, THIRD]
    assert second.git("rev-parse", f"{THIRD}^{{commit}}") == second.git("rev-parse", "HEAD")
    contents = second.git("tag", "--list", "--format=%(contents)", THIRD)
    assert contents.startswith(
        "digits 1.0.0 production 3: rollback\n\nSlow\n\nVery\n\nMlver-Record: sha256:"
    )
    assert verify(second) == {"broken": [], "notes": []}
    assert assert_works(second, "tag") == "every record on HEAD is sealed already\n"


def test_the_result_names_the_seal(second: Repository) -> None:
    words = ("digits@1.1.0", "--to", "production", "-m", "Better", "--json")
    dry = read_document(second.mlver("promote", *words, "--dry-run"), "promote")
    assert (dry["outcome"], dry["seal"]) == ("promoted", None)
    assert read_document(second.mlver("promote", *words), "promote")["seal"] == SECOND
    back = ("digits", "--stage", "production", "-m", "Slow", "--json")
    assert read_document(second.mlver("rollback", *back), "rollback")["seal"] == THIRD


FOREIGN = {
    "lightweight": ("tag", THIRD),
    "annotated": ("tag", "-am", "A package's", THIRD),
    "below its name": ("tag", f"{THIRD}/rc"),
    "of a record that is not here": ("tag", "-am", f"x\n\nMlver-Record: sha256:{'ab' * 32}", THIRD),
}


@pytest.mark.parametrize("plant", FOREIGN.values(), ids=FOREIGN)
def test_a_promotion_is_refused_where_a_tag_has_the_name_of_its_seal(
    second: Repository, plant: tuple[str, ...]
) -> None:
    promote(second)
    second.git(*plant)
    head = second.git("rev-parse", "HEAD")
    for extra in ((), ("--dry-run",), ("--force",)):
        said = assert_refused(
            second, "promote", "digits@1.0.0", "--to", "production", "-m", "Back", *extra
        )
        assert "production has not moved: " in said
        assert plant[-1] in said
        # another branch's seal may be the only copy of it
        seals_another = "Mlver-Record" in plant[-2]
        assert (f"hint: git tag -d {plant[-1]}" in said) is not seals_another
        assert ("hint: git pull" in said) is seals_another
    assert (second.git("rev-parse", "HEAD"), second.git("status", "--short")) == (head, "")
    second.git("tag", "--delete", plant[-1])
    promote(second, "1.0.0")
    assert THIRD in list_seals(second)


@pytest.mark.parametrize("plant", FOREIGN.values(), ids=FOREIGN)
def test_a_rollback_lands_without_its_seal_where_a_tag_has_the_name(
    second: Repository, plant: tuple[str, ...]
) -> None:
    promote(second)
    second.git(*plant)
    finished = second.mlver("rollback", "digits", "--stage", "production", "-m", "Slow")
    assert finished.code == 0
    assert "production has moved, but no tag seals its promotion" in finished.err
    assert f"a tag {plant[-1]} already, of something else" in finished.err
    assert "once that tag is renamed or deleted, mlver tag seals the promotion" in finished.err
    assert "git tag -d" not in finished.err
    assert "digits 1.0.0" in assert_works(second, "show", "digits@production")
    reported = verify(second)
    assert any(THIRD in words for words in (*reported["broken"], *reported["notes"]))
    second.git("tag", "--delete", plant[-1])
    assert_works(second, "tag")
    assert verify(second) == {"broken": [], "notes": []}


# -- made after a merge ----------------------------------------------------------------------------


def test_a_squash_merge_leaves_several_and_tag_makes_all(second: Repository) -> None:
    second.git("switch", "--quiet", "-c", "work")
    promote(second)
    promote(second, "1.0.0")
    second.git("switch", "--quiet", "main")
    second.git("merge", "--quiet", "--squash", "work")
    merged = second.commit("Promote (#8)")
    second.git("tag", "--delete", SECOND, THIRD)
    assert assert_works(second, "tag") == (
        f"Sealed {SECOND}  on commit {merged[:10]}\nSealed {THIRD}  on commit {merged[:10]}\n"
        "next: mlver tag --push\n"
    )
    assert verify(second) == {"broken": [], "notes": []}


def test_older_ones_are_pushed_at_once_and_the_newest_by_threes(
    second: Repository, tmp_path: Path
) -> None:
    config = second.path / ".mlver/config.yaml"
    stages = "".join(f"  canary{number}: {{}}\n" for number in range(4))
    config.write_text(config.read_text().replace("stages:\n", f"stages:\n{stages}"))
    second.commit("More stages")
    for version in ("1.0.0", "1.1.0", "1.0.0"):
        for number in range(4):
            promote(second, version, f"canary{number}")
    forge = Repository(tmp_path / "forge.git")
    second.git("init", "--quiet", "--bare", str(forge.path))
    receive = forge.path / "hooks/post-receive"
    receive.parent.mkdir(exist_ok=True)
    receive.write_text("#!/bin/sh\ncut -d' ' -f3 | sort | tr '\\n' ' ' >> pushes\necho >> pushes\n")
    receive.chmod(0o755)
    second.git("remote", "add", "origin", str(forge.path))
    second.git("push", "--quiet", "--set-upstream", "origin", "main")
    released = read_document(second.mlver("release", "--json"), "release")
    lines = (forge.path / "pushes").read_text().splitlines()
    # what keeps code commits starts no pipeline
    pushes = [line.split() for line in lines if "mlver/code/" not in line]
    _, versions, older, *newest = pushes
    assert versions == ["refs/tags/digits@v1.0.0", "refs/tags/digits@v1.1.0"]
    assert older == [f"refs/tags/digits@canary{n}.{k}" for n in range(4) for k in (1, 2)]
    assert [len(push) for push in newest] == [3, 2]
    assert {tag for push in newest for tag in push} == {
        "refs/tags/digits@production.1",
        *(f"refs/tags/digits@canary{n}.3" for n in range(4)),
    }
    assert len(released["pushed"]) == 15
    assert set(released["starting"]) == {
        "digits@v1.0.0",
        "digits@v1.1.0",
        "digits@production.1",
        *(f"digits@canary{n}.3" for n in range(4)),
    }


# -- unsealed, or missing --------------------------------------------------------------------------


def test_the_newest_without_a_seal_holds_its_stage_and_is_marked(second: Repository) -> None:
    promote(second)
    second.git("tag", "--delete", SECOND)
    assert verify(second) == {"broken": [], "notes": [f"unsealed: {SECOND} {UNSEALED}"]}
    assert "hint: mlver tag" in assert_works(second, "verify")
    assert "production 1.1.0 (unsealed)" in assert_works(second, "list")
    shown = assert_works(second, "show", "digits@production")
    assert shown.startswith("digits 1.1.0  production (unsealed)\n")
    assert "no tag seals its promotion yet  (mlver tag)" in shown
    listed = read_document(second.mlver("list", "--json"), "list")
    versions = listed["models"][0]["versions"]
    assert [version["unsealed_stages"] for version in versions] == [["production"], []]
    document = read_document(second.mlver("doctor", "--json"), "doctor")
    assert (document["ok"], UNSEALED in str(document)) == (True, True)
    assert_works(second, "tag")
    assert "unsealed" not in assert_works(second, "list")


def test_the_log_says_how_each_promotion_is_sealed(second: Repository) -> None:
    promote(second)
    second.git("tag", "--delete", SECOND)
    write_promotion(second, "1.1.0", stage="staging")
    log = " ".join(assert_works(second, "log").split())
    assert "promoted unsealed production: 1.0.0 → 1.1.0" in log
    assert "promoted before seals staging: (empty) → 1.1.0" in log
    assert "promoted production: (empty) → 1.0.0" in log
    document = read_document(second.mlver("log", "--json"), "log")
    seals = {(entry["stage"], entry["sequence"]): entry["seal"] for entry in document["events"]}
    assert seals == {
        ("production", 1): "sealed",
        ("production", 2): "unsealed",
        ("staging", 1): "before seals",
        (None, None): None,
    }


def test_an_unsealed_promotion_opens_no_other_stage(second: Repository) -> None:
    config = second.path / ".mlver/config.yaml"
    config.write_text(
        config.read_text().replace("stages:\n", "stages:\n  last: {after: [staging]}\n")
    )
    second.commit("A stage after staging")
    promote(second, stage="staging")
    second.git("tag", "--delete", "digits@staging.1")
    finished = second.mlver("promote", "digits@1.1.0", "--to", "last", "-m", "Go")
    assert finished.code == 1
    assert "held staging by a promotion that no tag seals" in finished.out
    assert "hint: mlver tag" in finished.out
    assert_works(second, "tag")
    assert "Promoted digits 1.1.0 to last" in assert_works(
        second, "promote", "digits@1.1.0", "--to", "last", "-m", "Go"
    )


def test_one_that_is_missing_in_a_sealed_chain_is_damage(second: Repository) -> None:
    promote(second)
    second.git("tag", "--delete", FIRST)
    assert verify(second) == {"broken": [f"chain: {FIRST} {MISSING}"], "notes": []}
    assert second.mlver("verify").code == 1
    assert_works(second, "tag")
    assert verify(second) == {"broken": [], "notes": []}


def test_a_seal_that_is_here_and_wrong_is_damage_in_a_clone_without_all_tags(
    second: Repository, tmp_path: Path
) -> None:
    promote(second)
    second.git("clone", "--quiet", "--no-tags", f"file://{second.path}", str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    message = f"Forged\n\nMlver-Record: sha256:{'0' * 64}"
    clone.git("tag", "--annotate", SECOND, "--message", message)
    verified = verify(clone)
    assert f"tag: {SECOND} points at a commit that holds another record" in verified["broken"]
    assert "record: digits production 0002 was edited after its tag sealed it" in verified["broken"]
    assert f"unsealed: {FIRST} {UNSEALED}" in verified["notes"]
    diagnoses = read_document(clone.mlver("doctor", "--json"), "doctor")["diagnoses"]
    levels = {(entry["finding"]["message"], entry["level"]) for entry in diagnoses}
    assert ("points at a commit that holds another record", "wrong") in levels
    assert (UNSEALED, "remark") in levels


def test_what_a_clone_lacks_because_it_lacks_history_or_tags_is_a_note(
    second: Repository, tmp_path: Path
) -> None:
    promote(second)
    promote(second, "1.0.0")
    for name, options in {"shallow": ("--depth", "1"), "tagless": ("--no-tags",)}.items():
        clone = Repository(tmp_path / name)
        second.git("clone", "--quiet", *options, f"file://{second.path}", str(clone.path))
        clone.git("fetch", "--quiet", "origin", f"refs/tags/{THIRD}:refs/tags/{THIRD}")
        reported = verify(clone)
        assert [words for words in reported["broken"] if "production" in words] == [], name
        assert f"chain: {SECOND} {MISSING}" in reported["notes"]
        clone.git("tag", "--delete", THIRD)
        reported = verify(clone)
        assert [words for words in reported["broken"] if "production" in words] == [], name
        assert f"unsealed: {THIRD} {UNSEALED}" in reported["notes"]


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
    ],
)
def test_one_that_was_moved_or_replaced_is_named(
    second: Repository, prepare: tuple[str, ...], said: str
) -> None:
    promote(second)
    promote(second, "1.0.0")
    second.git(*(word.replace("T", THIRD, 1) if word[:1] == "T" else word for word in prepare))
    listed = broken(second)
    assert any(THIRD in link and said in link for link in listed), listed
    shown = assert_works(second, "show", "digits@production")
    assert shown.startswith("digits 1.0.0  production (unsealed)")


def test_a_record_that_was_replaced_after_it_was_sealed_is_named(second: Repository) -> None:
    path = second.path / ".mlver/models/digits/stages/production/0001.yaml"
    path.write_text(path.read_text().replace("Release", "Disaster"))
    second.commit("Edit the past")
    assert "record: digits production 0001 was edited after its tag sealed it" in broken(second)


def test_one_of_no_promotion_here_is_named_where_it_says_it_seals(second: Repository) -> None:
    second.git("tag", "-am", f"Mlver-Record: sha256:{'0' * 64}", "digits@production.7")
    second.git("tag", "-am", "A package's", "digits@next.7")
    assert broken(second) == ["tag: digits@production.7 seals a record that is not here"]


def test_a_stage_called_v1_is_taken_for_no_version(second: Repository) -> None:
    config = second.path / ".mlver/config.yaml"
    config.write_text(config.read_text().replace("stages:\n", "stages:\n  v1: {}\n  vault: {}\n"))
    second.commit("More stages")
    for stage in ("v1", "vault"):
        promote(second, stage=stage)
        promote(second, "1.0.0", stage=stage)
    assert second.git("tag", "--list", "*@v*").split() == [
        "digits@v1.0.0",
        "digits@v1.1",
        "digits@v1.1.0",
        "digits@v1.2",
        "digits@vault.1",
        "digits@vault.2",
    ]
    assert_works(second, "tag")
    assert broken(second) == []
    assert "Registered digits 1.1.1" in assert_works(
        second, "register", "digits", "--bump", "patch", "-m", "Third"
    )
    assert assert_works(second, "doctor")


# -- on the way in and out -------------------------------------------------------------------------


def test_a_promotion_that_is_not_what_its_tag_seals_is_kept_out(second: Repository) -> None:
    promote(second)
    second.git("reset", "--quiet", "--hard", "HEAD~1")
    write_promotion(second, "1.1.0", format=2)
    finished = second.mlver("hook", "check", "--from", "HEAD~1", "--to", "HEAD")
    assert finished.code == 1
    assert "is another record than the one its tag seals" in finished.out
    second.git("tag", "--delete", SECOND)
    finished = second.mlver("hook", "check", "--from", "HEAD~1", "--to", "HEAD")
    assert "its tag seals" not in finished.out


def test_a_record_without_seals_after_one_with_a_seal_is_kept_out(second: Repository) -> None:
    write_promotion(second, "1.1.0", format=1)
    finished = second.mlver("hook", "check", "--from", "HEAD~1", "--to", "HEAD")
    assert finished.code == 1
    assert "is of a format without seals" in finished.out


def test_what_goes_out_without_its_seal_is_told(second: Repository) -> None:
    promote(second)
    between = ("--from", "HEAD~1", "--to", "HEAD")
    assert f"{SECOND} does not go along" not in assert_works(second, "hook", "status", *between)
    second.git("tag", "--delete", SECOND)
    told = assert_works(second, "hook", "status", *between)
    assert "stages/production/0002.yaml is sealed by no tag yet" in told
    write_promotion(second, "1.0.0", stage="staging")
    assert "staging" not in assert_works(second, "hook", "status", *between)
