"""Seals that are kept as files, made and checked by real keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.git.detached_seals import (
    DetachedSeal,
    SealSignature,
    open_checker,
    parse_seal,
    sign_blob,
)
from mlver.git.process import GitFailed
from mlver.git.repository import GitRepository
from tests.conftest import Repository
from tests.keys import SigningKey, make_key, openpgp_key

KIM = "kim@example.org"
HEAD = b"object " + b"0" * 40 + b"\ntype blob\ntag seal\ntagger Kim <k> 1 +0000\n"
MESSAGE = f"m 1.0.0 production 1: approve\n\nMlver-Record: sha256:{'a' * 64}\n"


@pytest.fixture
def kim(repository: Repository, tmp_path: Path) -> SigningKey:
    key = make_key(tmp_path, KIM)
    key.use(repository)
    return key


def sign(repository: Repository, message: str = MESSAGE) -> bytes:
    return sign_blob(GitRepository.find(repository.path), b"the record\n", message)


def check(data: bytes, signers: str) -> SealSignature:
    seal = parse_seal(data)
    assert seal is not None
    with open_checker() as checker:
        return checker.check(seal, signers.encode())


def test_a_seal_leaves_no_reference_and_no_object(repository: Repository, kim: SigningKey) -> None:
    before = sorted(Path(repository.path, ".git").rglob("*"))
    data = sign(repository)
    assert sorted(Path(repository.path, ".git").rglob("*")) == before
    seal = parse_seal(data)
    assert seal is not None
    assert seal.tag.seals == f"sha256:{'a' * 64}"
    assert not seal.is_openpgp


def test_a_key_of_an_allowed_signer_holds(repository: Repository, kim: SigningKey) -> None:
    signature = check(sign(repository), kim.allow())
    assert (signature.holds, signature.principal) == (True, KIM)
    assert signature.keys[0].startswith("SHA256:")


def test_a_key_that_nobody_lists_does_not(repository: Repository, kim: SigningKey) -> None:
    signature = check(sign(repository), "")
    assert (signature.holds, signature.principal) == (False, None)
    # ssh-keygen calls it good all the same
    assert signature.keys


def test_other_words_than_were_signed_do_not_hold(repository: Repository, kim: SigningKey) -> None:
    data = sign(repository).replace(b"production", b"canary")
    signature = check(data, kim.allow())
    assert (signature.holds, signature.unknown) == (False, False)


def test_a_key_that_ended_before_it_signed(repository: Repository, kim: SigningKey) -> None:
    signature = check(sign(repository), kim.allow(options='valid-before="20200101Z"'))
    assert not signature.holds


def test_where_git_cannot_sign_there_is_no_seal(repository: Repository) -> None:
    repository.git("config", "gpg.format", "ssh")
    repository.git("config", "user.signingKey", "/nowhere/key")
    with pytest.raises(GitFailed, match="sign the record"):
        sign(repository)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"tag",
        b"object " + b"0" * 40 + b"\ntype blob\ntag seal\ntagger Kim <k> 1 +0000\n\nm 1.0.0\n",
        b"object " + b"0" * 40 + b"\ntype commit\ntag seal\ntagger Kim <k> 1 +0000\n\nm\n",
        b"x" * 70_000,
    ],
    ids=["empty", "word", "unsigned", "commit", "long"],
)
def test_what_is_no_signed_tag_of_a_blob_is_no_seal(data: bytes) -> None:
    assert parse_seal(data) is None


@pytest.fixture
def openpgp(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with openpgp_key(f"Kim <{KIM}>") as (home, fingerprint):
        monkeypatch.setenv("GNUPGHOME", str(home))
        repository.git("config", "user.signingKey", fingerprint)
        yield fingerprint


def test_an_openpgp_key_is_known_by_its_fingerprint(repository: Repository, openpgp: str) -> None:
    data = sign(repository)
    seal = parse_seal(data)
    assert isinstance(seal, DetachedSeal)
    assert seal.is_openpgp
    signature = check(data, "")
    assert signature.holds
    assert openpgp in signature.keys
    assert signature.expired is None
    assert not check(data.replace(b"production", b"canary"), "").holds


@given(data=st.binary(max_size=300), start=st.sampled_from([b"", HEAD, HEAD + b"\n"]))
def test_whatever_a_file_holds_it_is_read_or_is_no_seal(data: bytes, start: bytes) -> None:
    seal = parse_seal(start + data)
    assert seal is None or seal.tag.is_signed
