"""Signed version tags: made by the person's own git, read past their signature, and never trusted
when wrong.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.releasing.signatures import ask_for_signatures, register_without_key
from tests.programs import require_program

TAG = "m@v1.0.0"


@pytest.fixture
def gpg(
    signing: Repository, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Repository]:
    """The same by OpenPGP, with a throw-away key."""
    require_program("gpg", "gnupg")
    home = tmp_path_factory.mktemp("g")  # a socket's path may not be long
    home.chmod(0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    words = (
        "--batch",
        "--quiet",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
        "--quick-generate-key",
    )
    subprocess.run(
        ["gpg", *words, "Kim <kim@example.org>", "ed25519", "sign", "never"],
        check=True,
        capture_output=True,
    )
    assert_works(signing, "register", "m", "--weights", "w.bin", "-m", "First")
    yield signing
    subprocess.run(["gpgconf", "--kill", "all"], check=False)


@pytest.fixture(params=["ssh", "gpg"])
def signed(request: pytest.FixtureRequest) -> Repository:
    found: Repository = request.getfixturevalue(request.param)
    return found


def forged(repository: Repository) -> None:
    """The tag with another message below the same signature."""
    text = repository.git("cat-file", "tag", TAG).replace("\nFirst\n", "\nWorst\n") + "\n"
    (repository.path / ".git/forged").write_text(text)
    object_id = repository.git("hash-object", "-t", "tag", "-w", "--literally", ".git/forged")
    repository.git("update-ref", f"refs/tags/{TAG}", object_id)


def test_the_signers_of_the_main_branch_are_known_without_a_setting(ssh: Repository) -> None:
    """What only the work tree says counts for nothing."""
    allowed = ssh.git("config", "gpg.ssh.allowedSignersFile")
    ssh.git("config", "--unset", "gpg.ssh.allowedSignersFile")
    ssh.write(layout.ALLOWED_SIGNERS, Path(allowed).read_text())
    assert "0 good, 1 by a key that is not known here\n" in assert_works(ssh, "verify", "--all")
    ssh.commit("Who may sign")
    assert "  signatures of tags: 1 good\n" in assert_works(ssh, "verify", "--all")


def test_signed_tags_are_made_read_and_checked(signed: Repository) -> None:
    assert "SIGNATURE-----" in signed.git("cat-file", "tag", TAG)
    assert "  signatures of tags: 1 good\n" in assert_works(signed, "verify", "--all")
    assert assert_works(signed, "promote", "m", "--to", "staging", "-m", "x").startswith(
        "Promoted m 1.0.0 to staging"
    )
    forged(signed)
    finished = signed.mlver("verify", "--json")
    assert finished.code == 1
    assert [
        (entry["kind"], entry["subject"]) for entry in read_document(finished, "verify")["broken"]
    ] == [("signature", TAG)]
    output = assert_refused(
        signed, "rollback", "m", "--stage", "staging", "--to", "1.0.0", "-m", "x"
    )
    assert "staging" in output
    finished = signed.mlver("promote", "m", "--to", "production", "-m", "x")
    assert finished.code == 1
    assert (
        "fail  sealed          is signed, and the signature is not of what it says now\n"
        in finished.out
    )


def test_what_stands_behind_a_signature_was_never_signed(signed: Repository) -> None:
    """The signature of one version's tag, which still holds, does not cover another's record."""
    path = ".mlver/models/m/versions/1.0.0.yaml"
    other = path.replace("1.0.0", "2.0.0")
    signed.write(other, (signed.path / path).read_text().replace("1.0.0", "2.0.0"))
    commit = signed.commit("Nobody signs this")
    message = signed.git("tag", "--list", "--format=%(contents:subject)%0a%0a%(contents:body)", TAG)
    signed.git("tag", "--annotate", "--message", message, "lent", commit)
    digest = hashlib.sha256((signed.path / other).read_bytes()).hexdigest()
    text = signed.git("cat-file", "tag", "lent") + f"\n\nMlver-Record: sha256:{digest}\n"
    (signed.path / ".git/forged").write_text(text)
    object_id = signed.git("hash-object", "-t", "tag", "-w", "--literally", ".git/forged")
    signed.git("update-ref", "refs/tags/m@v2.0.0", object_id)
    signed.git("verify-tag", "m@v2.0.0")  # git is content
    finished = signed.mlver("verify", "--all")
    assert finished.code == 1
    assert "m@v2.0.0 points at a commit that holds another record" in finished.out


def test_a_signed_tag_under_another_versions_name_seals_nothing(signed: Repository) -> None:
    signed.write("w.bin", "other weights")
    assert_works(signed, "register", "m", "--bump", "minor", "-m", "Second")
    signed.git("update-ref", "refs/tags/m@v1.1.0", signed.git("rev-parse", TAG))
    finished = signed.mlver("verify", "--all")
    assert finished.code == 1
    assert "m@v1.1.0 points at a commit that does not hold the record" in finished.out
    promoted = signed.mlver("promote", "m@1.1.0", "--to", "staging", "-m", "x")
    assert promoted.code in (1, 3)
    assert signed.mlver("show", "m@staging").code == 3


def test_a_key_that_is_not_known_here_is_said(ssh: Repository, tmp_path: Path) -> None:
    (tmp_path / "allowed").write_text("")
    assert "signatures of tags: 0 good, 1 by a key that is not known here\n" in assert_works(
        ssh, "verify", "--all"
    )


def test_seals_of_before_the_settings_asked_for_signatures_may_be_unsigned(
    signing: Repository,
) -> None:
    register_without_key(signing)
    ask_for_signatures(signing)
    assert_works(signing, "verify", "--all")
    signing.git("config", "tag.gpgSign", "true")
    promoted = signing.mlver("promote", "m", "--to", "production", "-m", "Release")
    assert promoted.code == 1  # what is decided now is decided by what the settings ask now


@pytest.mark.parametrize("days", [1, 60])
def test_no_record_of_later_escapes_by_a_tag_or_a_branch_of_before(
    signing: Repository, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = signing.commit("Begin")
    ask_for_signatures(signing)
    signing.git("config", "tag.gpgSign", "false")
    committed = signing.git("show", "--no-patch", "--format=%ct", "HEAD")
    later = f"{int(committed) + days * 86_400} +0000"
    monkeypatch.setenv("GIT_COMMITTER_DATE", later)
    monkeypatch.setenv("GIT_AUTHOR_DATE", later)
    signing.git("switch", "--quiet", "-c", "old", begin)
    signing.write("v.bin", "weights")
    assert_works(signing, "register", "m", "--weights", "v.bin", "-m", "First")
    signing.git("switch", "--quiet", "main")
    if days == 1:
        signing.git("merge", "--quiet", "--squash", "old")
        signing.git("commit", "--quiet", "-m", "Squash")
    else:
        signing.git("merge", "--quiet", "--no-edit", "old")
    finished = signing.mlver("verify", "--all")
    assert f"signature  {TAG} is not signed, and the settings ask for that\n" in finished.out


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("good", ""),
        (
            "unknown",
            "is signed by a key that cannot be judged here,"
            " and the settings ask for a good signature",
        ),
        ("unsigned", "is not signed, and the settings ask for that"),
    ],
)
def test_settings_may_ask_for_signatures(
    ssh: Repository, tmp_path: Path, state: str, said: str
) -> None:
    ask_for_signatures(ssh)
    ssh.write("w.bin", "other weights")
    assert_works(ssh, "register", "m", "--bump", "minor", "-m", "Second")
    newer = "m@v1.1.0"
    if state == "unknown":
        (tmp_path / "allowed").write_text("")
    if state == "unsigned":
        message = ssh.git(
            "tag", "--list", "--format=%(contents:subject)%0a%0a%(contents:body)", newer
        )
        ssh.git(
            "tag",
            "--force",
            "--no-sign",
            "--annotate",
            "--message",
            message,
            newer,
            f"{newer}^{{commit}}",
        )
    finished = ssh.mlver("verify", "--all")
    assert (finished.code, f"signature  {newer} {said}\n" in finished.out) == (
        (1, True) if said else (0, False)
    )
    assert ssh.mlver("promote", "m", "--to", "staging", "-m", "x").code == (1 if said else 0)


def test_the_seal_of_a_promotion_is_signed_and_held_to_the_settings(ssh: Repository) -> None:
    ask_for_signatures(ssh)
    assert_works(ssh, "promote", "m", "--to", "staging", "-m", "x")
    seal = "m@staging.1"
    assert "SIGNATURE-----" in ssh.git("cat-file", "tag", seal)
    assert_works(ssh, "verify", "--all")
    message = ssh.git("tag", "--list", "--format=%(contents:subject)%0a%0a%(contents:body)", seal)
    words = ("tag", "--force", "--no-sign", "--annotate", "--message", message)
    ssh.git(*words, seal, f"{seal}^{{commit}}")
    finished = ssh.mlver("verify", "--all")
    assert finished.code == 1
    assert f"signature  {seal} is not signed, and the settings ask for that\n" in finished.out


def test_a_repository_names_no_program_that_checks_its_signatures(
    signed: Repository, tmp_path: Path
) -> None:
    """Promise 4: what lies in .git may have come with an archive."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    program.chmod(0o755)
    for name in ("gpg.program", "gpg.openpgp.program", "gpg.ssh.program", "gpg.x509.program"):
        signed.git("config", name, str(program))
    assert "  signatures of tags: 1 good\n" in assert_works(signed, "verify", "--all")
    assert_works(signed, "show", "m")
    assert not (tmp_path / "ran").exists()


def test_the_persons_own_program_is_used(
    ssh: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\nexec ssh-keygen \"$@\"\n")
    program.chmod(0o755)
    own_tag = tmp_path / "gitconfig"
    own_tag.write_text(
        f'{Path(os.environ["GIT_CONFIG_GLOBAL"]).read_text()}[gpg "ssh"]\n\tprogram = {program}\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own_tag))
    ssh.git("config", "gpg.ssh.program", "/nonexistent")
    assert "1 good" in assert_works(ssh, "verify", "--all")
    assert (tmp_path / "ran").exists()


def test_a_tag_that_cannot_be_signed_loses_nothing(ssh: Repository) -> None:
    ssh.write("w.bin", "weights 2")
    ssh.git("config", "gpg.ssh.program", "/nonexistent")
    output = assert_refused(ssh, "register", "m", "--bump", "minor", "-m", "Second")
    assert "git could not make the tag m@v1.1.0; it said:" in output
    assert output.endswith("hint: mlver tag\n")
    ssh.git("config", "tag.gpgSign", "false")
    assert assert_works(ssh, "tag").startswith("Sealed m@v1.1.0")
    assert "1 good, 1 unsigned" in assert_works(ssh, "verify", "--all")
