"""Records of a newer format: what looks goes on, what writes beside them refuses."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository

VERSION = ".mlver/models/digits/versions/1.1.0.yaml"
STAGING = ".mlver/models/digits/stages/staging/0001.yaml"
HIGHEST = ".mlver/models/digits/versions/1.2.0.yaml"
PRODUCTION = ".mlver/models/digits/stages/production/0002.yaml"
REGISTER = ("register", "digits", "--bump", "patch", "-m", "why")
PROMOTE = ("promote", "digits@1.0.0", "--to", "staging", "-m", "why")
ROLLBACK = ("rollback", "digits", "--stage", "production", "-m", "why")


@pytest.fixture
def served(second: Repository) -> Repository:
    """With 1.1.0 in production after 1.0.0, and in staging."""
    for stage in ("production", "staging"):
        assert_works(second, "promote", "digits@1.1.0", "--to", stage, "-m", "Better")
    return second


def make_newer(repository: Repository, path: str, kind: str) -> str:
    """Make a record one of a newer mlver; return what is to be said of it."""
    source = VERSION if path == HIGHEST else path
    text = (repository.path / source).read_text()
    repository.write(path, text.replace(f"mlver/{kind}/2", f"mlver/{kind}/9"))
    repository.git("add", path)
    repository.git("commit", "--quiet", "--no-verify", "-m", "From a newer mlver")
    commit = repository.git("rev-parse", "HEAD")[:10]
    return (
        f"error: {path} is not valid:\n"
        f"  line 1: schema: written by a newer mlver (mlver/{kind}/9);"
        f" this one reads mlver/{kind}/2\n"
        f"  commit {commit} brought it; where nobody has a newer mlver, take that back\n"
        "hint: pip install --upgrade mlver\n"
        f"hint: git revert --no-edit {commit}\n"
    )


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        (VERSION, "version", REGISTER),
        (HIGHEST, "version", REGISTER),
        (HIGHEST, "version", ("promote", "digits@1.2.0", "--to", "staging", "-m", "why")),
        (STAGING, "promotion", PROMOTE),
        (PRODUCTION, "promotion", ROLLBACK),
    ],
)
def test_what_depends_on_a_record_of_a_newer_mlver_refuses(
    served: Repository, path: str, kind: str, words: tuple[str, ...]
) -> None:
    said = make_newer(served, path, kind)
    before = served.git("rev-parse", "HEAD")
    assert assert_refused(served, *words) == said
    assert assert_refused(served, *words, "--dry-run") == said
    assert served.git("rev-parse", "HEAD") == before
    assert served.git("status", "--porcelain") == ""
    served.git("revert", "--no-edit", "HEAD")
    assert said not in served.mlver(*words).err


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        (HIGHEST, "version", PROMOTE),
        (HIGHEST, "version", ROLLBACK),
        (STAGING, "promotion", REGISTER),
        (STAGING, "promotion", ROLLBACK),
        (PRODUCTION, "promotion", PROMOTE),
        (PRODUCTION, "promotion", REGISTER),
    ],
)
def test_what_does_not_depend_on_it_goes_on(
    served: Repository, path: str, kind: str, words: tuple[str, ...]
) -> None:
    make_newer(served, path, kind)
    assert_works(served, *words)


def test_a_gate_that_asks_for_a_stage_reads_its_promotions(served: Repository) -> None:
    text = (served.path / ".mlver/config.yaml").read_text()
    asking = text.replace("  production:", "  production:\n    after: [staging]")
    served.write(".mlver/config.yaml", asking)
    served.commit("Ask")
    said = make_newer(served, STAGING, "promotion")
    words = ("promote", "digits@1.0.0", "--to", "production", "-m", "why")
    assert assert_refused(served, *words) == said


def test_a_rollback_passes_over_a_newer_promotion_where_the_target_is_named(
    served: Repository,
) -> None:
    """Who held the stage before is not known, so the person says it."""
    assert_works(served, "rollback", "digits", "--stage", "production", "-m", "why")
    make_newer(served, PRODUCTION, "promotion")
    said = assert_refused(served, *ROLLBACK)
    assert said == (
        f"error: {PRODUCTION} was written by a newer mlver, so nobody here knows who held"
        " production before; name the version to go back to\n"
        "hint: mlver log digits\n"
    )
    assert_works(served, "promote", "digits@1.1.0", "--to", "staging", "-m", "why")


def test_a_rollback_refuses_a_target_of_a_newer_format(served: Repository) -> None:
    said = make_newer(served, VERSION.replace("1.1.0", "1.0.0"), "version")
    done = served.mlver(*ROLLBACK)
    assert done.code == 3
    assert done.err.endswith(said)


def invent_promotion(served: Repository) -> str:
    """Commit a promotion that no mlver wrote; return the commit."""
    text = (served.path / STAGING).read_text().replace("mlver/promotion/2", "mlver/promotion/9")
    served.write(STAGING.replace("0001", "0002"), text)
    return served.commit("Invent")


def test_an_invented_format_can_be_taken_back(served: Repository) -> None:
    """Nobody here can tell what the record said; `verify` notes it, and a push may remove it."""
    before = served.git("rev-parse", "HEAD")
    commit = invent_promotion(served)
    served.git("branch", "side")
    checked = served.mlver("hook", "check", "--from", before, "--to", "HEAD")
    assert checked.code == 1
    assert "written by a newer mlver" in checked.out
    assert served.mlver("verify", "--all").code == 1
    served.git("revert", "--no-edit", "HEAD")
    for start in (commit, before):
        assert_works(served, "hook", "check", "--from", start, "--to", "HEAD")
    said = assert_works(served, "verify", "--all")
    assert "was deleted in commit" in said
    assert "it was of a newer format, so nobody here can tell what it said" in said
    assert served.mlver("verify", "--all", "--strict").code == 1
    # the same number is used again, and sealed
    assert_works(served, *PROMOTE)
    served.git("tag", "--delete", "digits@staging.2")
    assert assert_works(served, "tag").startswith("Sealed digits@staging.2")
    assert_works(served, "verify", "--all")
    for start in (commit, before):
        assert_works(served, "hook", "check", "--from", start, "--to", "HEAD")
    # a branch that has it still
    served.git("switch", "--quiet", "side")
    served.write("notes.txt", "x")
    served.commit("Notes")
    served.git("merge", "--quiet", "--no-edit", "main")
    for start in (commit, "side~1", "main"):
        assert_works(served, "hook", "check", "--from", start, "--to", "side")
    assert_works(served, "verify", "--all")


@pytest.mark.parametrize("merged", [True, False])
def test_the_revert_that_is_proposed_takes_back_all_of_it(served: Repository, merged: bool) -> None:
    path = STAGING.replace("0001", "0002")
    if merged:
        served.git("switch", "--quiet", "-c", "side")
        served.write("notes.txt", "x")
        served.commit("Notes")
        served.git("switch", "--quiet", "main")
        served.git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    first = invent_promotion(served)
    served.write("later.txt", "x")
    served.commit("Later")
    served.write(path, f"{(served.path / path).read_text()}x: 1\n")
    served.commit("Change it")
    said = assert_refused(served, *PROMOTE)
    assert f"commit {first[:10]} brought it" in said
    hint = said.splitlines()[-1].removeprefix("hint: git ")
    served.git(*hint.split())
    assert_works(served, *PROMOTE)


def test_what_no_commit_has_was_brought_by_none(served: Repository) -> None:
    text = (served.path / VERSION).read_text()
    served.write(VERSION, text.replace("mlver/version/2", "mlver/version/9"))
    said = assert_refused(served, *REGISTER)
    assert "written by a newer mlver" in said
    assert "brought it" not in said


def test_what_takes_the_place_of_an_invented_format_is_damage(served: Repository) -> None:
    """It would have the place of what was there first."""
    before = served.git("rev-parse", "HEAD")
    commit = invent_promotion(served)
    text = (served.path / STAGING).read_text()
    served.write(STAGING.replace("0001", "0002"), text.replace("sequence: 1", "sequence: 2"))
    served.commit("Overwrite")
    path = STAGING.replace("0001", "0002")
    words = {commit: "is not the record that landed", before: "was changed in commit"}
    for start, said in words.items():
        checked = served.mlver("hook", "check", "--from", start, "--to", "HEAD")
        assert (checked.code, f"{path} {said}" in checked.out) == (1, True)
    verified = served.mlver("verify", "--all")
    assert (verified.code, f"{path} was changed in commit" in verified.out) == (1, True)
    # nor does a rewritten branch replace what landed
    served.git("reset", "--quiet", "--soft", before)
    served.commit("Squash")
    checked = served.mlver("hook", "check", "--from", commit, "--to", "HEAD")
    assert f"{path} is not the record that landed" in checked.out


def test_a_record_that_was_made_one_of_a_newer_format_and_removed_is_damage(
    served: Repository,
) -> None:
    before = served.git("rev-parse", "HEAD")
    make_newer(served, STAGING, "promotion")
    (served.path / STAGING).unlink()
    served.git("commit", "--quiet", "--no-verify", "-am", "Remove")
    checked = served.mlver("hook", "check", "--from", before, "--to", "HEAD")
    assert (checked.code, STAGING in checked.out) == (1, True)
    verified = served.mlver("verify", "--all")
    assert verified.code == 1
    assert f"{STAGING} was changed in commit" in verified.out


def test_what_looks_goes_on_beside_a_record_of_a_newer_mlver(served: Repository) -> None:
    make_newer(served, VERSION, "version")
    for words in (("list",), ("status",), ("show", "digits@1.0.0"), ("checkout", "digits@1.0.0")):
        assert served.mlver(*words).code == 0, words


@pytest.mark.parametrize("command", ["show", "checkout"])
def test_looking_at_a_stage_needs_its_last_promotion(served: Repository, command: str) -> None:
    said = make_newer(served, PRODUCTION, "promotion")
    assert assert_refused(served, command, "digits@production") == said
    said = make_newer(served, VERSION, "version")
    assert assert_refused(served, command, "digits@1.1.0") == said


def test_a_newer_record_of_another_model_is_in_nobodys_way(served: Repository) -> None:
    assert_works(served, "register", "letters", "--weights", "model", "-m", "why")
    make_newer(served, VERSION, "version")
    assert_works(served, "register", "letters", "--bump", "minor", "-m", "why")


def test_a_newer_record_below_stops_what_would_follow_it(served: Repository) -> None:
    """The weights that lie here are those of the record that cannot be read."""
    said = make_newer(served, VERSION.replace("1.1.0", "1.0.0"), "version")
    assert_works(served, *REGISTER)
    lower = ("register", "digits", "--version", "1.0.5", "--allow-lower", "-m", "why")
    assert assert_refused(served, *lower) == said


def test_register_refuses_where_a_newer_record_names_the_weights_that_lie_here(
    served: Repository,
) -> None:
    """The new version follows that record, whatever else it says."""
    assert_works(served, "checkout", "digits@1.0.0")
    said = make_newer(served, VERSION.replace("1.1.0", "1.0.0"), "version")
    assert assert_refused(served, *REGISTER, "--allow-mixed") == said


def test_adopt_refuses_beside_a_record_of_a_newer_mlver(repository: Repository) -> None:
    repository.write("w.bin", "weights")
    repository.commit()
    repository.git("tag", "m@v1.0.0")
    assert_works(repository, "init")
    repository.commit("Init")
    assert_works(repository, "adopt", "m", "--weights", "w.bin")
    said = make_newer(repository, ".mlver/models/m/versions/1.0.0.yaml", "version")
    repository.git("tag", "m@v1.1.0")
    assert assert_refused(repository, "adopt", "m", "--weights", "w.bin") == said
    assert not (repository.path / ".mlver/models/m/versions/1.1.0.yaml").exists()
