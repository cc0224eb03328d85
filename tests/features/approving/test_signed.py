"""What signatures are worth: forged, borrowed, unlisted, expired and removed keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import NOW_EPOCH
from tests.features.approving.conftest import Team, approval_files
from tests.keys import openpgp_key

APPROVAL = layout.approval_path("digits", "1.1.0", "production", 1)
SEAL = layout.seal_path(APPROVAL)
LATER = int(NOW_EPOCH) + 86_400 * 40


@pytest.fixture
def signed(team: Team) -> Team:
    """Production asks for two approvals, and that all is signed."""
    team.configure(signed=True)
    return team


def approve_twice(team: Team) -> None:
    team.approve("ana")
    team.approve("leo")


def test_what_everybody_signed_opens_the_gate(signed: Team) -> None:
    approve_twice(signed)
    assert signed.promote().code == 0
    document = Path(
        signed.repository.path, layout.promotion_path("digits", "production", 1)
    ).read_text()
    assert "ana@example.org SHA256:" in document
    assert "the version is signed by dev@example.org SHA256:" in document.replace("\n", " ")
    assert_works(signed.repository, "verify", "--all")


def test_where_signing_fails_nothing_lands(signed: Team) -> None:
    signed.become("ana")
    signed.repository.git("config", "user.signingKey", "/nowhere/key")
    head = signed.repository.git("rev-parse", "HEAD")
    command = ("approve", "digits@1.1.0", "--to", "production", "-m", "Fine")
    assert "git could not sign the record" in assert_refused(signed.repository, *command)
    assert signed.repository.git("rev-parse", "HEAD") == head
    assert signed.repository.git("status", "--porcelain") == ""


def test_a_promotion_that_cannot_be_signed_is_refused(signed: Team) -> None:
    approve_twice(signed)
    signed.become("pat")
    signed.repository.git("config", "user.signingKey", "/nowhere/key")
    command = ("promote", "digits@1.1.0", "--to", "production", "-m", "Go")
    refused = signed.repository.mlver(*command)
    assert refused.code == 1
    assert "this promotion would not be signed" in refused.out
    signed.become("pat")
    signed.repository.git("config", "tag.gpgSign", "false")
    assert "git is not told to" in signed.repository.mlver(*command).out


def test_a_borrowed_name_is_refused(signed: Team) -> None:
    said = signed.refuse("ana", key="eve")
    assert "is signed by eve@example.org, so it would not count" in said
    assert approval_files(signed.repository.path) == []


def land_forged(team: Team, name: str, *, key: str) -> None:
    """Land an approval by `name` that another key signed, as somebody without mlver would."""
    team.approve(name)
    folder = team.repository.path
    data = (folder / APPROVAL).read_bytes()
    forged = team.repository.path / "forged"
    team.become(name, key=key)
    blob = team.repository.git("hash-object", "-w", APPROVAL)
    seal = (folder / SEAL).read_text()
    message = seal.partition("\n\n")[2].partition("-----BEGIN")[0]
    team.repository.git("tag", "-s", "-m", message, "forged", blob)
    (folder / SEAL).write_text(team.repository.git("cat-file", "tag", "forged") + "\n")
    team.repository.git("tag", "-d", "forged")
    assert (folder / APPROVAL).read_bytes() == data
    assert not forged.exists()
    team.repository.git("commit", "--quiet", "--amend", "--all", "--no-edit")


def test_kims_key_with_anas_name_does_not_count(signed: Team) -> None:
    land_forged(signed, "ana", key="kim")
    refused = signed.promote()
    assert refused.code == 1
    assert "that of ana@example.org is signed by kim@example.org" in refused.out


def test_a_false_signature_does_not_count_where_none_is_asked_for(team: Team) -> None:
    land_forged(team, "ana", key="kim")
    team.approve("leo")
    refused = team.promote()
    assert refused.code == 1
    assert "that of ana@example.org is signed by kim@example.org" in refused.out


def test_a_key_that_nobody_listed_does_not_count(signed: Team) -> None:
    approve_twice(signed)
    signed.allow(*(signed.keys[name].allow() for name in ("dev", "ana", "pat")))
    refused = signed.promote()
    assert refused.code == 1
    assert "that of leo@example.org is signed by a key that is not one of main's" in refused.out


def test_a_key_that_was_over_when_the_approval_landed(
    signed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has an old key can date the signature and the commit back, but not what is there."""
    lines = [signed.keys[name].allow() for name in ("dev", "leo", "pat")]
    lines.append(signed.keys["ana"].allow(options='valid-before="20260120Z"'))
    signed.allow(*lines)
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{LATER} +0000")
    signed.repository.git("commit", "--quiet", "--allow-empty", "-m", "Much later")
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{NOW_EPOCH} +0000")
    land_forged(signed, "ana", key="ana")
    signed.approve("leo")
    refused = signed.promote()
    assert refused.code == 1
    assert "1 of 2: leo@example.org, signed" in refused.out
    assert "or was over when it landed" in refused.out


