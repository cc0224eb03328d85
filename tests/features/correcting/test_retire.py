"""A retired version stays, is marked wherever it is shown, and is given no stage."""

from __future__ import annotations

import re

import pytest

import mlver
from mlver.project.corrections.retire import retire_version
from mlver.project.project import Project
from mlver.project.registry.attached import find_retirement
from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import NOW_EPOCH, Repository
from tests.features.merging.merges import assert_verifies, resolve_merge, run_git

WHY = "trained on data that was withdrawn"
FIRST = layout.retirement_path("digits", "1.0.0", 1)
SECOND = layout.retirement_path("digits", "1.0.0", 2)
NOTICE = f"note: digits 1.0.0 is retired: {WHY}; use 1.1.0\n"


@pytest.fixture
def retired(second: Repository) -> Repository:
    """With digits 1.0.0, which holds production, retired in favour of 1.1.0."""
    assert_works(second, "retire", "digits@1.0.0", "-m", WHY, "--in-favour-of", "1.1.0")
    return second


def test_a_version_is_retired_though_it_holds_a_stage(second: Repository) -> None:
    said = assert_works(second, "retire", "digits@1.0.0", "-m", WHY, "--in-favour-of", "@latest")
    assert said == (
        "Retired digits 1.0.0; use 1.1.0 instead\n"
        "It still holds production\n"
        "hint: mlver promote digits@1.1.0 --to production -m WHY\n"
    )
    changed = second.git("show", "--format=%s", "--name-only", "HEAD").split()
    assert changed[-1] == FIRST
    assert_works(second, "verify", "--all")


def test_it_is_marked_wherever_it_is_shown(retired: Repository) -> None:
    listed = assert_works(retired, "list", "digits")
    assert "production 1.0.0 (retired)" in listed
    assert "\n  1.0.0 retired" in listed
    shown = assert_works(retired, "show", "digits@1.0.0")
    assert shown.startswith("digits 1.0.0  production  retired\n")
    assert f"retired 2026-01-02 03:04 by Kim <kim@example.org>: {WHY}; use 1.1.0\n" in shown
    assert "digits 1.0.0  retired" in assert_works(retired, "log", "digits")
    difference = assert_works(retired, "diff", "digits@1.0.0", "@1.1.0")
    assert f"  digits 1.0.0 is retired: {WHY}; use 1.1.0\n" in difference
    assert "retired" not in assert_works(retired, "status")
    assert retired.mlver("checkout", "digits@1.0.0").err == NOTICE
    assert f"  retired: {WHY}; use 1.1.0\n" in assert_works(retired, "status")


def test_programs_are_told(retired: Repository) -> None:
    versions = read_document(retired.mlver("list", "--json"), "list")["models"][0]["versions"]
    marks = {version["version"]: version["retired"] for version in versions}
    assert marks == {"1.0.0": f"{WHY}; use 1.1.0", "1.1.0": None}
    with pytest.warns(UserWarning, match="digits 1.0.0 is retired: trained on"):
        mlver.open(retired.path).resolve("digits@production")


def test_it_is_never_promoted(retired: Repository) -> None:
    said = assert_refused(retired, "promote", "digits@1.0.0", "--to", "staging", "-m", "Try it")
    assert said == (
        f"error: digits 1.0.0 is retired, so no stage is given to it: {WHY}; use 1.1.0\n"
        "hint: mlver promote digits@1.1.0 --to staging -m WHY\n"
        "hint: mlver retire digits@1.0.0 --restore -m WHY\n"
    )
    assert not (retired.path / layout.stage_folder("digits", "staging")).exists()


def test_a_rollback_passes_over_it_and_says_so(retired: Repository) -> None:
    """Of three holders, the second is retired: the first is what a rollback goes to."""
    assert_works(retired, "retire", "digits@1.0.0", "--restore", "-m", "It may be used")
    for version in ("1.1.0", "1.2.0"):
        if version == "1.2.0":
            retired.write("model/weights.safetensors", "weights of another run\n")
            assert_works(retired, "register", "digits", "--bump", "minor", "-m", "Third")
        ref = f"digits@{version}"
        assert_works(retired, "promote", ref, "--to", "production", "-m", "Better")
    assert_works(retired, "retire", "digits@1.1.0", "-m", "leaks")
    words = ("rollback", "digits", "--stage", "production", "-m", "Slow")
    refused = assert_refused(retired, *words, "--to", "1.1.0")
    assert refused.startswith("error: digits 1.1.0 is retired, so no stage is given to it: leaks\n")
    done = retired.mlver(*words)
    assert done.err == "note: skipped digits 1.1.0, which is retired: leaks\n"
    assert done.out.startswith("Rolled back production from 1.2.0 to digits 1.0.0\n")
    assert_works(retired, "verify", "--all")


