"""Versions judged again: a name that nothing confirms, and a date later than the commit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlver.document import codec
from mlver.records import layout
from tests.conftest import NOW
from tests.project.audit.forging import Town
from tests.project.helpers import register_one, write_artifact

ALICE = "Alice <alice@example.org>"
PATH = layout.version_path("m", "1.2.0")


def forge(town: Town, *, trailer: str = "", version: str = "1.2.0", **claims: Any) -> None:
    """Commit, as Mallory, a version that says what the last one says but for these claims."""
    town.enter("Mallory", day=1)
    last, _ = town.project.registry.read_version("m", "1.1.0")
    record = replace(last, version=version, previous="1.1.0", **claims)
    data = codec.encode_document("version", record.to_document())
    town.repository.write(record.record_path, data)
    town.repository.commit(f"docs{trailer}")


def register(town: Town, version: str = "1.2.0") -> None:
    write_artifact(town.repository, "w", {"a": version})
    register_one(town.project, version=version)


def name_unconfirmed(town: Town) -> list[str]:
    report = town.judge()
    assert report.findings == ()
    return [finding.subject for finding in report.unconfirmed]


def check_range(town: Town) -> int:
    return town.repository.mlver("hook", "check", "--from", "HEAD~1", "--to", "HEAD").code


def test_another_persons_name_is_unconfirmed_and_no_hook_lets_it_in(town: Town) -> None:
    forge(town, author=ALICE)
    (finding,) = town.judge().unconfirmed
    assert finding.subject == PATH
    assert finding.message.startswith(f"names {ALICE} as its author, whom neither its commit")
    refused = town.repository.mlver("hook", "check", "--from", "HEAD~1", "--to", "HEAD")
    assert refused.code == 1
    assert f"names {ALICE} as its author" in " ".join(refused.out.split())


def test_a_co_author_and_whoever_made_the_seal_confirm_it(town: Town) -> None:
    forge(town, author=ALICE, trailer=f"\n\nCo-authored-by: {ALICE}")
    assert name_unconfirmed(town) == []
    assert check_range(town) == 0
    forge(town, author=ALICE, version="1.3.0")
    assert name_unconfirmed(town) == [layout.version_path("m", "1.3.0")]
    town.enter("Alice", day=2)
    town.repository.git("tag", "-a", "-m", "m 1.3.0", "m@v1.3.0")
    assert name_unconfirmed(town) == []


def test_a_version_is_not_dated_after_its_commit(town: Town) -> None:
    forge(town, author="Mallory <mallory@example.org>", created="2026-01-03T03:19:07Z")
    ((kind, message),) = town.name_findings()
    assert kind == "date"
    assert message.startswith("is dated 2026-01-03T03:19:07Z, later than the commit")
    assert check_range(town) == 1


@pytest.mark.parametrize("created", ["2026-01-03T03:19:06Z", "1980-01-01T00:00:00Z"])
def test_clocks_differ_and_a_reproducible_version_is_as_old_as_it_likes(
    town: Town, created: str
) -> None:
    forge(town, author="Mallory <mallory@example.org>", created=created)
    assert name_unconfirmed(town) == []
    assert check_range(town) == 0


def test_what_people_register_and_merge_is_theirs(town: Town) -> None:
    town.enter("Ada", day=1)
    town.repository.git("switch", "--quiet", "-c", "side")
    register(town)
    town.repository.git("switch", "--quiet", "main")
    town.enter("Bob", day=2)
    town.repository.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    assert name_unconfirmed(town) == []
    assert check_range(town) == 0


def test_a_squash_by_a_colleague_is_listed(town: Town) -> None:
    town.enter("Ada", day=1)
    town.repository.git("switch", "--quiet", "-c", "side")
    register(town)
    town.repository.git("switch", "--quiet", "main")
    town.enter("Bob", day=2)
    town.repository.git("merge", "--quiet", "--squash", "side")
    town.repository.git("commit", "--quiet", "-m", "squashed")
    assert name_unconfirmed(town) == []  # Ada's seal is here
    town.repository.git("tag", "--delete", "m@v1.2.0")
    assert name_unconfirmed(town) == [PATH]


def forge_adopted(town: Town, name: str, tag: str | None = None, **claims: Any) -> None:
    """Commit a version in Alice's name that says it was adopted from `name`, with another's ids."""
    git = town.repository.git
    made = f"refs/tags/{tag or name}"
    origin = {"tag": name, "object": "1" * 40, "commit": git("rev-parse", "HEAD")}
    if git("for-each-ref", made):
        origin["object"] = git("rev-parse", made)
    last, _ = town.project.registry.read_version("m", "1.1.0")
    code = replace(last.code, commit=origin["commit"])
    says: dict[str, Any] = {"author": ALICE, "created": NOW, "code": code}
    forge(town, **{**says, "extra": {"adopted": origin}, **claims})


def make_tag(town: Town, name: str, tagger: str = "Alice", *, day: int = 0) -> None:
    town.enter(tagger, day=day)
    town.repository.git("tag", "-a", "-m", "By hand", name)


@pytest.mark.parametrize(
    ("tagger", "name", "tag", "unconfirmed"),
    [
        ("Alice", "old-1.2.0", "old-1.2.0", False),
        ("Alice", "releases/m@v1.2.0", "releases/m@v1.2.0", False),
        ("Mallory", "old-1.2.0", "old-1.2.0", True),
        ("Alice", "old-1.2.0", "old-1.2.0-again", True),
        ("Alice", "old-1", "old-1", True),
        ("Alice", "v11.2.0", "v11.2.0", True),
        ("Alice", "1.2.0-m", "1.2.0-m", False),
        ("Alice", "v1.2.0-rc.1", "v1.2.0-rc.1", True),
        ("Alice", "v1.2.0-beta", "v1.2.0-beta", True),
        ("Alice", "v1.2.0+x", "v1.2.0+x", True),
        ("Alice", "v2.0.0-1.2.0", "v2.0.0-1.2.0", True),
        ("Alice", "other@v1.2.0", "other@v1.2.0", True),
    ],
)
def test_an_adopted_version_is_by_whoever_made_the_tag(
    town: Town, tagger: str, name: str, tag: str, unconfirmed: bool
) -> None:
    town.enter("Mallory", day=0)
    model = town.repository.path / layout.settings_path("m")
    town.repository.write(layout.settings_path("other"), model.read_text())
    town.repository.commit("another model")
    make_tag(town, tag, tagger)
    forge_adopted(town, name, tag)
    assert name_unconfirmed(town) == [PATH] * unconfirmed
    assert check_range(town) == int(unconfirmed)


def test_an_adopted_version_says_what_its_tag_says(town: Town) -> None:
    make_tag(town, "v1.2.0")
    forge_adopted(town, "v1.2.0", created="2026-01-02T03:04:06Z")
    assert name_unconfirmed(town) == [PATH]
    town.repository.git("reset", "--quiet", "--hard", "HEAD~1")
    last, _ = town.project.registry.read_version("m", "1.1.0")
    forge_adopted(town, "v1.2.0", code=last.code)
    assert name_unconfirmed(town) == [PATH]


def test_a_tag_that_was_never_made_confirms_nothing_where_all_tags_are(town: Town) -> None:
    """Nor for a model that no tag seals, nor in any hook."""
    git = town.repository.git
    forge_adopted(town, "v1.2.0")
    for tag in git("tag", "--list", "m@v*").split():
        git("tag", "--delete", tag)
    assert name_unconfirmed(town) == [PATH]
    for tag in git("tag", "--list").split():
        git("tag", "--delete", tag)
    assert name_unconfirmed(town) == []
    assert check_range(town) == 1


def test_an_adopted_version_has_the_date_of_its_tag_by_whatever_clock(town: Town) -> None:
    make_tag(town, "v1.2.0", day=3)
    forge_adopted(town, "v1.2.0", created="2026-01-05T03:04:05Z")
    assert name_unconfirmed(town) == []
    assert check_range(town) == 0
    town.repository.git("tag", "--delete", "v1.2.0")
    assert [kind for kind, _ in town.name_findings()] == ["date"]


def test_a_rebase_may_date_a_commit_before_its_record(town: Town) -> None:
    """Its seal tells when it was there, and the commit that was sealed."""
    git = town.repository.git
    town.enter("Ada", day=1)
    register(town)
    git("commit", "--quiet", "--amend", "--no-edit", f"--date={NOW}")
    git("rebase", "--quiet", "--force-rebase", "--committer-date-is-author-date", "HEAD~1")
    assert name_unconfirmed(town) == []
    assert check_range(town) == 0
    sealed = git("rev-parse", "m@v1.2.0^{commit}")
    git("tag", "--delete", "m@v1.2.0")
    assert [kind for kind, _ in town.name_findings()] == ["date"]
    assert check_range(town) == 1
    town.enter("Ada", day=0)
    git("tag", "-a", "-m", "m 1.2.0", "m@v1.2.0", sealed)
    assert name_unconfirmed(town) == []
    git("tag", "--delete", "m@v1.2.0")
    town.enter("Ada", day=1)
    assert town.repository.mlver("tag").code == 0
    assert name_unconfirmed(town) == []


def test_a_commit_whose_date_git_cannot_read_says_nothing_of_dates(
    town: Town, tmp_path: Path
) -> None:
    git = town.repository.git
    forge(town, author="Mallory <mallory@example.org>", created="2026-01-09T03:04:05Z")
    text = git("cat-file", "commit", "HEAD") + "\n"
    seconds = git("log", "-1", "--format=%ct")
    file = tmp_path / "commit"
    file.write_text(text.replace(f"{seconds} +0000", "yesterday"))
    git("update-ref", "HEAD", git("hash-object", "-t", "commit", "-w", "--literally", str(file)))
    assert name_unconfirmed(town) == []


def test_a_version_of_format_1_is_judged_where_newer_ones_were_before_it(town: Town) -> None:
    last, _ = town.project.registry.read_version("m", "1.1.0")
    old: dict[str, Any] = {"format": 1, "code": replace(last.code, tree=None), "environment": None}
    forge(town, author=ALICE, **old)
    assert name_unconfirmed(town) == [PATH]
    # it may have been there before
    town.repository.git("reset", "--quiet", "--hard", "HEAD~1")
    town.repository.git("checkout", "--quiet", "--orphan", "old")
    forge(town, author=ALICE, **old)
    assert name_unconfirmed(town) == []
