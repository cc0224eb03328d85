"""The commands that look, called as a program calls them: they answer, and print nothing."""

from __future__ import annotations

import dataclasses
import re

import pytest

from mlver.errors import UsageError
from mlver.features.checking.verify import verify_versions
from mlver.features.comparing.diff import diff_versions
from mlver.features.comparing.status import find_status
from mlver.features.looking.list import NewestVersions, list_versions
from mlver.features.looking.log import read_log
from mlver.features.looking.show import show_version
from mlver.project.project import Project
from tests.cli.conftest import assert_works, train_model
from tests.cli.results import read_document
from tests.conftest import Repository


def opened(repository: Repository) -> Project:
    return Project.open_existing(repository.path)


def test_nothing_is_printed(second: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    project = opened(second)
    train_model(second, 3)
    for result in (
        list_versions(project),
        read_log(project),
        show_version(project, "digits"),
        find_status(project),
        diff_versions(project, None),
    ):
        assert dataclasses.is_dataclass(result)
    verify_versions(project, everything=True)
    assert capfd.readouterr() == ("", "")


def test_list_opens_no_record_it_does_not_show(second: Repository) -> None:
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    second.write(".mlver/models/digits/versions/1.0.0.yaml", "not a record")
    (model,) = list_versions(opened(second), "digits", NewestVersions(1)).models
    assert [version.version for version in model.versions] == ["1.1.0"]
    (model,) = list_versions(opened(second), "digits", NewestVersions(2)).models
    assert [version.fault is None for version in model.versions] == [True, False]


@pytest.mark.parametrize("number", ["1.0.0", "1.1.0"])
def test_one_record_that_cannot_be_read_hides_no_other(second: Repository, number: str) -> None:
    path = f".mlver/models/digits/versions/{number}.yaml"
    second.write(path, "garbage")
    other = {"1.0.0": "1.1.0", "1.1.0": "1.0.0"}[number]
    (model,) = read_document(second.mlver("list", "--json"), "list")["models"]
    bad, good = (next(v for v in model["versions"] if v["version"] == n) for n in (number, other))
    assert (good["fault"], good["sealed"]) == (None, True)
    assert bad["fault"].startswith(f"{path} is not valid:")
    assert (bad["message"], bad["size"], bad["sealed"], model["faults"]) == (None, None, False, [])
    assert "unreadable: mlver verify\n" in assert_works(second, "list")
    found = read_document(second.mlver("log", "--json"), "log")
    assert [event["version"] for event in found["events"] if event["event"] == "registered"] == [
        other
    ]
    assert len(found["faults"]) == 1
    assert f"unreadable: {path} is not valid:" in assert_works(second, "log")
    found = read_document(second.mlver("status", "--json"), "status")
    assert [found["models"][0][key] for key in ("latest", "version")] == [
        "1.1.0" if number == "1.0.0" else "1.0.0"
    ] * 2
    assert (
        f"unreadable: {path} is not valid:" in assert_works(second, "status") or number == "1.0.0"
    )


def test_nor_does_one_promotion(second: Repository) -> None:
    assert_works(second, "promote", "digits@1.1.0", "--to", "staging", "-m", "Try")
    path = ".mlver/models/digits/stages/production/0001.yaml"
    second.write(path, "garbage")
    (model,) = read_document(second.mlver("list", "--json"), "list")["models"]
    assert model["stages"] == {"staging": "1.1.0"}
    assert [fault.startswith(path) for fault in model["faults"]] == [True]
    assert f"  unreadable: {path} is not valid: line 1: must be a map" in assert_works(
        second, "list"
    )
    assert len(read_document(second.mlver("log", "--json"), "log")["faults"]) == 1
    assert (
        read_document(second.mlver("status", "--json"), "status")["models"][0]["version"] == "1.1.0"
    )


def test_a_tag_that_seals_nothing_is_shown_as_none(second: Repository) -> None:
    commit = second.git("rev-parse", "digits@v1.1.0^{commit}")
    second.git("tag", "--force", "digits@v1.1.0", commit)
    (model,) = list_versions(opened(second)).models
    assert [version.sealed for version in model.versions] == [False, True]
    assert " unsealed " in assert_works(second, "list")
    found = show_version(opened(second), "digits@1.1.0")
    assert (found.tag, found.unsealed) == (
        "digits@v1.1.0",
        "digits@v1.1.0 is a lightweight tag, which can seal nothing",
    )
    assert "no: digits@v1.1.0 is a lightweight tag" in assert_works(second, "show", "digits@1.1.0")
    assert show_version(opened(second), "digits@1.0.0").unsealed is None


def test_it_is_the_record_that_was_edited_and_not_its_tag(second: Repository) -> None:
    record = second.path / ".mlver/models/digits/versions/1.1.0.yaml"
    record.write_text(record.read_text().replace("message: Second", "message: Other"))
    shown = assert_works(second, "show", "digits@1.1.0")
    assert "no: digits 1.1.0 was edited after its tag sealed it  (mlver verify)" in shown


def test_log_of_one_stage_and_of_the_newest(second: Repository) -> None:
    assert_works(second, "promote", "digits", "--to", "staging", "-m", "Try")
    assert_works(second, "promote", "digits", "--to", "production", "-m", "Better")
    found = read_log(opened(second), "digits", stage="production")
    assert [(event.previous, event.version) for event in found.events] == [
        ("1.0.0", "1.1.0"),
        (None, "1.0.0"),
    ]
    (second.path / ".mlver/config.yaml").write_text(
        "schema: mlver/config/1\nstages: {canary: {}}\n"
    )
    assert (
        len(read_log(opened(second), stage="production").events) == 2
    )  # what was held is told for ever
    assert read_log(opened(second), stage="canary").events == ()
    found = read_log(opened(second), limit=1)
    assert (len(found.events), found.total) == (1, 5)


def edit_created(repository: Repository, sequence: int, created: str) -> None:
    """Let a promotion claim another time, and commit that as somebody else."""
    path = f".mlver/models/digits/stages/production/{sequence:04d}.yaml"
    text = (repository.path / path).read_text()
    repository.write(path, re.sub("created: .*", f'created: "{created}"', text))
    repository.git("add", path)
    identity = ("-c", "user.name=Mallory", "-c", "user.email=mallory@example.org")
    repository.git(*identity, "commit", "--quiet", "-m", "docs")


def test_log_follows_the_chain_and_says_which_commit_it_is_from(second: Repository) -> None:
    assert_works(second, "promote", "digits", "--to", "production", "-m", "Better", "--force")
    honest = second.git("rev-parse", "HEAD")
    newest, oldest = read_log(opened(second), "digits", stage="production").events
    assert (newest.sequence, newest.commit, newest.committer) == (2, honest, newest.author)
    edit_created(second, 2, "2020-01-01T00:00:00Z")
    forged = second.git("rev-parse", "HEAD")
    newest, oldest = read_log(opened(second), "digits", stage="production").events
    assert (newest.version, oldest.version) == ("1.1.0", "1.0.0")
    assert (newest.commit, newest.committer) == (forged, "Mallory <mallory@example.org>")
    shown = assert_works(second, "log", "--stage", "production")
    assert f"Kim (by Mallory)  {forged[:10]}  Better\n" in shown
    assert oldest.commit is not None
    assert f"  Kim               {oldest.commit[:10]}  Release\n" in shown
    (second.path / ".git/index").touch()
    path = second.path / ".mlver/models/digits/stages/production/0003.yaml"
    text = path.with_name("0002.yaml").read_text().replace("sequence: 2", "sequence: 3")
    path.write_text(text)
    (uncommitted, *_) = read_log(opened(second), "digits", stage="production").events
    assert (uncommitted.sequence, uncommitted.commit) == (3, None)
    assert "  Kim (not committed)  " in assert_works(second, "log", "-n", "1")


def test_log_says_what_held_a_stage_on_a_day(second: Repository) -> None:
    assert_works(second, "promote", "digits", "--to", "production", "-m", "Better", "--force")
    edit_created(second, 1, "2026-03-01T09:00:00Z")
    edit_created(second, 2, "2026-03-02T12:00:00Z")
    holders = read_log(opened(second), at="2026-03-02").holders
    assert [(holder.version, holder.since, holder.until) for holder in holders] == [
        ("1.0.0", "2026-03-01T09:00:00Z", "2026-03-02T12:00:00Z"),
        ("1.1.0", "2026-03-02T12:00:00Z", None),
    ]
    (holder,) = read_log(opened(second), at="2026-03-01").holders
    assert (holder.version, holder.sequence, holder.commit is not None) == ("1.0.0", 1, True)
    (empty,) = read_log(opened(second), at="2026-02-28").holders
    assert (empty.stage, empty.version, empty.since) == ("production", None, None)
    shown = assert_works(second, "log", "--at", "2026-03-02")
    assert shown.startswith("held  from 2026-03-02 00:00 to 2026-03-03 00:00 UTC\n")
    assert "  digits production  1.1.0  since 2026-03-02 12:00" in shown
    assert "(empty)" in assert_works(second, "log", "--at", "2026-02-28")
    told = read_document(second.mlver("log", "--at", "2026-03-01", "--json"), "log")
    assert told["at"] == {"start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z"}


def forge_author(repository: Repository) -> None:
    """Land the promotion to production anew, in the name of somebody else."""
    path = ".mlver/models/digits/stages/production/0001.yaml"
    text = (repository.path / path).read_text().replace("author: Kim <kim@", "author: Eve <eve@")
    repository.git("rm", "--quiet", path)
    repository.git("commit", "--quiet", "--message", "Take it back")
    repository.git("tag", "--delete", "digits@production.1")
    repository.write(path, text)
    repository.commit("Forge it")


def test_log_marks_an_author_whom_nothing_confirms(second: Repository) -> None:
    assert "(unconfirmed)" not in assert_works(second, "log")
    forge_author(second)
    assert "  Eve (unconfirmed) (by Kim)  " in assert_works(second, "log", "--stage", "production")
    assert "Eve (unconfirmed)" in assert_works(second, "log", "--at", "2026-01-02")
    (event,) = read_log(opened(second), "digits", stage="production").events
    assert event.unconfirmed


def test_log_marks_a_version_whose_author_nothing_confirms(second: Repository) -> None:
    path = ".mlver/models/digits/versions/1.1.0.yaml"
    other = path.replace("1.1.0", "1.2.0")
    text = (second.path / path).read_text().replace("author: Kim <kim@", "author: Eve <eve@")
    second.write(other, text.replace("1.1.0", "1.2.0"))
    second.commit("Forge it")
    said = assert_works(second, "log")
    assert said.count("(unconfirmed)") == 1
    assert "digits 1.2.0  registered" in said
    unconfirmed = [event.version for event in read_log(opened(second)).events if event.unconfirmed]
    assert unconfirmed == ["1.2.0"]
    assert other in second.mlver("verify", "--all").out


def test_show_marks_a_stage_that_nobody_confirmed_gave(second: Repository) -> None:
    assert show_version(opened(second), "digits@1.0.0").unconfirmed_stages == ()
    assert "confirms" not in assert_works(second, "show", "digits@1.0.0")
    forge_author(second)
    assert show_version(opened(second), "digits@1.0.0").unconfirmed_stages == ("production",)
    told = read_document(second.mlver("show", "digits@1.0.0", "--json"), "show")
    assert told["unconfirmed_stages"] == ["production"]
    shown = assert_works(second, "show", "digits@1.0.0")
    assert "production  neither commit nor seal confirms who promoted it" in shown
    # another version of the model is not marked for it
    assert show_version(opened(second), "digits@1.1.0").unconfirmed_stages == ()


def test_log_tells_how_rules_changed(second: Repository) -> None:
    settings = (second.path / ".mlver/config.yaml").read_text()
    assert read_log(opened(second)).rules == ()
    looser = settings.replace("    verified: true\n", "    verified: false\n")
    assert looser != settings
    second.write(".mlver/config.yaml", looser)
    commit = second.commit("Ask for less")
    rules = read_log(opened(second), stage="production").rules
    assert [(rule.stage, rule.commit) for rule in rules] == [("production", commit)]
    assert any("verified" in words for words in rules[0].loosened)
    assert "  rule changed  production" in assert_works(second, "log")
    second.write(".mlver/config.yaml", settings)
    second.commit("Ask for it again")
    newest, _ = read_log(opened(second), stage="production").rules
    assert newest.loosened == ()
    assert read_log(opened(second), since="2026-01-03").rules == ()


def test_log_since_a_day(second: Repository) -> None:
    assert_works(second, "promote", "digits", "--to", "production", "-m", "Better", "--force")
    edit_created(second, 2, "2026-03-02T12:00:00Z")
    events = read_log(opened(second), stage="production", since="2026-03-02").events
    assert [event.version for event in events] == ["1.1.0"]
    assert read_log(opened(second), stage="production", since="2026-03-03").events == ()
    with pytest.raises(UsageError, match="give only one"):
        read_log(opened(second), since="2026-03-02", at="2026-03-02")


def test_log_of_a_retired_stage_says_that_it_is_empty(second: Repository) -> None:
    path = second.path / ".mlver/models/digits/stages/production/0001.yaml"
    text = path.read_text().replace("action: promote", "action: retire")
    text = text.replace("sequence: 1", "sequence: 2").replace("previous: null", 'previous: "1.0.0"')
    path.with_name("0002.yaml").write_text(text)
    assert "production: 1.0.0 → (empty)" in assert_works(second, "log", "digits")


def test_verify_of_all_and_some_is_a_contradiction(second: Repository) -> None:
    with pytest.raises(UsageError):
        verify_versions(opened(second), ["digits"], everything=True)


def test_many_metrics_are_counted_where_there_is_no_room(first: Repository) -> None:
    names = [f"metric_{number:02}" for number in range(12)]
    words = [word for name in names for word in ("--metric", f"{name}=0.5")]
    assert_works(first, "register", "digits", "--bump", "patch", *words, "-m", "Measured")
    shown = assert_works(first, "list")
    assert "  6 more metrics: mlver show digits@1.0.1\n" in shown
    assert all(f"  {name}  " in assert_works(first, "show", "digits") for name in names)
