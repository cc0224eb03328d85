"""A tag that a landed record was adopted from stays, wherever it is pushed."""

from __future__ import annotations

import pytest

from tests.features.hooks.hooks import HookedRepository

pytestmark = pytest.mark.usefixtures("warm")

ORIGIN = "refs/tags/cat#prod#1"


@pytest.fixture
def adopting(pushing: HookedRepository) -> HookedRepository:
    """The same with a version and a promotion of `cat` that were adopted, all of it pushed."""
    pushing.write("cat.bin", "weights")
    pushing.commit("Weights")
    for tag in ("v1.0.0", "cat#prod#1"):
        pushing.git("tag", "-a", "-m", "By hand", tag)
    adopted = pushing.mlver("adopt", "cat", "--weights", "cat.bin")
    assert adopted.code == 0, adopted.err
    pushing.assert_passes("push", "origin", "main", "v1.0.0", ORIGIN)
    return pushing


@pytest.mark.parametrize("tag", [ORIGIN, "refs/tags/v1.0.0"])
@pytest.mark.parametrize(("source", "change"), [("", "deleted"), ("main~1^{commit}", "moved")])
def test_the_tag_of_an_adopted_record_stays(
    adopting: HookedRepository, tag: str, source: str, change: str
) -> None:
    there = adopting.git("ls-remote", "origin", tag)
    for options in (("--dry-run",), ("--no-verify",)):
        done = adopting.attempt_git("push", *options, "--force", "origin", f"{source}:{tag}")
        assert done.code != 0
        assert f"was adopted from, and would be {change}: keep it" in done.err
    assert adopting.git("ls-remote", "origin", tag) == there


def test_a_tag_that_no_record_names_is_free(adopting: HookedRepository) -> None:
    """Also one that stands where such a tag was: it confirms nothing any more."""
    remote = adopting.git("remote", "get-url", "origin")
    adopting.git("-C", remote, "update-ref", ORIGIN, "main")
    adopting.assert_passes("push", "origin", f"+{ORIGIN}:{ORIGIN}")
    adopting.git("tag", "-a", "-m", "By hand", "v9.0.0")
    adopting.assert_passes("push", "origin", "v9.0.0")
    adopting.assert_passes("push", "origin", ":refs/tags/v9.0.0")