def test_it_can_be_restored(retired: Repository) -> None:
    words = ("retire", "digits@1.0.0", "--restore", "-m", "The data may be used after all")
    assert assert_works(retired, *words) == "Restored digits 1.0.0\n"
    said = assert_works(retired, *words)
    assert said == "digits 1.0.0 is restored already (record 2)\n"
    assert "retired" not in assert_works(retired, "list", "digits")
    assert_works(retired, "promote", "digits@1.0.0", "--to", "staging", "-m", "Try it")
    assert_works(retired, "verify", "--all")
    again = assert_refused(retired, "retire", "digits@1.1.0", "--restore", "-m", "why not")
    assert again.startswith("error: digits 1.1.0 is not retired, so there is nothing to take back")


def test_a_dry_run_writes_nothing(second: Repository) -> None:
    head = second.git("rev-parse", "HEAD")
    said = assert_works(second, "retire", "digits@1.1.0", "-m", WHY, "--dry-run")
    assert said == "Would retire digits 1.1.0\n"
    assert (second.git("rev-parse", "HEAD"), second.git("status", "--porcelain")) == (head, "")


SENSELESS = {
    "itself": ("retire", "digits@1.1.0", "-m", WHY, "--in-favour-of", "1.1.0"),
    "what is retired": ("retire", "digits@1.1.0", "-m", WHY, "--in-favour-of", "1.0.0"),
    "no reason": ("retire", "digits@1.1.0"),
    "no reason to restore": ("retire", "digits@1.0.0", "--restore"),
    "a version's stage": ("retire", "digits@1.0.0", "--stage", "production", "-m", WHY),
    "a stage and a successor": (
        *("retire", "digits", "--stage", "production"),
        *("-m", WHY, "--in-favour-of", "1.1.0"),
    ),
    "no reason to empty": ("retire", "digits", "--stage", "production"),
    "no stage": ("retire", "digits", "--stage", "nowhere", "-m", WHY),
    "both": ("retire", "digits@1.0.0", "--restore", "-m", WHY, "--in-favour-of", "1.1.0"),
}


@pytest.mark.parametrize("case", SENSELESS)
def test_what_makes_no_sense_is_refused(retired: Repository, case: str) -> None:
    done = retired.mlver(*SENSELESS[case])
    assert done.code == (3 if case == "what is retired" else 2)
    assert "\nhint: mlver " in done.err


def test_a_retirement_that_was_edited_or_put_in_is_damage(retired: Repository) -> None:
    text = (retired.path / FIRST).read_text()
    forged = text.replace("sequence: 1", "sequence: 2").replace("action: retire", "action: restore")
    retired.write(SECOND, forged)
    retired.commit("Put in")
    broken = read_document(retired.mlver("verify", "--all", "--json"), "verify")["broken"]
    assert [(link["kind"], link["subject"]) for link in broken] == [("chain", SECOND)]
    retired.write(FIRST, text.replace("withdrawn", "checked"))
    retired.commit("Edit")
    broken = read_document(retired.mlver("verify", "--all", "--json"), "verify")["broken"]
    assert ("history", FIRST) in [(link["kind"], link["subject"]) for link in broken]


FALSE_CLAIMS = {
    "no successor": (r'version: "1\.1\.0"', 'version: "9.9.9"', "record"),
    "another successor": (r'  record: "sha256:.{7}', '  record: "sha256:0000000', "record"),
    "before its version": ('created: "2026', 'created: "2025', "date"),
}


@pytest.mark.parametrize("case", FALSE_CLAIMS)
def test_what_a_retirement_claims_falsely_is_damage(retired: Repository, case: str) -> None:
    former, claimed, kind = FALSE_CLAIMS[case]
    text = (retired.path / FIRST).read_text()
    forged, count = re.subn(former, claimed, text, count=1)
    assert count
    retired.write(FIRST, forged)
    retired.git("commit", "--quiet", "--amend", "--all", "--message", "Forge")
    broken = read_document(retired.mlver("verify", "--all", "--json"), "verify")["broken"]
    assert [(link["kind"], link["subject"]) for link in broken] == [(kind, FIRST)]


