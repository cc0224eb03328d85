"""What mlver writes through git: its own paths and nothing else, and never a tag that moves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlver.git import changes, remotes
from mlver.git.process import GitFailed
from mlver.git.repository import GitRepository
from tests.conftest import Repository as Ground

RECORD = ".mlver/models/m/versions/1.0.0.yaml"


@pytest.fixture
def found(repository: Ground) -> GitRepository:
    return GitRepository.find(repository.path)


def index(ground: Ground) -> tuple[str, str, str]:
    return (
        ground.git("ls-files", "--stage"),
        ground.git("diff", "--cached"),
        ground.git("status", "--porcelain"),
    )


def hook(ground: Ground, name: str, body: str) -> None:
    ground.write(f".git/hooks/{name}", f"#!/bin/sh\n{body}\n").chmod(0o755)


def land(ground: Ground, found: GitRepository) -> str:
    ground.write(RECORD, "record\n")
    changes.stage_paths(found, [RECORD])
    return changes.commit_only(found, [RECORD], "mlver: register m 1.0.0\n\n# not a comment")


def bare(path: Path) -> Ground:
    """Another repository to push to."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return Ground(path)


# -- committing ------------------------------------------------------------------------------------


def test_only_its_own_paths_are_committed_and_the_message_is_kept(
    repository: Ground, found: GitRepository
) -> None:
    commit = land(repository, found)
    assert commit == repository.git("rev-parse", "HEAD")
    assert repository.git("show", "--format=%B", "--name-status", commit) == (
        f"mlver: register m 1.0.0\n\n# not a comment\n\n\nA\t{RECORD}"
    )
    assert repository.git("status", "--porcelain") == ""


def test_what_the_person_has_staged_stays_staged(repository: Ground, found: GitRepository) -> None:
    repository.write("partly.py", "one\ntwo\n")
    repository.write("gone.py", "x\n")
    repository.commit()
    repository.write("partly.py", "ONE\ntwo\n")
    repository.write("new.py", "new\n")
    repository.git("add", "partly.py", "new.py")
    repository.git("rm", "--quiet", "gone.py")
    repository.write("partly.py", "ONE\nTWO\n")
    repository.write("intended.py", "later\n")
    repository.git("add", "--intent-to-add", "intended.py")
    staged, status = repository.git("diff", "--cached"), repository.git("status", "--porcelain")
    commit = land(repository, found)
    assert (repository.git("diff", "--cached"), repository.git("status", "--porcelain")) == (
        staged,
        status,
    )
    assert repository.git("show", "--format=", "--name-only", commit) == RECORD


@pytest.mark.parametrize("name", ["pre-commit", "commit-msg"])
def test_a_hook_that_refuses_is_quoted_and_the_index_can_be_put_back(
    repository: Ground, found: GitRepository, name: str
) -> None:
    hook(repository, name, "echo this will not do >&2; exit 1")
    repository.write("other.py", "x\n")
    repository.git("add", "other.py")
    before, held = index(repository), changes.index_entries(found, [RECORD])
    with pytest.raises(
        GitFailed,
        match="git could not commit the record, so nothing was changed; it said:\n  this",
    ):
        land(repository, found)
    (repository.path / RECORD).unlink()
    changes.restore_index(found, held)
    assert index(repository) == before


def test_the_index_is_put_back_exactly(repository: Ground, found: GitRepository) -> None:
    repository.write("known.yaml", "committed\n")
    repository.commit()
    repository.write("known.yaml", "staged\n")
    repository.write("added.yaml", "staged\n")
    repository.write("grüße\n.yaml", "staged\n")
    repository.git("add", "--all")
    repository.write("run", "x").chmod(0o755)
    repository.git("add", "run")
    paths = ["known.yaml", "added.yaml", "grüße\n.yaml", "run", "absent.yaml"]
    before, held = index(repository), changes.index_entries(found, paths)
    assert [entry.path for entry in held] == paths
    contents = {path: (repository.path / path).read_bytes() for path in paths[:-1]}
    for path in paths:
        repository.write(path, "mlver's\n")
    changes.stage_paths(found, paths)
    assert index(repository) != before
    for path, data in contents.items():
        repository.write(path, data)
    (repository.path / "absent.yaml").unlink()
    changes.restore_index(found, held)
    assert index(repository) == before


def test_records_land_where_gitignore_hides_them(repository: Ground, found: GitRepository) -> None:
    repository.write(".gitignore", ".mlver/\n*.yaml\n")
    repository.commit()
    commit = land(repository, found)
    assert list(found.blobs([f"{commit}:{RECORD}"])) == [b"record\n"]
    assert repository.git("status", "--porcelain") == ""


