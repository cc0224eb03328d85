"""Unsigned seals are pushed nowhere where the settings ask for signed ones."""

from __future__ import annotations

import pytest

from tests.features.hooks.hooks import HookedRepository

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