def test_a_retirement_is_never_dated_before_its_version(
    second: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    said = assert_refused(second, "retire", "digits@1.0.0", "-m", WHY)
    assert "before its version was registered" in said


def test_retirements_of_two_branches_are_counted_on(apart: Repository) -> None:
    for branch in ("mine", "yours"):
        apart.git("switch", "--quiet", "-c", branch, "start")
        retire_version(Project.open_existing(apart.path), "m@1.0.0", message=f"said {branch}")
    assert run_git(apart, "merge", "--quiet", "mine") == 1
    resolve_merge(apart, "theirs")
    apart.git("commit", "--quiet", "--no-edit")
    retirement = find_retirement(Project.open_existing(apart.path).registry, "m", "1.0.0")
    assert retirement is not None
    assert (retirement.sequence, retirement.message) == (2, "said mine")
    assert_verifies(apart)


def test_log_shows_retirements_in_the_order_of_their_chain(
    retired: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock that dated the restoration was behind, as much as clocks differ."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(NOW_EPOCH) - 60))
    assert_works(retired, "retire", "digits@1.0.0", "--restore", "-m", "It may be used")
    events = read_document(retired.mlver("log", "--json"), "log")["events"]
    said = [event["event"] for event in events if event["event"] in ("restored", "retired")]
    assert said == ["restored", "retired"]


def test_a_retirement_follows_its_version_and_its_successor(apart: Repository) -> None:
    apart.git("switch", "--quiet", "topic")
    retire_version(
        Project.open_existing(apart.path), "m@1.1.0", message="worse", in_favour_of="1.1.1"
    )
    apart.git("switch", "--quiet", "main")
    assert run_git(apart, "merge", "--quiet", "topic") == 1
    resolve_merge(apart)
    apart.git("commit", "--quiet", "--no-edit")
    registry = Project.open_existing(apart.path).registry
    assert find_retirement(registry, "m", "1.1.0") is None
    retirement = find_retirement(registry, "m", "1.2.0")
    assert retirement is not None
    assert retirement.successor == "1.2.1"
    assert_verifies(apart)


def test_a_stage_is_emptied(second: Repository) -> None:
    words = ("retire", "digits", "--stage", "production", "-m", "The service is gone")
    assert assert_works(second, *words, "--dry-run") == (
        "Would empty digits production (was 1.0.0)\n"
    )
    document = read_document(second.mlver(*words, "--json"), "empty")
    assert (document["version"], document["sequence"]) == ("1.0.0", 2)
    assert document["seal"] == "digits@production.2"
    subject = second.git("log", "-1", "--format=%s")
    assert subject == "mlver: empty digits production, which held 1.0.0"
    assert "production: 1.0.0 → (empty)" in assert_works(second, "log", "digits")
    event = read_document(second.mlver("log", "--json", "-n", "1"), "log")["events"][0]
    assert (event["event"], event["stage"]) == ("emptied", "production")
    assert "production" not in assert_works(second, "list", "digits")
    assert assert_works(second, *words) == (
        "no version of digits holds production; nothing changed\n"
    )
    assert_works(second, "verify", "--all", "--strict")
    sent = read_document(second.mlver("event", "digits@production.2", "--json"), "event")
    assert sent["action"] == "retire"
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Again")
    assert_works(second, "verify", "--all", "--strict")


def test_who_holds_a_stage_without_a_successor_is_told_how_to_empty_it(second: Repository) -> None:
    said = assert_works(second, "retire", "digits@1.0.0", "-m", WHY)
    assert said.endswith("hint: mlver retire digits --stage production -m WHY\n")


def test_a_review_tells_what_was_retired_and_what_was_restored(retired: Repository) -> None:
    assert_works(retired, "retire", "digits@1.0.0", "--restore", "-m", "It may be used")
    words = ("diff", "HEAD~2..HEAD")
    shown = assert_works(retired, *words)
    assert f"retired digits 1.0.0; use 1.1.0 instead\n  {WHY}  Kim" in shown
    assert "restored digits 1.0.0\n  It may be used  Kim" in shown
    page = assert_works(retired, *words, "--markdown")
    assert f"\nRetired `digits 1.0.0` in favour of `1.1.0` (`{WHY}`, `Kim`)\n" in page
    assert "\nRestored `digits 1.0.0` (`It may be used`, `Kim`)\n" in page
    retirements = read_document(retired.mlver(*words, "--json"), "review")["retirements"]
    told = [(one["action"], one["in_favour_of"]) for one in retirements]
    assert told == [("retire", "1.1.0"), ("restore", None)]


def test_a_model_alone_is_not_its_latest_version(second: Repository) -> None:
    assert assert_refused(second, "retire", "digits", "-m", WHY, code=2) == (
        "error: digits is a model, and a version is retired, or a stage emptied\n"
        "hint: mlver retire digits@1.1.0 -m WHY\n"
        "hint: mlver retire digits --stage STAGE -m WHY\n"
    )
    said = assert_refused(second, "retire", "--restore", "-m", WHY, code=2)
    assert said.endswith("\nhint: mlver retire digits@1.1.0 --restore -m WHY\n")


def test_the_stage_of_the_only_model_is_emptied(second: Repository) -> None:
    said = assert_works(second, "retire", "--stage", "production", "-m", "The service is gone")
    assert said == "Emptied digits production (was 1.0.0)\n"


def test_all_of_a_reason_is_shown(second: Repository) -> None:
    assert_works(second, "retire", "digits@1.0.0", "-m", f"{WHY}\nSee the report")
    shown = assert_works(second, "show", "digits@1.0.0")
    assert f": {WHY}\n  See the report\n" in shown
