"""Where a repository is, its state, its tags and its blobs, tried with real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.git.history import find_tampering
from mlver.git.process import GitFailed
from mlver.git.repository import GitRepository, HeadState
from tests.conftest import Repository as Ground

SEAL = "sha256:" + "ab" * 32


@pytest.fixture
def found(repository: Ground) -> GitRepository:
    return GitRepository.find(repository.path)


# -- finding it ------------------------------------------------------------------------------------


def test_it_is_found_from_a_subdirectory(repository: Ground) -> None:
    repository.write("a/b/file", "x")
    found = GitRepository.find(repository.path / "a/b")
    assert (found.top, found.git_dir) == (repository.path, repository.path / ".git")
    assert found.common_dir == found.git_dir


def test_a_linked_work_tree_shares_the_common_directory(repository: Ground, tmp_path: Path) -> None:
    repository.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    linked = GitRepository.find(tmp_path / "linked")
    assert linked.top == tmp_path / "linked"
    assert linked.git_dir == repository.path / ".git/worktrees/linked"
    assert linked.common_dir == repository.path / ".git"
    assert linked.head().branch == "side"


def test_a_folder_with_a_newline_in_its_name_is_found(tmp_path: Path) -> None:
    ground = Ground(tmp_path / "two\nlines")
    ground.path.mkdir()
    ground.git("init", "--quiet")
    found = GitRepository.find(ground.path)
    assert (found.top, found.git_dir) == (ground.path, ground.path / ".git")


def test_a_bare_repository_is_refused(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", "bare.git"], cwd=tmp_path, check=True)
    with pytest.raises(MlverError, match="is a bare repository") as refused:
        GitRepository.find(tmp_path / "bare.git")
    assert refused.value.hint == f"git clone {tmp_path / 'bare.git'}"


@pytest.mark.parametrize("inner", [".git", ".git/hooks"])
def test_the_git_directory_of_a_work_tree_is_no_bare_repository(
    repository: Ground, inner: str
) -> None:
    folder = repository.path / inner
    with pytest.raises(MlverError, match=r"is inside \.git, where git keeps its own") as refused:
        GitRepository.find(folder)
    assert refused.value.hint == f"git -C {folder} worktree list"
    assert os.fspath(repository.path) in repository.git("-C", os.fspath(folder), "worktree", "list")


def test_outside_any_repository_the_hint_makes_one(tmp_path: Path) -> None:
    with pytest.raises(MlverError, match="is not in a git repository") as refused:
        GitRepository.find(tmp_path)
    assert refused.value.hint == "git init"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MlverError, match="nowhere is not a directory"):
        GitRepository.find(tmp_path / "nowhere")


# -- where we stand --------------------------------------------------------------------------------


def test_head_before_the_first_commit_on_a_branch_and_detached(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    ground.git("init", "--quiet")
    found = GitRepository.find(ground.path)
    assert found.head() == HeadState(commit=None, branch="main")
    ground.write("file", "x")
    commit = ground.commit()
    ground.git("switch", "--quiet", "-c", "feature/x")
    assert found.head() == HeadState(commit, "feature/x")
    ground.git("switch", "--quiet", "--detach")
    assert found.head() == HeadState(commit, None)


def test_a_head_that_no_file_can_be_called_like_is_left_to_git(repository: Ground) -> None:
    (repository.path / ".git/HEAD").write_bytes(b"ref: refs/heads/other\0junk\n")
    assert GitRepository.find(repository.path).head() == HeadState(None, "other")


def test_a_head_that_no_plain_file_tells_is_left_to_git(repository: Ground) -> None:
    found = GitRepository.find(repository.path)
    commit = repository.git("rev-parse", "HEAD")
    repository.git("pack-refs", "--all")
    assert found.head() == HeadState(commit, "main")
    repository.git("branch", "real")
    repository.git("symbolic-ref", "refs/heads/alias", "refs/heads/real")
    repository.git("symbolic-ref", "HEAD", "refs/heads/alias")
    assert found.head() == HeadState(commit, "real")
    head_file = repository.path / ".git/HEAD"
    head_file.unlink()
    head_file.symlink_to("refs/heads/real")
    assert found.head() == HeadState(commit, "real")


def conflict(ground: Ground) -> str:
    """Two branches that changed one file differently; return the one that `main` conflicts with."""
    ground.git("switch", "--quiet", "-c", "other")
    ground.write("README.md", "theirs\n")
    other = ground.commit("theirs")
    ground.git("switch", "--quiet", "main")
    ground.write("README.md", "ours\n")
    ground.commit("ours")
    return other


UNFINISHED = {
    "merge": (["merge", "other"], "a merge", "git merge --continue"),
    "rebase": (["rebase", "other"], "a rebase", "git rebase --continue"),
    "rebase --apply": (["rebase", "--apply", "other"], "a rebase", "git rebase --continue"),
    "cherry-pick": (["cherry-pick", "other"], "a cherry-pick", "git cherry-pick --continue"),
    "revert": (["revert", "--no-edit", "HEAD~1"], "a revert", "git revert --continue"),
}


@pytest.mark.parametrize(("command", "what", "finish"), UNFINISHED.values(), ids=UNFINISHED)
def test_half_done_work_is_named_with_what_finishes_it(
    repository: Ground, found: GitRepository, command: list[str], what: str, finish: str
) -> None:
    assert found.unfinished() is None
    conflict(repository)
    if command[0] == "revert":
        repository.write("README.md", "ours again\n")
        repository.commit("again")
    done = subprocess.run(["git", *command], cwd=repository.path, capture_output=True, check=False)
    assert done.returncode != 0
    assert found.unfinished() == (what, finish)


def test_patches_half_applied_are_not_taken_for_a_rebase(
    repository: Ground, found: GitRepository
) -> None:
    other = conflict(repository)
    patch = repository.write(
        ".git/patch", repository.git("format-patch", "--stdout", "-1", other) + "\n"
    )
    done = subprocess.run(
        ["git", "am", str(patch)], cwd=repository.path, capture_output=True, check=False
    )
    assert done.returncode != 0
    assert found.unfinished() == ("the applying of patches", "git am --continue")


def test_the_author_is_who_git_would_name(repository: Ground, found: GitRepository) -> None:
    assert found.author() == "Kim <kim@example.org>"
    repository.git("config", "user.name", "Zoë v. d. Berg")
    assert found.author() == "Zoë v. d. Berg <kim@example.org>"


def test_without_an_author_the_hint_sets_one(
    repository: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    repository.git("config", "user.useConfigOnly", "true")
    with pytest.raises(GitFailed, match="could not say who you are") as refused:
        GitRepository.find(repository.path).author()
    assert "git config user.name" in (refused.value.hint or "")


# -- what differs from HEAD ------------------------------------------------------------------------


def test_changes_staged_or_not_and_files_git_does_not_know(
    repository: Ground, found: GitRepository
) -> None:
    for name in ("edited", "staged", "deleted", "old name", "both"):
        repository.write(name, f"{name}\n")
    repository.write(".gitignore", "ignored\n")
    repository.commit()
    assert found.changes() == ([], [])
    repository.write("edited", "new\n")
    repository.write("staged", "new\n")
    repository.write("both", "staged\n")
    repository.git("add", "staged", "both")
    repository.write("both", "and edited\n")
    (repository.path / "deleted").unlink()
    repository.git("mv", "old name", "new name")
    repository.write("folder/unknown", "x")
    repository.write("unknown", "x")
    repository.write("ignored", "x")
    changed, unknown = found.changes()
    assert sorted(changed) == ["both", "deleted", "edited", "new name", "old name", "staged"]
    assert sorted(unknown) == ["folder/", "unknown"]


@pytest.mark.parametrize(
    "name", ["grüße", "two\nlines", ' "quoted" ', "tab\t", "?? x", os.fsdecode(b"\xff")]
)
def test_any_name_comes_back_as_it_is(repository: Ground, found: GitRepository, name: str) -> None:
    repository.write(name, "one")
    assert found.changes() == ([], [name])
    repository.commit()
    repository.write(name, "other")
    assert found.changes() == ([name], [])
    assert found.tracked([name, "README.md", "nowhere"]) == {name, "README.md"}
    commit = found.head().commit
    assert commit
    assert name in found.files_at(commit)
    assert list(found.blobs([f"{commit}:{name}", "HEAD:README.md"])) == [b"one", b"# A project\n"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status.showUntrackedFiles", "no"),
        ("status.relativePaths", "true"),
        ("status.branch", "true"),
    ],
)
def test_a_persons_own_status_settings_hide_nothing(
    repository: Ground, found: GitRepository, key: str, value: str
) -> None:
    repository.git("config", key, value)
    repository.write("unknown", "x")
    repository.write("README.md", "edited\n")
    assert found.changes() == (["README.md"], ["unknown"])


def test_paths_that_cannot_slip_into_a_commit_unseen(
    repository: Ground, found: GitRepository
) -> None:
    repository.write(".gitignore", "*.bin\n")
    repository.write("weights.bin", "x")
    repository.write("data/file", "x")
    assert found.ignored_or_tracked(["weights.bin", "README.md", "data", "*"]) == {
        "weights.bin",
        "README.md",
    }


# -- tags ------------------------------------------------------------------------------------------


def test_an_annotated_tag_tells_what_it_seals(repository: Ground, found: GitRepository) -> None:
    message = f"m 1.0.0\n\nMlver-Record: sha256:{'00' * 32}\n\nMlver-Record: {SEAL}"
    repository.git("tag", "--annotate", "m@v1.0.0", "--message", message)
    tag = found.tags("refs/tags/m@v1.0.0")["m@v1.0.0"]
    assert (tag.annotated, tag.commit, tag.seals) == (True, found.head().commit, SEAL)
    assert tag.object_id == repository.git("rev-parse", "m@v1.0.0")


@pytest.mark.parametrize(
    "line", [f" Mlver-Record: {SEAL}", f"Mlver-Record: {SEAL}0", "Mlver-Record: sha256:AB"]
)
def test_what_only_looks_like_a_seal_is_none(
    repository: Ground, found: GitRepository, line: str
) -> None:
    repository.git("tag", "--annotate", "t", "--cleanup=verbatim", "--message", f"m\n\n{line}")
    assert found.tags()["t"].seals is None


def test_a_lightweight_tag_seals_nothing(repository: Ground, found: GitRepository) -> None:
    repository.write("file", "x")
    repository.git("add", "file")
    repository.git("commit", "--quiet", "--message", f"m\n\nMlver-Record: {SEAL}")
    repository.git("tag", "light")
    tag = found.tags()["light"]
    assert (tag.annotated, tag.commit) == (False, found.head().commit)


def test_tags_of_anything_but_a_commit_have_none(repository: Ground, found: GitRepository) -> None:
    repository.git("tag", "--annotate", "inner", "--message", "inner")
    repository.git("tag", "--annotate", "of-a-tag", "inner", "--message", "outer")
    repository.git("tag", "--annotate", "of-a-tree", "HEAD^{tree}", "--message", "tree")
    repository.git("tag", "light-blob", "HEAD:README.md")
    commits = {name: tag.commit for name, tag in found.tags().items()}
    assert commits == {
        "inner": found.head().commit,
        "of-a-tag": None,
        "of-a-tree": None,
        "light-blob": None,
    }


def test_a_tag_whose_commit_is_not_here_is_still_told(
    repository: Ground, found: GitRepository
) -> None:
    gone = "ab" * 20
    body = f"object {gone}\ntype commit\ntag t\ntagger K <k@e> 0 +0000\n\nmessage\n"
    written = subprocess.run(
        ["git", "hash-object", "-t", "tag", "-w", "--stdin", "--literally"],
        cwd=repository.path,
        input=body.encode(),
        capture_output=True,
        check=True,
    )
    repository.write(".git/refs/tags/t", written.stdout)
    assert found.tags()["t"].commit == gone
    assert list(found.blobs([f"{gone}:README.md"])) == [None]


def test_patterns_choose_tags(repository: Ground, found: GitRepository) -> None:
    for name in ("m@v1.0.0", "m@v1.0.0-rc.1", "mm@v1.0.0", "m@other"):
        repository.git("tag", name)
    assert set(found.tags("refs/tags/m@v*")) == {"m@v1.0.0", "m@v1.0.0-rc.1"}
    assert set(found.tags("refs/tags/m@v1.0.0")) == {"m@v1.0.0"}
    assert found.tags("refs/tags/none") == {}


def test_a_signed_tag_is_read_like_any_other(
    repository: Ground, found: GitRepository, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    try:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    except FileNotFoundError:
        pytest.skip("ssh-keygen is not installed")
    repository.git("config", "gpg.format", "ssh")
    repository.git("config", "user.signingKey", f"{key}.pub")
    repository.git(
        "tag", "--sign", "signed", "--message", f"m 1.0.0\n\nwhy\n\nMlver-Record: {SEAL}"
    )
    tag = found.tags()["signed"]
    assert "BEGIN SSH SIGNATURE" in tag.message
    assert (tag.annotated, tag.commit, tag.seals) == (True, found.head().commit, SEAL)


def test_a_replaced_object_is_read_as_it_was(repository: Ground, found: GitRepository) -> None:
    forged = repository.write(".git/forged", "forged\n")
    blob = repository.git("hash-object", "-w", str(forged))
    repository.git("replace", repository.git("rev-parse", "HEAD:README.md"), blob)
    assert repository.git("show", "HEAD:README.md") == "forged"
    assert list(found.blobs(["HEAD:README.md"])) == [b"# A project\n"]


def test_ids_of_sha256_are_as_good(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    made = subprocess.run(
        ["git", "init", "--quiet", "--object-format=sha256"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("this git knows no SHA-256 repositories")
    ground.write("file", "x")
    first = ground.commit()
    ground.git("tag", "--annotate", "t", "--message", "t")
    ground.write("file", "y")
    second = ground.commit()
    found = GitRepository.find(tmp_path)
    assert len(first) == 64
    assert found.head().commit == second
    assert found.tags()["t"].commit == first
    assert [(t.commit, t.kind) for t in find_tampering(found, "file")] == [(second, "M")]
    assert found.added_by(["file"]) == {"file": first}
    assert list(found.blobs([f"{first}:file"])) == [b"x"]
    assert found.has_commit(first)
    assert not found.has_commit("ab" * 32)
