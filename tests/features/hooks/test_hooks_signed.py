"""Unsigned seals are pushed nowhere where the settings ask for signed ones."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.features.hooks.hooks import HookedRepository
from tests.programs import require_program
from tests.signature_blocks import build_ssh, encode_text, write_block

pytestmark = pytest.mark.usefixtures("warm")

TAG = "digits@v2.0.0"
_UNSIGNED = f"{TAG} is not signed, and the settings ask for that"


def ask_for_signatures(here: HookedRepository, signed: str = "true") -> None:
    with (here.path / ".mlver/config.yaml").open("a") as file:
        file.write(f"tags: {{signed: {signed}}}\n")
    here.git("commit", "--quiet", "--no-verify", "-m", "Ask", "--", ".mlver/config.yaml")


def push_unjudged(here: HookedRepository) -> None:
    """Let origin have main, as if it had been there before."""
    remote = here.git("remote", "get-url", "origin")
    here.git("fetch", "--quiet", "origin")
    here.git("-C", remote, "fetch", "--quiet", str(here.path), "+main:main", "--update-head-ok")
    here.git("fetch", "--quiet", "origin")


def add_version(here: HookedRepository) -> None:
    here.add_unsealed("2.0.0")
    here.commit("Claim")


def seal_unsigned(here: HookedRepository) -> None:
    """Make the seal as an older mlver did."""
    here.git("config", "tag.gpgSign", "false")
    text = (here.path / ".mlver/config.yaml").read_text()
    here.write(".mlver/config.yaml", text.replace("signed: true", "signed: false"))
    assert here.mlver("tag").code == 0
    here.write(".mlver/config.yaml", text)


def list_there(here: HookedRepository) -> str:
    return here.git("ls-remote", "origin", TAG)


@pytest.mark.parametrize("names", [("main", TAG), (TAG,)])
def test_an_unsigned_seal_is_refused_on_both_sides(
    pushing: HookedRepository, names: tuple[str, ...]
) -> None:
    ask_for_signatures(pushing)
    push_unjudged(pushing)
    add_version(pushing)
    seal_unsigned(pushing)
    for options in (("--dry-run",), ("--no-verify",)):
        done = pushing.attempt_git("push", *options, "origin", *names)
        assert done.code != 0
        assert _UNSIGNED in done.err
        assert f"hint: git tag -d {TAG}" in done.err
    assert list_there(pushing) == ""


def test_a_seal_of_a_record_that_landed_before_passes(pushing: HookedRepository) -> None:
    add_version(pushing)
    ask_for_signatures(pushing)
    push_unjudged(pushing)
    seal_unsigned(pushing)
    pushing.assert_passes("push", "--dry-run", "origin", TAG)
    pushing.assert_passes("push", "--no-verify", "origin", TAG)
    assert TAG in list_there(pushing)


def test_a_seal_passes_where_none_has_to_be_signed(pushing: HookedRepository) -> None:
    ask_for_signatures(pushing, "false")
    push_unjudged(pushing)
    add_version(pushing)
    seal_unsigned(pushing)
    pushing.assert_passes("push", "--no-verify", "origin", "main", TAG)
    assert TAG in list_there(pushing)


def seal_with_block(here: HookedRepository, block: str, *, at: str = TAG) -> str:
    """Let the seal end in what stands for a signature; return the id of the tag object."""
    text = here.git("cat-file", "tag", at).partition("-----BEGIN ")[0].rstrip() + "\n" + block
    (here.path / ".git/forged").write_text(text)
    object_id = here.git("hash-object", "-t", "tag", "-w", "--literally", ".git/forged")
    here.git("update-ref", f"refs/tags/{at}", object_id)
    return object_id


@pytest.fixture
def asking(pushing: HookedRepository) -> HookedRepository:
    """Main asks for signed seals there; version 2.0.0 is here, with an unsigned one."""
    ask_for_signatures(pushing)
    push_unjudged(pushing)
    add_version(pushing)
    seal_unsigned(pushing)
    return pushing


@pytest.mark.parametrize(
    "block",
    [
        write_block("PGP SIGNATURE", ""),
        write_block("SSH SIGNATURE", encode_text(b"anything")),
        write_block("SSH SIGNATURE", encode_text(build_ssh()[:10])),
    ],
    ids=["empty", "other", "cut off"],
)
def test_what_only_looks_like_a_signature_is_refused_on_both_sides(
    asking: HookedRepository, block: str
) -> None:
    seal_with_block(asking, block)
    for options in (("--dry-run",), ("--no-verify",)):
        done = asking.attempt_git("push", *options, "origin", "main", TAG)
        assert done.code != 0
        assert _UNSIGNED in done.err
    assert list_there(asking) == ""


def test_a_signature_that_cannot_be_judged_passes_and_stays(asking: HookedRepository) -> None:
    """The side that is pushed to may have no keys."""
    seal_with_block(asking, write_block("SSH SIGNATURE", encode_text(build_ssh())))
    asking.assert_passes("push", "--no-verify", "origin", "main", TAG)
    there = list_there(asking)
    assert TAG in there
    done = asking.attempt_git("push", "--no-verify", "origin", f":refs/tags/{TAG}")
    assert "would be deleted" in done.err
    assert list_there(asking) == there


@pytest.fixture
def keyed(asking: HookedRepository, tmp_path: Path) -> HookedRepository:
    """The same, its seal signed by an SSH key that neither side knows."""
    use_key(asking, make_key(tmp_path / "key"))
    sign_again(asking)
    return asking


def make_key(key: Path) -> Path:
    require_program("ssh-keygen", "openssh-client")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return key


def use_key(here: HookedRepository, key: Path) -> None:
    """Sign by this key from now on, which git is told of on neither side."""
    allowed = key.with_name("allowed")
    allowed.write_text("")
    for place in (here.path, Path(here.git("remote", "get-url", "origin"))):
        here.git("-C", str(place), "config", "gpg.ssh.allowedSignersFile", str(allowed))
    here.git("config", "gpg.format", "ssh")
    here.git("config", "user.signingKey", str(key))


def sign_again(here: HookedRepository) -> None:
    here.git("config", "tag.gpgSign", "true")
    here.git("tag", "--delete", TAG)
    assert here.mlver("tag").code == 0


def break_signature(here: HookedRepository) -> str:
    text = here.git("cat-file", "tag", TAG)
    begin = text.index("-----BEGIN ")
    here.git("config", "tag.gpgSign", "false")
    changed = text[:begin].replace("\nNew\n", "\nOld\n")
    assert changed != text[:begin]
    (here.path / ".git/forged").write_text(changed + text[begin:] + "\n")
    object_id = here.git("hash-object", "-t", "tag", "-w", "--literally", ".git/forged")
    here.git("update-ref", f"refs/tags/{TAG}", object_id)
    return object_id


def let_there_be(here: HookedRepository) -> None:
    """Put the tag and main there, as if no hook had been in the way."""
    remote = here.git("remote", "get-url", "origin")
    refs = ("+main:main", f"+refs/tags/{TAG}:refs/tags/{TAG}")
    here.git("-C", remote, "fetch", "--quiet", str(here.path), *refs, "--update-head-ok")
    here.git("fetch", "--quiet", "origin")


def test_a_wrong_signature_is_refused_on_both_sides(keyed: HookedRepository) -> None:
    keyed.assert_passes("push", "--dry-run", "origin", "main", TAG)
    break_signature(keyed)
    for options in (("--dry-run",), ("--no-verify",)):
        done = keyed.attempt_git("push", *options, "origin", "main", TAG)
        assert done.code != 0
        assert f"{TAG} is signed, and the signature is not of what it says now" in done.err
    assert list_there(keyed) == ""


@pytest.mark.parametrize(
    ("spoilt", "way"), [("unsigned", "delete"), ("empty", "replace"), ("bad", "delete")]
)
def test_a_seal_that_no_key_makes_good_can_be_removed(
    keyed: HookedRepository, spoilt: str, way: str
) -> None:
    good = keyed.git("rev-parse", TAG)
    if spoilt == "bad":
        break_signature(keyed)
    else:
        seal_with_block(keyed, "" if spoilt == "unsigned" else write_block("PGP SIGNATURE", ""))
    let_there_be(keyed)
    assert good not in list_there(keyed)
    keyed.git("update-ref", f"refs/tags/{TAG}", good)
    if way == "delete":
        keyed.assert_passes("push", "origin", f":refs/tags/{TAG}")
        assert list_there(keyed) == ""
    keyed.assert_passes("push", "--force", "origin", TAG)
    assert good in list_there(keyed)
    # a good one stays
    for words in (("--delete", "origin", TAG), ("--force", "origin", f"main:refs/tags/{TAG}")):
        assert keyed.attempt_git("push", "--no-verify", *words).code != 0
    assert good in list_there(keyed)


def test_a_seal_that_is_worth_nothing_is_replaced_by_a_good_one_only(
    keyed: HookedRepository,
) -> None:
    seal_with_block(keyed, "")
    let_there_be(keyed)
    seal_with_block(keyed, write_block("PGP SIGNATURE", ""))
    for options in ((), ("--no-verify",)):
        done = keyed.attempt_git("push", *options, "--force", "origin", TAG)
        assert _UNSIGNED in done.err
    sign_again(keyed)
    done = keyed.mlver("tag", "--push")
    assert done.code == 1
    assert f"{TAG} is signed here and not at origin" in done.out
    assert f"hint: git push --force origin refs/tags/{TAG}\n" in done.out
    keyed.assert_passes("push", "--force", "origin", f"refs/tags/{TAG}")
    assert keyed.mlver("tag", "--push").code == 0


def test_an_older_unsigned_seal_cannot_be_removed(pushing: HookedRepository) -> None:
    add_version(pushing)
    ask_for_signatures(pushing)
    push_unjudged(pushing)
    seal_unsigned(pushing)
    let_there_be(pushing)
    for options in ((), ("--no-verify",)):
        done = pushing.attempt_git("push", *options, "origin", f":refs/tags/{TAG}")
        assert "would be deleted" in done.err
    assert TAG in list_there(pushing)


def test_no_backdated_side_branch_outlaws_a_seal_of_before(pushing: HookedRepository) -> None:
    begin = pushing.git("rev-parse", "HEAD").strip()
    add_version(pushing)
    seal_unsigned(pushing)
    let_there_be(pushing)
    pushing.git("switch", "--quiet", "-c", "side", begin)
    ask_for_signatures(pushing)
    early = "2020-01-01T00:00:00Z"
    amend = ("commit", "--amend", "--quiet", "--no-verify", "--no-edit", "--date", early)
    assert pushing.attempt_git(*amend, GIT_COMMITTER_DATE=early).code == 0
    pushing.git("switch", "--quiet", "main")
    pushing.git("merge", "--quiet", "--no-edit", "side")
    pushing.assert_passes("push", "origin", "main")
    done = pushing.attempt_git("push", "--no-verify", "origin", f":refs/tags/{TAG}")
    assert "would be deleted" in done.err
    assert TAG in list_there(pushing)
    assert "signature" not in pushing.mlver("verify", "--all").out


@pytest.mark.parametrize("listed", ["key", "other"])
def test_main_says_whose_keys_count(pushing: HookedRepository, tmp_path: Path, listed: str) -> None:
    keys = {name: make_key(tmp_path / name) for name in ("key", "other")}
    public = keys[listed].with_suffix(".pub").read_text()
    pushing.write(".mlver/allowed_signers", f"{pushing.git('config', 'user.email')} {public}")
    pushing.git("add", ".mlver/allowed_signers")
    ask_for_signatures(pushing)
    pushing.git("commit", "--quiet", "--no-verify", "-m", "Sign", "--", ".mlver/allowed_signers")
    push_unjudged(pushing)
    add_version(pushing)
    seal_unsigned(pushing)
    use_key(pushing, keys["key"])
    sign_again(pushing)
    for options in (("--dry-run",), ("--no-verify",)):
        done = pushing.attempt_git("push", *options, "origin", "main", TAG)
        assert (done.code == 0) is (listed == "key"), done.err
        if listed == "other":
            assert f"{TAG} is signed by a key that cannot be judged here" in done.err
    assert (TAG in list_there(pushing)) is (listed == "key")