def test_a_key_that_the_branch_under_review_adds_does_not_count(signed: Team) -> None:
    signed.repository.git("switch", "--quiet", "-c", "review")
    text = (signed.repository.path / layout.ALLOWED_SIGNERS).read_text()
    signed.allow(text, signed.keys["eve"].allow("ana@example.org"))
    said = signed.refuse("ana", key="eve")
    assert "is signed by eve@example.org" in said or "not one of main's allowed signers" in said
    assert approval_files(signed.repository.path) == []


@pytest.mark.parametrize("signed_by", ["ana", "kim"])
def test_an_approval_whose_words_were_changed(signed: Team, signed_by: str) -> None:
    signed.approve(signed_by)
    path = signed.repository.path / APPROVAL
    path.write_text(path.read_text().replace("Fine", "Very fine"))
    signed.repository.git("commit", "--quiet", "--amend", "--all", "--no-edit")
    refused = signed.promote()
    assert f"that of {signed_by}@example.org has a seal of another record" in refused.out


def test_squash_keeps_the_signature(signed: Team) -> None:
    signed.repository.git("switch", "--quiet", "-c", "review")
    approve_twice(signed)
    signed.repository.git("switch", "--quiet", "main")
    signed.become("pat")
    signed.repository.git("merge", "--quiet", "--squash", "review")
    signed.repository.git("commit", "--quiet", "-m", "Squashed by the forge")
    assert signed.promote().code == 0


def test_a_rollback_is_signed_too(signed: Team) -> None:
    approve_twice(signed)
    assert signed.promote().code == 0
    signed.become("pat")
    forced = ("promote", "digits@1.0.0", "--to", "production", "-m", "x", "--force")
    assert signed.repository.mlver(*forced).code == 0
    command = ("rollback", "digits", "--stage", "production", "-m", "Back")
    signed.repository.git("config", "user.signingKey", "/nowhere/key")
    assert "would not be signed" in assert_refused(signed.repository, *command)
    signed.become("pat")
    assert signed.repository.mlver(*command).code == 0
    assert signed.repository.mlver("verify", "--all").code == 0


def test_an_openpgp_key_counts_by_its_fingerprint(
    signed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    with openpgp_key("Ana <ana@example.org>") as (home, fingerprint):
        monkeypatch.setenv("GNUPGHOME", str(home))
        signed.become("ana")
        signed.repository.git("config", "gpg.format", "openpgp")
        signed.repository.git("config", "user.signingKey", fingerprint)
        command = ("approve", "digits@1.1.0", "--to", "production", "-m", "Fine")
        assert "not one of main's allowed signers" in assert_refused(signed.repository, *command)
        text = (signed.repository.path / layout.ALLOWED_SIGNERS).read_text()
        signed.allow(text, f"# openpgp: ana@example.org {fingerprint}\n")
        said = assert_works(signed.repository, *command)
        assert f"signed by ana@example.org {fingerprint}" in said
        signed.approve("leo")
        assert signed.promote().code == 0
        assert_works(signed.repository, "verify", "--all")


def test_a_copy_under_another_number_does_not_count(signed: Team) -> None:
    """Whoever took a yes back, or had it used up, is not made to give it again."""
    signed.approve("ana")
    signed.become("ana")
    revoke = ("revoke", "digits@1.1.0", "--to", "production", "-m", "No")
    assert_works(signed.repository, *revoke)
    copy = layout.approval_path("digits", "1.1.0", "production", 3)
    folder = signed.repository.path
    text = (folder / APPROVAL).read_text().replace("sequence: 1", "sequence: 3")
    signed.repository.write(copy, text)
    signed.repository.write(layout.seal_path(copy), (folder / SEAL).read_bytes())
    signed.repository.commit("Once more")
    refused = signed.promote()
    assert "0 of 2" in refused.out
    assert "that of ana@example.org is a copy of another one" in refused.out