@pytest.mark.parametrize("cone", ["--cone", "--no-cone"])
def test_records_land_outside_a_sparse_checkout(
    repository: Ground, found: GitRepository, cone: str
) -> None:
    repository.write("src/code.py", "x\n")
    repository.write("other/code.py", "x\n")
    repository.commit()
    repository.git("sparse-checkout", "set", cone, "src")
    assert not (repository.path / "other").exists()
    commit = land(repository, found)
    assert repository.git("show", "--format=", "--name-only", commit) == RECORD
    assert repository.git("status", "--porcelain") == ""


def test_the_first_commit_of_all_can_be_a_record(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    ground.git("init", "--quiet")
    ground.write("staged.py", "x\n")
    ground.git("add", "staged.py")
    commit = land(ground, GitRepository.find(ground.path))
    assert ground.git("ls-tree", "-r", "--name-only", commit) == RECORD
    assert ground.git("status", "--porcelain") == "A  staged.py"


def test_an_attribute_that_converts_line_ends_does_not_touch_records(
    repository: Ground, found: GitRepository
) -> None:
    repository.write(".gitattributes", "* text=auto eol=crlf\n")
    repository.write(".mlver/.gitattributes", "* -text\n")
    repository.commit()
    repository.write(RECORD, b"one\r\ntwo\n")
    changes.stage_paths(found, [RECORD])
    commit = changes.commit_only(found, [RECORD], "m")
    assert list(found.blobs([f"{commit}:{RECORD}"])) == [b"one\r\ntwo\n"]


# -- tags ------------------------------------------------------------------------------------------


def test_a_tag_is_annotated_and_its_message_kept(repository: Ground, found: GitRepository) -> None:
    head = found.head().commit or ""
    changes.create_tag(found, "m@v1.0.0", head, "m 1.0.0\n\n# why\n\nMlver-Record: sha256:0\n")
    tag = found.tags()["m@v1.0.0"]
    assert (tag.annotated, tag.commit) == (True, head)
    assert tag.message == "m 1.0.0\n\n# why\n\nMlver-Record: sha256:0\n"


def test_a_tag_never_moves(repository: Ground, found: GitRepository) -> None:
    first = found.head().commit or ""
    changes.create_tag(found, "m@v1.0.0", first, "m")
    before = found.tags()
    commit = land(repository, found)
    with pytest.raises(GitFailed, match=r"make the tag m@v1\.0\.0") as failed:
        changes.create_tag(found, "m@v1.0.0", commit, "m")
    assert "already exists" in failed.value.output
    assert found.tags() == before


def test_tags_are_pushed_all_or_none(
    repository: Ground, found: GitRepository, tmp_path: Path
) -> None:
    there = bare(tmp_path / "there.git")
    repository.git("remote", "add", "origin", str(there.path))
    head = found.head().commit or ""
    for name in ("a@v1.0.0", "b@v1.0.0"):
        changes.create_tag(found, name, head, "m")
    changes.push_tags(found, "origin", ["b@v1.0.0"])
    assert set(remotes.list_remote_tags(found, "origin")) == {"b@v1.0.0"}
    taken = there.git("rev-parse", "b@v1.0.0")
    repository.git("tag", "--delete", "b@v1.0.0")
    changes.create_tag(found, "b@v1.0.0", head, "another")
    with pytest.raises(GitFailed, match="push the tags to origin") as refused:
        changes.push_tags(found, "origin", ["a@v1.0.0", "b@v1.0.0"])
    assert "the number is taken" in refused.value.message
    assert "hint:" not in refused.value.output  # git's own, for who typed `git push`
    assert refused.value.hint == "git ls-remote --tags -- origin"
    assert set(remotes.list_remote_tags(found, "origin")) == {"b@v1.0.0"}
    assert there.git("rev-parse", "b@v1.0.0") == taken


def test_the_remote_is_the_branchs_own_or_origin_or_the_only_one(
    repository: Ground, found: GitRepository
) -> None:
    assert remotes.default_remote(found) is None
    repository.git("remote", "add", "backup", "/nowhere")
    assert remotes.default_remote(found) == "backup"
    repository.git("remote", "add", "other", "/nowhere")
    assert remotes.default_remote(found) is None
    repository.git("remote", "add", "origin", "/nowhere")
    assert remotes.default_remote(found) == "origin"
    repository.git("config", "branch.main.remote", "other")
    assert remotes.default_remote(found) == "other"
    repository.git("switch", "--quiet", "--detach")
    assert remotes.default_remote(found) == "origin"


def test_a_branch_that_follows_a_local_one_pushes_to_no_branch(
    repository: Ground, found: GitRepository
) -> None:
    repository.git("remote", "add", "origin", "/nowhere")
    repository.git("switch", "--quiet", "--track", "-c", "feature", "main")
    assert repository.git("config", "branch.feature.remote") == "."
    assert remotes.default_remote(found) == "origin"


def test_a_remote_that_names_a_program_runs_none(
    repository: Ground, found: GitRepository, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    repository.git("remote", "add", "origin", f"ext::touch {canary}")
    repository.git("config", "protocol.ext.allow", "always")
    with pytest.raises(GitFailed, match="ask origin for its tags"):
        remotes.list_remote_tags(found, "origin")
    assert not canary.exists()


def test_gits_own_hints_are_left_out_and_those_of_a_hook_are_told(
    repository: Ground, found: GitRepository
) -> None:
    hook(repository, "pre-commit", "")
    (repository.path / ".git/hooks/pre-commit").chmod(0o644)  # of which git has a hint
    hook(repository, "commit-msg", "echo hint: run ./scripts/clean.sh first; echo hint:; exit 1")
    with pytest.raises(GitFailed) as refused:
        land(repository, found)
    assert refused.value.output.splitlines() == ["hint: run ./scripts/clean.sh first", "hint:"]
    assert refused.value.message.endswith("  hint: run ./scripts/clean.sh first\n  hint:")


# -- to the disk -----------------------------------------------------------------------------------


def test_the_directories_of_what_git_wrote_are_synced_and_the_index(
    repository: Ground, found: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = land(repository, found)
    changes.create_tag(found, "m@v1.0.0", commit, "m")
    synced: list[Path] = []
    monkeypatch.setattr("mlver.git.changes._sync", synced.append)
    changes.sync_git(found, ["refs/heads/main", "refs/tags/m@v1.0.0"])
    git = repository.path / ".git"
    for path in ("refs/heads", "refs", "refs/tags", "index", "."):  # the files themselves git syncs
        assert git / path in synced
    assert {git / "objects" / commit[:2], git / "objects"} <= set(synced)


def test_a_message_longer_than_an_argument_may_be_is_passed(
    repository: Ground, found: GitRepository
) -> None:
    repository.write(RECORD, "record\n")
    changes.stage_paths(found, [RECORD])
    lines = [f"m 1.{number}.0 from the tag release-of-m-1.{number}.0 é" for number in range(5_000)]
    body = "\n".join(lines)
    changes.commit_only(found, [RECORD], f"mlver: adopt m\n\n{body}")
    assert repository.git("log", "-1", "--format=%b").strip() == body
    assert len(body.encode()) > 128 << 10


_ODD_SPACES = (
    "\u2028",
    "\u2029",
    "\x85",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1e",
    "\xa0",
    "\r",
    "\t",
    "\r\n",
)


def test_no_character_but_a_line_feed_breaks_the_lines_of_many_tags(
    found: GitRepository, repository: Ground
) -> None:
    head = repository.git("rev-parse", "HEAD")
    messages = ["\n\n one\n\n\n\ntwo \t\n", "one"]
    for space in _ODD_SPACES:
        messages += [f"why{space}Mlver-Record: sha256:0\n", f"why{space}\n", f"{space}\nwhy"]
        messages += [f"why\n{space}\n{space}{space}\nMlver-Record: sha256:1\n\n{space}\n"]
    messages += ["why"] * (64 - len(messages))
    tags = []
    for number, message in enumerate(messages):
        changes.create_tag(found, f"alone{number}", head, message)
        tags.append(changes.NewTag(f"together{number}", head, message))
    assert changes.create_tags_together(found, tags)
    for number, message in enumerate(messages):
        alone = repository.git("cat-file", "tag", f"alone{number}")
        together = repository.git("cat-file", "tag", f"together{number}")
        assert together.replace("together", "alone", 1) == alone, repr(message)


def test_many_tags_are_those_that_git_would_make(found: GitRepository, repository: Ground) -> None:
    head = repository.git("rev-parse", "HEAD")
    message = "\nm 1.0.0  \n\n\n  # why é\n\nMlver-Record: sha256:0\n\n"
    changes.create_tag(found, "m@v1.0.0", head, message)
    alone = repository.git("rev-parse", "refs/tags/m@v1.0.0")
    repository.git("tag", "--delete", "m@v1.0.0")
    tags = [changes.NewTag(f"m@v1.{number}.0", head, message) for number in range(64)]
    assert not changes.create_tags_together(found, tags[:63])
    assert changes.create_tags_together(found, tags)
    assert repository.git("rev-parse", "refs/tags/m@v1.0.0") == alone
    assert len(repository.git("tag").splitlines()) == 64
    repository.git("tag", "--delete", "m@v1.5.0")
    with pytest.raises(GitFailed):
        changes.create_tags_together(found, tags)
    assert len(repository.git("tag").splitlines()) == 63
    repository.git("config", "tag.gpgSign", "true")
    assert not changes.create_tags_together(found, tags)
