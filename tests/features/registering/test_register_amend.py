"""`register --amend`: the version of HEAD's own commit is replaced while nobody else has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import mlver
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

AMEND = ("register", "digits", "--amend")
_INSTEAD = " register digits -m x --bump patch\n"


def read_record(repository: Repository, ref: str = "digits@1.0.0") -> dict[str, object]:
    record: dict[str, object] = read_document(repository.mlver("show", ref, "--json"), "show")[
        "record"
    ]
    return record


def list_state(repository: Repository) -> tuple[str, ...]:
    listed = repository.git("ls-files", "--stage")
    return repository.git("for-each-ref"), repository.git("status", "--porcelain"), listed


def test_the_record_the_commit_and_the_seal_are_replaced(first: Repository) -> None:
    before = read_record(first)
    commits = int(first.git("rev-list", "--count", "HEAD"))
    old_commit = first.git("rev-parse", "HEAD").strip()
    shown = assert_works(first, *AMEND, "-m", "Said better", "--label", "team=vision")
    assert shown.startswith("Amended digits 1.0.0\n")
    after = read_record(first)
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed - {"created"} == {"message", "labels"}
    assert after["message"] == "Said better"
    assert int(first.git("rev-list", "--count", "HEAD")) == commits
    new_commit = first.git("rev-parse", "HEAD").strip()
    assert new_commit != old_commit
    assert first.git("rev-parse", "digits@v1.0.0^{commit}").strip() == new_commit
    assert first.git("log", "-1", "--format=%B") == "mlver: register digits 1.0.0\n\nSaid better\n"
    assert first.git("status", "--porcelain", ".mlver") == ""
    assert "All is well" in assert_works(first, "verify", "--all")


def test_only_what_is_named_is_measured_again(first: Repository) -> None:
    before = read_record(first)
    manifests = set((first.path / ".mlver/manifests").iterdir())
    first.write("model/config.json", '{"width": 64}\n')
    first.write("data/train.csv", "a,b\n9,9\n")
    assert_works(first, *AMEND, "-m", "Said better")
    assert read_record(first)["weights"] == before["weights"]
    done = read_document(first.mlver(*AMEND, "--weights", "model", "--json"), "register")
    assert done["amended"] != done["record"]
    after = read_record(first)
    assert after["weights"] != before["weights"]
    assert after["data"] == before["data"]
    assert after["message"] == "Said better"
    left = set((first.path / ".mlver/manifests").iterdir())
    assert len(left) == len(manifests)
    assert left != manifests
    assert "All is well" in assert_works(first, "verify", "--all")
    assert_works(first, "checkout", "digits@1.0.0", "--force")


def test_values_go_on_top_of_those_that_the_record_has(first: Repository) -> None:
    before = read_record(first)
    assert isinstance(before["metrics"], dict)
    assert_works(first, *AMEND, "--metric", "accuracy=0.5", "--param", "extra.one=1")
    after = read_record(first)
    assert after["metrics"] == {**before["metrics"], "accuracy": 0.5}
    assert isinstance(after["params"], dict)
    assert after["params"]["extra"] == {"one": 1}
    first.write("metrics.json", '{"auc": 0.75}')
    assert_works(first, *AMEND, "--metrics", "metrics.json")
    assert read_record(first)["metrics"] == {"auc": 0.75}
    assert read_record(first)["params"] == after["params"]


def test_model_yaml_goes_with_it(first: Repository) -> None:
    assert_works(first, *AMEND, "--owner", "Kim", "--license", "weights=MIT", "--command", "make")
    after = read_record(first)
    assert isinstance(after["weights"], dict)
    assert after["weights"]["license"] == "MIT"
    assert isinstance(after["environment"], dict)
    assert after["environment"]["command"] == "make"
    assert "owner: Kim" in first.git("show", "HEAD:.mlver/models/digits/model.yaml")
    assert first.git("status", "--porcelain", ".mlver") == ""


def test_a_dry_run_changes_nothing(first: Repository) -> None:
    before = list_state(first)
    shown = assert_works(first, *AMEND, "-m", "Said better", "--dry-run")
    assert shown.startswith("Would amend digits 1.0.0\n")
    assert list_state(first) == before


def test_a_record_without_a_seal_gets_one(first: Repository) -> None:
    first.git("tag", "--delete", "digits@v1.0.0")
    assert_works(first, *AMEND, "-m", "Said better")
    assert "digits@v1.0.0" in first.git("tag")


def test_it_works_from_python(first: Repository) -> None:
    result = mlver.register("digits", message="", amend=True, labels={"a": "b"}, path=first.path)
    assert result.amended is not None
    assert read_record(first)["labels"] == {"a": "b"}
    with pytest.raises(mlver.MlverError, match="nothing to amend"):
        mlver.register("digits", message="", amend=True, path=first.path)


# -- refused, with everything as it was ------------------------------------------------------------


def make_branch(repository: Repository) -> None:
    repository.git("branch", "other")


def make_tag(repository: Repository) -> None:
    repository.git("tag", "mine")


def push(repository: Repository) -> None:
    remote = repository.path.parent / "remote.git"
    repository.git("init", "--bare", "--quiet", str(remote))
    repository.git("remote", "add", "origin", str(remote))
    repository.git("push", "--quiet", "--no-verify", "origin", "HEAD")


def add_worktree(repository: Repository) -> None:
    place = repository.path.parent / "other tree"
    repository.git("worktree", "add", "--quiet", "--detach", str(place))


def go_on_in_worktree(repository: Repository) -> None:
    add_worktree(repository)
    place = str(repository.path.parent / "other tree")
    words = ("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "Next")
    repository.git("-C", place, *words)


def keep_in_worktree(repository: Repository) -> None:
    go_on_in_worktree(repository)
    place = str(repository.path.parent / "other tree")
    repository.git("-C", place, "update-ref", "refs/worktree/mine", "HEAD")
    repository.git("-C", place, "checkout", "--quiet", "--detach", "HEAD~2")


HOLDERS: dict[str, tuple[Callable[[Repository], None], str]] = {
    "a branch": (make_branch, "  refs/heads/other\n"),
    "a tag": (make_tag, "  refs/tags/mine\n"),
    "a remote": (push, "  refs/remotes/origin/"),
    "a work tree": (add_worktree, "  the work tree "),
    "a work tree that went on": (go_on_in_worktree, "  the work tree "),
    "a reference of a work tree": (keep_in_worktree, "  refs/worktree/mine of another work tree ("),
}


@pytest.mark.parametrize(("give", "named"), HOLDERS.values(), ids=HOLDERS)
def test_a_version_that_others_have_stays(
    first: Repository, give: Callable[[Repository], None], named: str
) -> None:
    give(first)
    before = list_state(first)
    said = assert_refused(first, *AMEND, "-m", "x")
    assert said.startswith("error: others have digits 1.0.0, too, in commit ")
    assert named in said
    assert said.endswith(_INSTEAD)
    assert list_state(first) == before


def test_a_reference_of_the_first_work_tree_counts_in_another_one(first: Repository) -> None:
    first.git("update-ref", "refs/worktree/mine", "HEAD")
    first.git("checkout", "--quiet", "--detach", "HEAD~1")
    place = first.path.parent / "other tree"
    first.git("worktree", "add", "--quiet", str(place), "main")
    said = assert_refused(replace(first, path=place), *AMEND, "-m", "x")
    assert "  refs/worktree/mine of another work tree (" in said


def commit_more(repository: Repository) -> None:
    repository.write("train.py", "pass\n")
    repository.commit()


def promote(repository: Repository) -> None:
    assert_works(repository, "promote", "digits@1.0.0", "--to", "staging", "-m", "Good")


def merge(repository: Repository) -> None:
    repository.git("switch", "--quiet", "-c", "side", "HEAD~1")
    repository.write("side.py", "pass\n")
    repository.commit()
    repository.git("merge", "--quiet", "--no-edit", "main")


def commit_together(repository: Repository) -> None:
    repository.write("train.py", "pass\n")
    repository.git("add", "train.py")
    repository.git("commit", "--quiet", "--no-verify", "--amend", "--no-edit")
    repository.git("tag", "--delete", "digits@v1.0.0")


@pytest.mark.parametrize(
    ("go_on", "reason"),
    [
        (commit_more, "registered no version of digits"),
        (promote, "registered no version of digits"),
        (merge, "HEAD is no commit that registered a version"),
        (commit_together, "holds other things as well:\n  train.py\n"),
    ],
)
def test_only_head_s_own_commit_is_replaced(
    first: Repository, go_on: Callable[[Repository], None], reason: str
) -> None:
    go_on(first)
    before = list_state(first)
    said = assert_refused(first, *AMEND, "-m", "x")
    assert reason in said
    assert said.endswith(_INSTEAD)
    assert list_state(first) == before


def stage_code(repository: Repository) -> None:
    repository.write("train.py", "pass\n")
    repository.git("add", "train.py")


def stage_next(repository: Repository) -> None:
    repository.write("model/config.json", "{}")
    words = ("register", "digits", "--bump", "patch", "-m", "Next", "--no-commit")
    assert_works(repository, *words)


def unstage_next(repository: Repository) -> None:
    stage_next(repository)
    repository.git("reset", "--quiet")


def edit_record(repository: Repository) -> None:
    path = ".mlver/models/digits/versions/1.0.0.yaml"
    text = (repository.path / path).read_text()
    (repository.path / path).write_text(text + "\n")


def move_seal(repository: Repository) -> None:
    repository.git("tag", "--force", "-a", "-m", "Mine", "digits@v1.0.0")


@pytest.mark.parametrize(
    ("disturb", "reason"),
    [
        (stage_code, "are staged, and an amended version takes nothing else"),
        (stage_next, "are staged, and an amended version takes nothing else"),
        (unstage_next, "these records are not committed, and may point to the version"),
        (edit_record, "versions/1.0.0.yaml is not as it was committed"),
        (move_seal, "the tag digits@v1.0.0 does not seal the record in HEAD's commit"),
    ],
)
def test_other_work_stays_out_of_it(
    first: Repository, disturb: Callable[[Repository], None], reason: str
) -> None:
    disturb(first)
    before = list_state(first)
    assert reason in assert_refused(first, *AMEND, "-m", "x")
    assert list_state(first) == before


@pytest.mark.parametrize(
    "option",
    ["--version=2.0.0", "--bump=minor", "--parent=none", "--update=hybrid", "--no-commit"],
)
def test_the_number_and_the_origin_stay(first: Repository, option: str) -> None:
    said = assert_refused(first, *AMEND, "-m", "x", option, code=2)
    assert f"so {option.partition('=')[0]} has no place beside it" in said


def test_nothing_to_amend_is_said(first: Repository) -> None:
    said = assert_refused(first, *AMEND)
    assert said == (
        "error: there is nothing to amend: say what is to change, such as the message\n"
        "hint: mlver register digits --amend -m WHY\n"
    )


def test_a_hook_that_refuses_leaves_all_as_it_was(first: Repository) -> None:
    hook: Path = first.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    before = list_state(first)
    assert_refused(first, *AMEND, "-m", "x")
    assert list_state(first) == before
    assert "All is well" in assert_works(first, "verify", "--all")


def write_hook(repository: Repository, name: str, body: str) -> Path:
    hook: Path = repository.path / ".git/hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{body}\n")
    hook.chmod(0o755)
    return hook


def refuse_signing(repository: Repository) -> None:
    repository.git("config", "tag.gpgSign", "true")
    repository.git("config", "gpg.program", "/bin/false")


def refuse_tags(repository: Repository) -> None:
    write_hook(repository, "reference-transaction", "! grep -q refs/tags/")


@pytest.mark.parametrize("refuse", [refuse_signing, refuse_tags])
def test_a_seal_that_git_refuses_leaves_all_as_it_was(
    first: Repository, refuse: Callable[[Repository], None]
) -> None:
    before = list_state(first)
    head = first.git("rev-parse", "HEAD")
    refuse(first)
    said = assert_refused(first, *AMEND, "-m", "x", "--owner", "Kim", "--label", "a=b")
    assert "so the former commit and its tag are in place again\n" in said
    assert "mlver tag" not in said
    assert first.git("rev-parse", "HEAD") == head
    assert list_state(first) == before
    assert "All is well" in assert_works(first, "verify", "--all")


def test_a_seal_is_given_up_where_the_branch_went_on(first: Repository) -> None:
    # the commit cannot be taken back: another one follows it at once
    more = "git -c core.hooksPath=/dev/null commit --quiet --allow-empty -m more"
    hook = write_hook(first, "post-commit", more)
    refuse_signing(first)
    said = assert_refused(first, *AMEND, "-m", "x")
    assert "is committed, but git refused its tag; make it with: mlver tag\n" in said
    hook.unlink()
    first.git("config", "--unset", "tag.gpgSign")
    assert_works(first, "tag")
    assert "All is well" in assert_works(first, "verify", "--all")


def test_a_tag_that_somebody_moves_meanwhile_is_not_replaced(first: Repository) -> None:
    write_hook(first, "post-commit", "git tag --force -a -m Mine digits@v1.0.0 HEAD")
    said = assert_refused(first, *AMEND, "-m", "x")
    assert "git could not find the old tags as they were" in said
    assert first.git("tag", "--list", "--format=%(contents:subject)", "digits@v1.0.0") == "Mine"


def test_a_hook_that_changes_the_record_can_be_undone_as_the_hint_says(first: Repository) -> None:
    path = ".mlver/models/digits/versions/1.0.0.yaml"
    references = first.git("for-each-ref")
    hook = write_hook(first, "pre-commit", f"echo '# tidied' >>{path}\ngit add {path}")
    said = assert_refused(first, *AMEND, "-m", "x")
    hook.unlink()
    hint = said.rpartition("hint: git ")[2].split()
    first.git(*hint)
    assert first.git("for-each-ref") == references
    # what the hook wrote is left for the person to look at
    first.git("checkout", "HEAD", "--", path)
    assert "All is well" in assert_works(first, "verify", "--all")


def test_mlver_s_own_hooks_let_it_pass_and_nothing_else(first: Repository) -> None:
    assert_works(first, "hook", "install")
    assert_works(first, *AMEND, "-m", "Said better")
    assert "All is well" in assert_works(first, "verify", "--all")
    path = first.path / ".mlver/models/digits/versions/1.0.0.yaml"
    path.write_text(path.read_text().replace("Said better", "Said by hand"))
    first.git("add", ".mlver")
    with pytest.raises(pytest.fail.Exception, match="mlver refuses this commit"):
        first.git("commit", "--quiet", "--amend", "--no-edit")
