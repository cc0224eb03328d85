"""Unsigned seals where the settings ask for signed ones: none is made, and what stands is named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository
from tests.features.releasing.signatures import ask_for_signatures, register_without_key

TAG = "m@v1.0.0"


@pytest.fixture
def keyless(signing: Repository) -> Repository:
    """Version 1.0.0 in staging, unsigned; signed seals are asked for since, and git signs none."""
    register_without_key(signing)
    ask_for_signatures(signing)
    signing.write("w.bin", "other weights")
    return signing


_REGISTER = ("register", "m", "--bump", "minor", "-m", "Second")
_UNSIGNED = "the settings ask for signed seals (tags.signed in .mlver/config.yaml)"


def assert_refused_unchanged(repository: Repository, *arguments: str) -> str:
    before = repository.git("for-each-ref"), repository.git("status", "--porcelain")
    said = assert_refused(repository, *arguments)
    assert _UNSIGNED in said
    assert "hint: git config tag.gpgSign true\n" in said
    assert (repository.git("for-each-ref"), repository.git("status", "--porcelain")) == before
    return said


@pytest.mark.parametrize(
    "arguments",
    [
        _REGISTER,
        (*_REGISTER, "--dry-run"),
        ("promote", "m", "--to", "production", "-m", "x"),
        ("promote", "m", "--to", "production", "-m", "x", "--force"),
    ],
)
def test_no_seal_is_made_that_would_lack_its_signature(
    keyless: Repository, arguments: tuple[str, ...]
) -> None:
    assert_refused_unchanged(keyless, *arguments)


def test_a_record_without_a_seal_waits_for_a_key(keyless: Repository) -> None:
    assert_works(keyless, *_REGISTER, "--no-commit")
    keyless.commit("Second")
    assert_refused_unchanged(keyless, "tag")
    assert_refused_unchanged(keyless, "tag", "--dry-run")


def test_older_records_are_sealed_without_a_key(keyless: Repository) -> None:
    keyless.git("tag", "--delete", TAG)
    assert assert_works(keyless, "tag").startswith(f"Sealed {TAG}")
    assert_works(keyless, "verify", "--all")


def test_release_makes_no_seal_that_would_lack_its_signature(
    keyless: Repository, tmp_path: Path
) -> None:
    assert_works(keyless, *_REGISTER, "--no-commit")
    keyless.commit("Second")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "origin"], check=True)
    keyless.git("remote", "add", "origin", str(tmp_path / "origin"))
    keyless.git("push", "--quiet", "origin", "main")
    assert_refused_unchanged(keyless, "release")
    assert keyless.git("ls-remote", "--tags", "origin") == ""


@pytest.mark.parametrize("tag", ["v2.0.0", "m@v2.0.0"])
def test_adopt_makes_and_takes_no_unsigned_seal(keyless: Repository, tag: str) -> None:
    keyless.git("add", "--force", "w.bin")
    keyless.commit("Second")
    keyless.git("tag", "--annotate", "-m", "Second", tag)
    before = keyless.git("for-each-ref")
    said = assert_refused(keyless, "adopt", "m", "--weights", "w.bin")
    assert _UNSIGNED in said
    assert ("hint: git config tag.gpgSign true\n" in said) is (tag == "v2.0.0")
    assert keyless.git("for-each-ref") == before


def test_a_rollback_never_waits_for_a_key(signing: Repository) -> None:
    register_without_key(signing)
    signing.write("w.bin", "other weights")
    assert_works(signing, *_REGISTER)
    assert_works(signing, "promote", "m", "--to", "staging", "-m", "x")
    ask_for_signatures(signing)
    seals = signing.git("tag")
    finished = signing.mlver("rollback", "m", "--stage", "staging", "-m", "Slow")
    assert finished.code == 0
    assert "staging has moved, but no tag seals its promotion" in finished.err
    assert "once git does (git config tag.gpgSign true), mlver tag seals" in finished.err
    assert signing.git("tag") == seals
    assert "m 1.0.0" in assert_works(signing, "show", "m@staging")
    assert_refused_unchanged(signing, "tag")
    assert_works(signing, "verify", "--all")


def _replace_by_unsigned(repository: Repository, tag: str) -> None:
    message = repository.git(
        "tag", "--list", "--format=%(contents:subject)%0a%0a%(contents:body)", tag
    )
    words = ("tag", "--force", "--no-sign", "--annotate", "--message", message)
    repository.git(*words, tag, f"{tag}^{{commit}}")


@pytest.fixture
def spoilt(ssh: Repository, tmp_path: Path) -> Repository:
    """Version 1.1.0 has an unsigned seal, which stands in a signed one's place."""
    ask_for_signatures(ssh)
    ssh.write("w.bin", "other weights")
    assert_works(ssh, *_REGISTER)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "origin"], check=True)
    ssh.git("remote", "add", "origin", str(tmp_path / "origin"))
    ssh.git("push", "--quiet", "--set-upstream", "origin", "main")
    _replace_by_unsigned(ssh, "m@v1.1.0")
    return ssh


def test_an_unsigned_seal_that_stands_is_named_with_the_way_out(spoilt: Repository) -> None:
    for command in (("tag",), ("tag", "--dry-run"), ("tag", "--push")):
        done = spoilt.mlver(*command)
        assert (done.code, done.err) == (1, "")
        assert "Refused m@v1.1.0 is not signed, and the settings ask for that; where" in done.out
    assert spoilt.git("ls-remote", "--tags", "origin", "m@v1.1.0") == ""
    released = spoilt.mlver("release")
    assert released.code == 1
    assert "its tag m@v1.1.0 is not signed, and the settings ask for that" in released.out
    assert spoilt.git("ls-remote", "--tags", "origin", "m@v1.1.0") == ""
    promoted = spoilt.mlver("promote", "m", "--to", "staging", "-m", "x")
    assert promoted.code == 1
    way_out = ("git config tag.gpgSign true", "git tag -d m@v1.1.0", "mlver tag")
    for hint in way_out:
        assert f"hint: {hint}\n" in promoted.out + promoted.err
    spoilt.git("tag", "-d", "m@v1.1.0")
    assert assert_works(spoilt, "tag").startswith("Sealed m@v1.1.0")
    assert_works(spoilt, "promote", "m", "--to", "staging", "-m", "x")
    spoilt.git("push", "--quiet", "--no-verify", "origin", "main")
    assert_works(spoilt, "release")
    assert_works(spoilt, "verify", "--all")


def test_a_published_seal_that_is_not_signed_is_refused(spoilt: Repository) -> None:
    spoilt.git("push", "--quiet", "--no-verify", "origin", "m@v1.1.0")
    released = spoilt.mlver("release")
    assert released.code == 1
    assert "origin's tag m@v1.1.0 is not signed, and the settings ask for that" in released.out


def test_an_older_unsigned_seal_is_released(keyless: Repository, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "origin"], check=True)
    keyless.git("remote", "add", "origin", str(tmp_path / "origin"))
    keyless.git("push", "--quiet", "--set-upstream", "origin", "main")
    assert_works(keyless, "tag")
    assert_works(keyless, "release")
    assert TAG in keyless.git("ls-remote", "--tags", "origin")
