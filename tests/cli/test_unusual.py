"""Repositories as people have them: with parts left out, many models, odd settings."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.cli.results import read_document
from tests.conftest import Repository


@pytest.fixture
def remote(second: Repository, tmp_path: Path) -> Repository:
    """A bare repository that serves what it is asked for, and `second` with it as origin."""
    second.git("clone", "--quiet", "--bare", ".", str(tmp_path / "remote.git"))
    bare = Repository(tmp_path / "remote.git")
    bare.git("config", "uploadpack.allowFilter", "true")
    second.git("remote", "add", "origin", str(bare.path))
    return bare


def cloned(remote: Repository, *options: str) -> Repository:
    clone = Repository(remote.path.parent / "clone")
    remote.git("clone", "--quiet", *options, f"file://{remote.path}", str(clone.path))
    return clone


# -- clones that leave something out


def test_a_shallow_clone_seals_nothing_it_cannot_judge(remote: Repository) -> None:
    clone = cloned(remote, "--depth", "1")
    done = clone.mlver("tag")
    assert done.code == 1
    assert done.out.count("landed before the history of this shallow clone begins") == 2
    assert "  hint: git fetch --unshallow --tags\n" in done.out
    assert clone.git("tag") == "digits@v1.1.0"  # it came with the commit
    assert "history  " in clone.mlver("doctor").out
    assert "  hint: git fetch --unshallow\n" in clone.mlver("verify", "--all").out
    # what landed since is another matter
    train_model(clone, 3)
    assert_works(clone, "register", "digits", "--bump", "major", "--no-commit", "-m", "Third")
    clone.commit("Third")
    assert clone.mlver("tag").out.startswith("Sealed digits@v2.0.0")
    clone.git("fetch", "--quiet", "--unshallow", "--tags")
    assert assert_works(clone, "tag") == "every record on HEAD is sealed already\n"


def test_one_tag_alone_is_enough_to_read(remote: Repository) -> None:
    clone = cloned(remote, "--depth", "1", "--single-branch", "--branch", "digits@v1.0.0")
    assert "1.0.0" in assert_works(clone, "list")
    assert "  sealed      digits@v1.0.0 on " in assert_works(clone, "show", "digits")
    assert assert_works(clone, "tag") == "every record on HEAD is sealed already\n"


def test_a_partial_clone_is_read_without_fetching(
    remote: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = cloned(remote, "--filter=blob:none")
    assert clone.git("config", "remote.origin.promisor") == "true"
    lacking = clone.git("rev-list", "--objects", "--all", "--missing=print").count("?")
    assert lacking > 0
    remote.path.rename(remote.path.with_name("away.git"))
    for words in (
        ("list",),
        ("show", "digits"),
        ("log",),
        ("diff", "digits@1.0.0", "digits@1.1.0"),
        ("tag",),
    ):
        assert_works(clone, *words)
    assert "digits@v" not in clone.mlver("verify", "--all").out  # both seals hold
    assert clone.git("rev-list", "--objects", "--all", "--missing=print").count("?") == lacking
    assert "this clone is partial" in clone.mlver("doctor").out


def test_a_partial_clone_whose_settings_changed_is_not_damaged(
    remote: Repository, second: Repository
) -> None:
    config = second.path / layout.CONFIG
    for number in range(3):
        config.write_text(f"{config.read_text()}# note {number}\n")
        second.commit(f"Note {number}")
        if number == 1:
            assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Go")
    second.git("push", "--quiet", "--tags", "origin", "main")
    clone = cloned(remote, "--filter=blob:none")
    remote.path.rename(remote.path.with_name("away.git"))
    verified = clone.mlver("verify", "--all")
    assert verified.code == 0, verified.out
    assert "were not judged again in full" in verified.out
    # A range is refused rather than half judged.
    checked = clone.mlver("hook", "check", "--from", "HEAD~3", "--to", "HEAD")
    assert checked.code == 1
    assert "this partial clone lacks something of the history" in checked.out
    remote.path.with_name("away.git").rename(remote.path)
    clone.git("log", "--all", "--patch", "--", ".mlver")
    whole = assert_works(clone, "verify", "--all")
    assert "in full" not in whole
    assert_works(clone, "hook", "check", "--from", "HEAD~3", "--to", "HEAD")


def test_a_clone_without_trees_says_how_to_get_them(remote: Repository) -> None:
    clone = cloned(remote, "--filter=tree:0")
    said = assert_refused(clone, "list")
    assert said.startswith(
        "error: this partial clone lacks something of the history that mlver needs\n"
    )
    hint = re.findall(r"hint: (.+)", said)[0]
    subprocess.run(["sh", "-c", hint], cwd=clone.path, check=True)
    assert "1.1.0" in assert_works(clone, "list")


def test_a_sparse_checkout_that_hides_records_is_refused(remote: Repository) -> None:
    clone = cloned(remote, "--sparse")
    for words in (
        ("list",),
        ("init",),
        ("register", "m", "--weights", "params.yaml", "-m", "x"),
        ("verify",),
    ):
        said = assert_refused(clone, *words)
        assert said.startswith("error: this sparse checkout leaves out .mlver/.gitattributes and ")
        assert said.endswith("hint: git sparse-checkout add .mlver\n")
    clone.git("sparse-checkout", "add", ".mlver")
    assert "1.1.0" in assert_works(clone, "list")
    clone.git(
        "sparse-checkout", "set", "--no-cone", "/*", "!/.mlver/models/digits/versions/1.1.0.yaml"
    )
    assert "leaves out .mlver/models/digits/versions/1.1.0.yaml," in assert_refused(
        clone, "register", "digits", "-m", "x"
    )
    clone.git("sparse-checkout", "disable")
    assert "1.1.0" in assert_works(clone, "list")


def test_a_clone_that_fetches_no_tags_is_told(remote: Repository) -> None:
    clone = cloned(remote, "--no-tags")
    assert "git fetch --tags origin" in clone.mlver("doctor").out
    assert "hint: git fetch --tags\n" in clone.mlver("verify").out


# -- a remote that says no


@pytest.mark.parametrize("how", ["hook", "another tag"])
def test_a_push_that_is_refused_loses_nothing(
    second: Repository, remote: Repository, how: str
) -> None:
    train_model(second, 3)
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Third")
    second.git("push", "--quiet", "origin", "main")
    if how == "hook":
        hook = remote.write(
            "hooks/update", "#!/bin/sh\necho 'GL-HOOK-ERR: tags are protected' >&2\nexit 1\n"
        )
        hook.chmod(0o755)
        said = assert_refused(second, "tag", "--push")
        assert said.startswith(
            "error: git could not push the tags, for origin does not let you; it said:\n"
        )
        assert "GL-HOOK-ERR: tags are protected" in said
        assert "hint: git push origin digits@v1.2.0\n" in said
        hook.unlink()
    else:
        remote.git("config", "receive.denyCreates", "true")
        remote.git("config", "receive.maxInputSize", "1")
        assert "git could not push the tags to origin" in assert_refused(second, "tag", "--push")
        remote.git("config", "--unset", "receive.maxInputSize")
    versions = ["digits@v1.0.0", "digits@v1.1.0", "digits@v1.2.0"]
    assert second.git("tag").split() == ["digits@production.1", *versions]
    assert assert_works(second, "tag", "--push").endswith("pushed 1 tag to origin\n")


# -- repositories in repositories


def test_submodules_are_repositories_of_their_own(second: Repository, tmp_path: Path) -> None:
    outer = Repository(tmp_path / "outer")
    outer.path.mkdir()
    outer.git("init", "--quiet")
    outer.git("submodule", "--quiet", "add", str(second.path), "vendor/digits")
    outer.commit()
    inner = Repository(outer.path / "vendor/digits")
    assert "1.1.0" in assert_works(inner, "list")
    train_model(inner, 3)
    assert_works(
        inner, "register", "digits", "--weights", "model", "--bump", "major", "-m", "Third"
    )
    assert (outer.path / ".git/modules/vendor/digits/mlver").is_dir()
    assert outer.git("status", "--porcelain") == " M vendor/digits"
    outer.commit("Newer")
    assert_works(outer, "init")
    said = assert_refused(
        outer, "register", "m", "--weights", "vendor/digits/model", "-m", "x", code=2
    )
    assert said == (
        "error: vendor/digits/model lies in vendor/digits, which is a repository of its own "
        "(a submodule, perhaps): register it there\n"
        "hint: mlver -C vendor/digits init\n"
    )
    outer.write("w.bin", "w")
    assert_works(outer, "register", "m", "--weights", "w.bin", "-m", "First")
    assert assert_works(outer, "verify", "--all").startswith("All is well")
    outer.git("tag", "v2.0.0", "HEAD~1")
    (
        outer.path / "vendor/digits/.git"
    ).unlink()  # as in a clone that was made without its submodules
    done = outer.mlver("adopt", "n", "--weights", "vendor/digits/model")
    assert "lies in the submodule vendor/digits, which is a repository of its own" in done.out


def test_many_models_and_many_versions_in_one_commit(repository: Repository) -> None:
    models = [f"m{number}" for number in range(5)]
    for model in models:
        repository.write(f"teams/{model}/model/w.bin", model)
    repository.commit()
    assert_works(repository, "init")
    for model in models:
        below = Repository(repository.path / f"teams/{model}")
        assert_works(below, "register", model, "--weights", "model", "--no-commit", "-m", "First")
    below = Repository(repository.path / "teams/m3")
    for number in (1, 2):
        below.write("model/w.bin", f"m3 {number}")
        assert_works(
            below, "register", "m3", "--bump", "minor", "--no-commit", "-m", f"Once more {number}"
        )
    repository.commit("All at once")
    assert assert_works(below, "tag").count("Sealed m") == 7
    assert {
        repository.git("rev-parse", f"{name}^{{commit}}") for name in repository.git("tag").split()
    } == {repository.git("rev-parse", "HEAD")}
    assert assert_works(repository, "verify", "--all").startswith("All is well  7 versions")
    assert "path: teams/m3/model\n" in (repository.path / ".mlver/models/m3/model.yaml").read_text()
    assert assert_works(below, "status", "m3").startswith("m3 1.2.0")
    assert len(read_document(repository.mlver("list", "--json"), "list")["models"]) == 5


# -- git's formats and settings


@pytest.mark.parametrize("setting", ["sha256", "reftable"])
def test_other_formats_of_git(tmp_path: Path, setting: str) -> None:
    made = Repository(tmp_path / "made")
    made.path.mkdir()
    option = "--object-format=sha256" if setting == "sha256" else "--ref-format=reftable"
    if subprocess.run(
        ["git", "init", "--quiet", option], cwd=made.path, capture_output=True, check=False
    ).returncode:
        pytest.skip(f"THIS GIT KNOWS NO {setting}")
    made.write("w.bin", "w")
    assert_works(made, "init")
    assert_works(made, "register", "m", "--weights", "w.bin", "-m", "First")
    assert_works(made, "promote", "m", "--to", "staging", "-m", "x")
    made.commit()
    made.git("tag", "v2.0.0")
    assert_works(made, "adopt", "m")
    made.git("tag", "--delete", "m@v2.0.0")
    assert assert_works(made, "tag").startswith("Sealed m@v2.0.0")
    assert assert_works(made, "verify", "--all").startswith("All is well")


def test_line_ends_are_kept_in_records_and_read_in_values(
    second: Repository, tmp_path: Path
) -> None:
    second.git("clone", "--quiet", "--config", "core.autocrlf=true", ".", str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    assert b"\r" not in (clone.path / ".mlver/config.yaml").read_bytes()
    assert b"\r\n" in (clone.path / "params.yaml").read_bytes()
    train_model(clone, 3, commit=False)
    clone.write("params.yaml", "lr: 0.003\r\nseed: 42\r\n")
    assert_works(clone, "register", "digits", "--bump", "minor", "-m", "Third")
    assert read_document(clone.mlver("show", "--json"), "show")["record"]["params"] == {
        "lr": 0.003,
        "seed": 42,
    }
    assert "digits 1.2.0" not in clone.mlver("verify", "digits@1.2.0").out


@pytest.mark.parametrize("umask", [0o077, 0o000, 0o222])
def test_any_umask_will_do(project: Repository, umask: int) -> None:
    before = os.umask(umask)
    try:
        assert_works(project, "init")
        assert_works(project, "register", "digits", "--weights", "model", "-m", "First")
        assert assert_works(project, "verify", "--all").startswith("All is well")
    finally:
        os.umask(before)


@pytest.mark.parametrize("name", ["a b", "é 模型", "line\nbreak", "-dash", "it's", "x" * 200])
def test_a_repository_may_be_called_anything(tmp_path: Path, name: str) -> None:
    made = Repository(tmp_path / name)
    made.path.mkdir()
    made.git("init", "--quiet")
    folder = "d" * 200
    made.write(f"{folder}/{folder}/w.bin", "w")
    assert_works(made, "init")
    assert_works(made, "register", "m", "--weights", f"{folder}/{folder}", "-m", "First")
    assert assert_works(made, "verify", "--all").startswith("All is well")
    (made.path / folder / folder / "w.bin").unlink()
    assert_works(made, "checkout", "m")
    assert (made.path / folder / folder / "w.bin").read_text() == "w"


def test_a_repository_of_somebody_else_names_the_way(first: Repository) -> None:
    if os.geteuid():
        pytest.skip("ONLY ROOT CAN GIVE A REPOSITORY AWAY")
    os.chown(first.path / ".git", 12345, 12345)
    os.chown(first.path, 12345, 12345)
    said = assert_refused(first, "list")
    assert f"hint: git config --global --add safe.directory {first.path}\n" in said
