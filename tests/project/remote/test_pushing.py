"""Push: objects, confirmed, then the branch and its seals, or nothing."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import Repository
from tests.teams import LARGE, Team, add_remote, read_json, write_model

COLLISION = """\
error: somebody pushed to main of origin first, and nothing was sent:
  digits 1.1.0 was registered by Kim <kim@example.org> as well: theirs
hint: git pull --no-rebase origin main
hint: mlver resolve
hint: git merge --continue
hint: git fetch --tags origin
hint: mlver tag
hint: mlver push
"""


def register(repository: Repository, text: str, *options: str) -> None:
    write_model(repository, text)
    done = repository.mlver("register", "digits", "--bump", "minor", "-m", text, *options)
    assert done.code == 0, done.err


def test_objects_go_first_and_then_the_branch_with_its_seals(team: Team) -> None:
    pushed = read_json(team.ann, "push")
    (sent,) = pushed["sent"]
    assert (sent["objects"], sent["present"], sent["confirmed"]) == (3, 0, "read back")
    assert pushed["moved"]
    assert pushed["tags"] == ["digits@v1.0.0"]
    assert pushed["commit"] == team.ann.git("rev-parse", "HEAD")
    there = team.ann.git("ls-remote", "origin")
    assert "refs/heads/main" in there
    assert "refs/tags/digits@v1.0.0" in there
    assert "refs/mlver/code/digits/1.0.0" in there
    folders = {key.split("/")[0] for key in team.list_blobs()}
    assert folders == {"objects", "packs"}
    # The branch follows the one it was pushed to.
    assert team.ann.git("rev-parse", "--abbrev-ref", "main@{upstream}") == "origin/main"


def test_a_large_file_goes_in_parts_with_a_recipe(team: Team) -> None:
    team.ann.write("model/large.bin", bytes(range(256)) * (LARGE // 256 + 1))
    register(team.ann, "large")
    assert team.ann.mlver("push").code == 0
    folders = [key.split("/")[0] for key in team.list_blobs()]
    assert folders.count("recipes") == 1
    assert folders.count("parts") == 2


def test_what_is_there_already_is_not_sent_again(team: Team) -> None:
    assert team.ann.mlver("push").code == 0
    before = team.list_blobs()
    pushed = read_json(team.ann, "push")
    (sent,) = pushed["sent"]
    assert (sent["objects"], sent["present"], sent["confirmed"]) == (0, 3, None)
    assert not pushed["moved"]
    assert pushed["tags"] == []
    assert team.list_blobs() == before
    # Nothing stays pinned.
    assert not list((team.bucket / "pins").iterdir())


def test_git_is_told_where_a_branch_is_that_an_earlier_push_moved(team: Team) -> None:
    """A push that was cut off right after the branch had moved there."""
    assert team.ann.mlver("push").code == 0
    reference = "refs/remotes/origin/main"
    team.ann.git("update-ref", "-d", reference)
    assert team.ann.mlver("push").code == 0
    assert team.ann.git("rev-parse", reference) == team.ann.git("rev-parse", "HEAD")


def test_a_dry_run_changes_nothing(team: Team) -> None:
    pushed = read_json(team.ann, "push", "--dry-run")
    assert pushed["dry_run"]
    assert pushed["sent"][0]["objects"] == 3
    assert pushed["tags"] == ["digits@v1.0.0"]
    assert team.list_blobs() == []
    assert team.ann.git("ls-remote", "origin") == ""


def test_who_comes_second_is_told_what_clashes_and_nothing_is_sent(team: Team) -> None:
    assert team.ann.mlver("push").code == 0
    ben = team.clone("ben")
    register(team.ann, "theirs")
    assert team.ann.mlver("push").code == 0
    assert ben.mlver("pull").code == 0
    register(ben, "ours")
    before = team.list_blobs(), ben.git("ls-remote", "origin")
    refused = ben.mlver("push")
    assert (refused.code, refused.err) == (3, COLLISION)
    assert (team.list_blobs(), ben.git("ls-remote", "origin")) == before


def test_what_the_message_says_settles_a_collision(team: Team) -> None:
    assert team.ann.mlver("push").code == 0
    ben = team.clone("ben")
    register(team.ann, "theirs")
    assert team.ann.mlver("push").code == 0
    register(ben, "ours")
    assert ben.mlver("push").code == 3
    ben.git("fetch", "--quiet", "origin")
    with pytest.raises(pytest.fail.Exception, match="exited"):
        ben.git("merge", "origin/main")
    unfinished = ben.mlver("push")
    assert unfinished.code == 3
    assert "a merge is not finished yet" in unfinished.err
    assert ben.mlver("resolve").code == 0
    ben.git("-c", "core.editor=true", "merge", "--continue")
    ben.git("fetch", "--quiet", "--tags", "origin")
    unsealed = read_json(ben, "push", "--dry-run")["unsealed"]
    assert unsealed == [".mlver/models/digits/versions/1.2.0.yaml"]
    assert ben.mlver("tag").code == 0
    pushed = read_json(ben, "push")
    assert pushed["unsealed"] == []
    assert pushed["tags"] == ["digits@v1.2.0"]
    # No leftover tag blocks anybody.
    team.ann.git("pull", "--quiet", "--no-rebase")
    team.ann.git("fetch", "--tags")
    assert team.ann.mlver("verify", "--all").code == 0


def test_the_code_of_a_number_that_was_given_up_is_no_news(team: Team) -> None:
    """Ben's reference for 1.1.0 still names the code of what is 1.2.0 now."""
    assert team.ann.mlver("push").code == 0
    ben = team.clone("ben")
    register(team.ann, "theirs")
    assert team.ann.mlver("push").code == 0
    ben.write("code.py", "print('ours')\n")
    ben.commit("Other code")
    register(ben, "ours")
    ben.git("fetch", "--quiet", "origin")
    with pytest.raises(pytest.fail.Exception, match="exited"):
        ben.git("merge", "origin/main")
    assert ben.mlver("resolve").code == 0
    ben.git("-c", "core.editor=true", "merge", "--continue")
    ben.git("fetch", "--quiet", "--tags", "origin")
    assert ben.mlver("tag").code == 0
    pushed = ben.mlver("push")
    assert (pushed.code, "refs/mlver/code" in pushed.err) == (0, False), pushed.err
    code = "refs/mlver/code/digits/1.1.0"
    assert ben.git("rev-parse", code) not in ben.git("ls-remote", "origin", code)


