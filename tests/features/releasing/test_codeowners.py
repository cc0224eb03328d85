"""CODEOWNERS: whose review a change of the rules, or a release, needs."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository

LEADS, RELEASES = "@acme/leads", "@acme/releases kim@example.org"


def test_rules_and_releases_have_owners_of_their_own(first: Repository) -> None:
    options = ("--codeowners", LEADS, "--releasers", RELEASES, "--only", "check")
    assert ".github/CODEOWNERS" in assert_works(first, "ci", "github", *options)
    lines = (first.path / ".github/CODEOWNERS").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        f"/.mlver/models/*/stages/ {RELEASES}",
        f"/.mlver/models/*/approvals/ {RELEASES}",
        f"/.mlver/authorisations/ {RELEASES}",
        f"/.mlver/config.yaml {LEADS}",
        f"/.mlver/allowed_signers {LEADS}",
        f"/.github/CODEOWNERS {LEADS}",
    ]
    assert "nothing changed" in assert_works(first, "ci", "github", *options)


def test_gitlab_looks_elsewhere(first: Repository) -> None:
    assert_works(first, "ci", "gitlab", "--codeowners", LEADS)
    text = (first.path / ".gitlab/CODEOWNERS").read_text()
    assert f"/.mlver/models/*/stages/ {LEADS}\n" in text
    assert f"/.gitlab/CODEOWNERS {LEADS}\n" in text


def test_a_file_that_somebody_wrote_is_left_alone(first: Repository) -> None:
    first.write(".github/CODEOWNERS", "* @acme/all\n")
    said = assert_refused(first, "ci", "github", "--codeowners", LEADS)
    assert ".github/CODEOWNERS was edited, or never written by mlver" in said


def test_without_the_option_there_is_none(first: Repository) -> None:
    assert_works(first, "ci", "github")
    assert not (first.path / ".github/CODEOWNERS").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("argo", "--codeowners", LEADS), "argo reads no such file"),
        (("github", "--codeowners", "acme leads"), "`acme` is no account"),
        (("github", "--codeowners", "@acme/leads\n* @eve"), "`*` is no account"),
        (("github", "--releasers", LEADS), "--releasers goes with --codeowners"),
    ],
)
def test_what_no_owner_is(first: Repository, options: tuple[str, ...], words: str) -> None:
    assert words in assert_refused(first, "ci", *options, code=2)
