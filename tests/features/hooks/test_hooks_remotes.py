"""What has landed stays, whichever remote it landed on and whatever its main branch is called."""

from __future__ import annotations

from tests.conftest import Repository
from tests.features.hooks.hooks import with_hooks


def claim_twice(repository: Repository) -> str:
    """Claim one number on `topic`, which follows `origin`, and on the main branch of `upstream`."""
    hooked = with_hooks(repository)
    for remote in ("origin", "upstream"):
        hooked.git("config", f"remote.{remote}.url", "nowhere")
    start = hooked.git("rev-parse", "HEAD")
    hooked.git("update-ref", "refs/remotes/origin/main", start)
    hooked.git("switch", "--quiet", "--detach")
    path = hooked.add_unsealed("1.2.0", "Theirs")
    hooked.git("update-ref", "refs/remotes/upstream/trunk", hooked.commit("Theirs"))
    hooked.git("symbolic-ref", "refs/remotes/upstream/HEAD", "refs/remotes/upstream/trunk")
    hooked.git("switch", "--quiet", "-c", "topic", start)
    hooked.git("config", "branch.topic.remote", "origin")
    hooked.add_unsealed("1.2.0", "Ours")
    hooked.commit("Ours")
    assert hooked.attempt_git("merge", "upstream/trunk").code != 0
    return path


def test_a_branch_gives_way_to_what_landed_on_another_remote(second: Repository) -> None:
    claim_twice(second)
    assert second.mlver("resolve", "--rewrite", "ours").code == 0
    result = second.mlver("hook", "check")
    assert result.code == 0, result.out


def test_nor_is_the_record_of_the_branch_lost(second: Repository) -> None:
    path = claim_twice(second)
    second.git("checkout", "--theirs", path)
    second.git("add", path)
    result = second.mlver("hook", "check")
    assert result.code == 1
    assert f"{path} was replaced by the other side's in a merge" in result.out
    assert "hint: mlver resolve" in result.out


def test_what_landed_on_another_remote_stays(second: Repository) -> None:
    path = claim_twice(second)
    second.git("checkout", "--ours", path)
    second.git("add", path)
    result = second.mlver("hook", "check")
    assert result.code == 1
    assert f"{path} was replaced by the other side's in a merge" in result.out