def test_a_stage_that_both_moved_is_told(team: Team) -> None:
    assert team.ann.mlver("push").code == 0
    ben = team.clone("ben")
    promote = ("promote", "digits", "--to", "staging", "--force", "-m")
    assert team.ann.mlver(*promote, "theirs").code == 0
    assert team.ann.mlver("push").code == 0
    assert ben.mlver(*promote, "ours").code == 0
    refused = ben.mlver("push")
    assert refused.code == 3
    assert "digits staging was moved to 1.0.0 by Kim <kim@example.org>: theirs" in refused.err


def test_commits_without_a_clash_are_told_as_well(team: Team) -> None:
    assert team.ann.mlver("push").code == 0
    ben = team.clone("ben")
    team.ann.write("notes.txt", "x")
    team.ann.commit()
    assert team.ann.mlver("push").code == 0
    register(ben, "ours")
    refused = ben.mlver("push")
    assert refused.code == 3
    assert "somebody pushed to main of origin first, and nothing was sent;" in refused.err
    ben.git("pull", "--quiet", "--no-rebase", "origin", "main")
    assert ben.mlver("push").code == 0


def test_a_version_whose_bytes_are_gone_is_not_pushed(team: Team) -> None:
    shutil.rmtree(team.ann.path / ".git" / "mlver" / "objects")
    refused = team.ann.mlver("push")
    assert refused.code == 3
    assert "git was told nothing" in refused.err
    assert "digits 1.0.0 weights: 1 of 3 files are neither here nor at store" in refused.err
    assert team.ann.git("ls-remote", "origin") == ""


def test_an_older_version_without_bytes_stops_nobody(team: Team) -> None:
    assert team.ann.mlver("push").code == 0
    ben = team.clone("ben")
    shutil.rmtree(team.bucket / "objects")
    ben.write("other.bin", b"other")
    assert ben.mlver("register", "other", "--weights", "other.bin", "-m", "x").code == 0
    pushed = read_json(ben, "push")
    assert pushed["moved"]
    (lacking,) = pushed["lacking"]
    assert lacking["subject"] == "digits 1.0.0 weights"
    # Whoever has the bytes sends them with the next push.
    team.ann.git("pull", "--quiet", "--no-rebase", "origin", "main")
    assert read_json(team.ann, "push")["sent"][0]["objects"] == 1
    assert ben.mlver("pull", "digits").code == 0


def test_objects_may_go_alone_and_to_other_remotes(team: Team) -> None:
    backup = team.place / "backup"
    backup.mkdir()
    (backup / ".mlver-store").touch()
    add_remote(team.ann, "backup", backup)
    refused = team.ann.mlver("push", "--objects", "--remote", "backup")
    assert refused.code == 3
    assert "nobody on this machine has confirmed" in refused.err
    pushed = read_json(team.ann, "push", "--objects", "--remote", "backup", "--yes")
    assert [sent["remote"] for sent in pushed["sent"]] == ["backup"]
    assert (pushed["git_remote"], pushed["tags"]) == (None, [])
    assert team.list_blobs() == []
    assert team.ann.git("ls-remote", "origin") == ""


def test_without_a_remote_there_is_nowhere_to_send(repository: Repository) -> None:
    assert repository.mlver("init").code == 0
    repository.write("w.bin", b"w")
    assert repository.mlver("register", "m", "--weights", "w.bin", "-m", "x").code == 0
    refused = repository.mlver("push", "--objects")
    assert refused.code == 3
    assert "hint: mlver remote add NAME URL" in refused.err
    assert "git remote add origin URL" in repository.mlver("push").err
