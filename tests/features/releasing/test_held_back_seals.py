"""Seals that `tag --push` and `release` keep here: of what the remote lacks, and of what depends on
a refused record.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clashes import (
    PROMOTION,
    PROMOTION_PATH,
    VERSION,
    Clash,
    attempt_git,
    clash_versions,
    register_version,
)
from tests.cli.conftest import assert_works
from tests.conftest import CHECKOUT, Repository


@pytest.fixture
def clash(first: Repository, tmp_path: Path) -> Clash:
    return clash_versions(first, tmp_path)


def test_the_promotion_of_a_refused_version_is_not_pushed(clash: Clash) -> None:
    """Not even where a branch of the remote has both records."""
    before = clash.list_tags()
    register_version(clash.lee, 2, "patch")
    assert_works(clash.lee, "promote", "digits@1.0.0", "--to", "staging", "-m", "Back")
    for push in ((), ("push", "--quiet", "origin", "main:topic")):
        if push:
            clash.lee.git(*push)
        done = clash.lee.mlver("tag", "--push")
        assert (done.code, done.err) == (1, "")
        assert (
            f"Refused {VERSION} seals another record than origin's tag of this name\n" in done.out
        )
        # Its promotion, the one after that, and the version that was made from it.
        for tag, cause in (
            (PROMOTION, VERSION),
            ("digits@staging.2", PROMOTION),
            ("digits@v1.1.1", VERSION),
        ):
            assert f"Refused {tag} depends on {cause}, which was refused\n" in done.out
        assert done.out.endswith("pushed 0 tags to origin\n")
        assert clash.list_tags() == before


def test_the_seal_of_a_record_that_no_branch_of_the_remote_has_waits(clash: Clash) -> None:
    register_version(clash.kim, 3, "minor")
    done = clash.kim.mlver("tag", "--push")
    assert (done.code, done.err) == (1, "")
    assert done.out == (
        "Refused digits@v1.2.0 seals a record that no branch of origin has yet; push its branch"
        " first\n"
        "  hint: git push origin HEAD\n"
        "  hint: mlver tag --push\n"
        "pushed 0 tags to origin\n"
    )
    assert clash.remote.git("for-each-ref", "refs/mlver/code/digits/1.2.0") == ""
    clash.kim.git("push", "--quiet", "origin", "HEAD:refs/heads/topic")
    # Whatever this clone keeps in mind of the remote's branches.
    clash.kim.git("update-ref", "-d", "refs/remotes/origin/topic")
    assert "pushed 1 tag to origin" in assert_works(clash.kim, "tag", "--push")


def test_a_record_that_a_squash_merge_landed_is_there(clash: Clash) -> None:
    kim = clash.kim
    kim.git("switch", "--quiet", "-c", "topic")
    register_version(kim, 3, "minor")
    kim.git("switch", "--quiet", "main")
    kim.git("merge", "--quiet", "--squash", "topic")
    kim.commit("Squashed (#1)")
    kim.git("push", "--quiet", "origin", "main")
    kim.git("switch", "--quiet", "topic")
    assert "pushed 1 tag to origin" in assert_works(kim, "tag", "--push")


def test_release_keeps_the_promotion_of_a_refused_version(clash: Clash) -> None:
    kim = clash.kim
    clash.remote.git("tag", "-d", VERSION)
    clash.lee.git("push", "--quiet", "--no-verify", "origin", VERSION)
    assert_works(kim, "promote", "digits@1.1.0", "--to", "staging", "-m", "Try")
    kim.git("push", "--quiet", "origin", "main")
    done = kim.mlver("release")
    assert done.code == 1
    assert f"origin's tag {VERSION} seals another record\n" in done.out
    path = ".mlver/models/digits/versions/1.1.0.yaml"
    assert f"Refused {PROMOTION} depends on {path}, which was refused\n" in done.out
    assert PROMOTION not in clash.list_tags()


def test_pre_push_stops_the_seal_of_a_record_that_stays_here(
    clash: Clash, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # where the hook finds mlver
    assert_works(clash.lee, "hook", "install")
    done = attempt_git(clash.lee, "push", "origin", PROMOTION)
    assert done.code != 0
    assert f"{PROMOTION} seals a record that no branch of origin has yet" in done.err
    assert PROMOTION not in clash.list_tags()
    done = attempt_git(clash.lee, "push", "origin", "main:topic", PROMOTION)
    assert done.code == 0, done.err
    assert PROMOTION_PATH in clash.remote.git("ls-tree", "-r", "--name-only", "topic")
