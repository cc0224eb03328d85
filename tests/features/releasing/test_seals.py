"""Version tags that are missing, moved or of the wrong kind, and the one way to make those that
lack.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mlver.project.edit.edit import PlannedEdit
from mlver.project.project import Project
from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.cli.results import read_document
from tests.conftest import Repository

TAG = "digits@v1.1.0"


def moved(repository: Repository) -> None:
    message = repository.git("tag", "--list", "--format=%(contents)", TAG)
    repository.git(
        "tag", "--force", "--annotate", "--message", message, TAG, "digits@v1.0.0^{commit}"
    )


def deleted(repository: Repository) -> None:
    repository.git("tag", "--delete", TAG)


def lightweight(repository: Repository) -> None:
    repository.git("tag", "--force", TAG, f"{TAG}^{{commit}}")


def silent(repository: Repository) -> None:
    repository.git("tag", "--force", "--annotate", "--message", "Mine", TAG, f"{TAG}^{{commit}}")


BREAKS: dict[Callable[[Repository], None], tuple[str, str]] = {
    moved: ("points at a commit that does not hold the record", f"git show {TAG}"),
    deleted: ("no tag seals this record", "git fetch --tags"),
    lightweight: ("is a lightweight tag, which can seal nothing", f"git tag -d {TAG}"),
    silent: ("does not name the record it seals (no Mlver-Record line)", f"git show {TAG}"),
}


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda function: function.__name__)
def test_a_broken_seal_is_named_and_keeps_stages_shut(
    second: Repository, break_it: Callable[[Repository], None]
) -> None:
    break_it(second)
    output, hint = BREAKS[break_it]
    finished = second.mlver("verify", "digits@1.1.0")
    assert (finished.code, finished.err) == (1, "")
    assert f"{TAG} {output}" in finished.out
    assert f"hint: {hint}" in finished.out
    finished = second.mlver("promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    assert (finished.code, finished.err) == (1, "")
    # no second tag is made beside one that names the record
    proposed = "" if break_it is moved else "hint: mlver tag\n"
    assert finished.out == (
        "Refused: digits 1.1.0 may not have production\n"
        f"  fail  sealed          {output}\n"
        "  pass  verified bytes  every byte checked\n"
        f"{proposed}hint: mlver verify digits@1.1.0\n"
    )
    assert "production: (empty) → 1.0.0" in assert_works(second, "log", "-n", "2")


def test_tag_seals_what_lost_its_seal_on_the_commit_that_added_it(second: Repository) -> None:
    before = second.git("rev-parse", f"{TAG}^{{commit}}")
    message = second.git("tag", "--list", "--format=%(contents)", TAG)
    train_model(second, 3)
    deleted(second)
    assert (
        assert_works(second, "tag", "--dry-run") == f"Would seal {TAG}  on commit {before[:10]}\n"
    )
    assert (
        assert_works(second, "tag")
        == f"Sealed {TAG}  on commit {before[:10]}\nnext: mlver tag --push\n"
    )
    assert second.git("rev-parse", f"{TAG}^{{commit}}") == before
    assert second.git("tag", "--list", "--format=%(contents)", TAG) == message
    assert "holds bytes of no version" in assert_works(second, "verify", "digits@1.1.0")
    assert_works(second, "checkout", "digits@1.1.0", "--force")
    assert assert_works(second, "verify", "digits@1.1.0").startswith("All is well")


def test_a_clone_without_tags_calls_no_version_damaged(second: Repository, tmp_path: Path) -> None:
    second.git("clone", "--quiet", "--no-tags", f"file://{second.path}", str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    verified = read_document(clone.mlver("verify", "--all", "--json"), "verify")
    assert verified["broken"] == []
    message = "no tag here seals 2 of its versions; this clone lacks history or tags"
    assert ("digits", message) in {(note["subject"], note["message"]) for note in verified["notes"]}
    second.git("tag", "--delete", "digits@v1.0.0")
    verified = read_document(second.mlver("verify", "--all", "--json"), "verify")
    assert [entry["kind"] for entry in verified["broken"]] == ["unsealed"]


def test_a_squashed_pull_request_is_sealed_on_main(first: Repository) -> None:
    first.git("switch", "--quiet", "-c", "work")
    train_model(first, 2)
    assert_works(first, "register", "digits", "--bump", "minor", "--no-commit", "-m", "Second")
    first.git("commit", "--quiet", "--message", "Register")
    first.git("switch", "--quiet", "main")
    first.git("merge", "--quiet", "--squash", "work")
    first.git("commit", "--quiet", "--message", "A squashed pull request (#7)")
    assert assert_works(first, "tag").startswith(f"Sealed {TAG}")
    assert first.git("rev-parse", f"{TAG}^{{commit}}") == first.git("rev-parse", "HEAD")
    assert assert_works(first, "verify", "--all").startswith("All is well")


def test_a_squash_after_the_seal_is_named(first: Repository) -> None:
    """The tag of the branch points at a commit main will never hold; that is whole as long as the
    tag keeps it.
    """
    first.git("switch", "--quiet", "-c", "work")
    train_model(first, 2)
    assert_works(first, "register", "digits", "--bump", "minor", "-m", "Second")
    first.git("switch", "--quiet", "main")
    first.git("merge", "--quiet", "--squash", "work")
    first.git("commit", "--quiet", "--message", "A squashed pull request (#7)")
    first.git("branch", "--quiet", "--delete", "--force", "work")
    assert assert_works(first, "tag") == "every record on HEAD is sealed already\n"
    assert assert_works(first, "verify", "--all").startswith("All is well")


def test_push_without_a_remote_says_how_to_get_one(second: Repository) -> None:
    output = assert_refused(second, "tag", "--push")
    assert output == "error: there is no remote to push tags to\nhint: git remote add origin URL\n"


RECORD = ".mlver/models/digits/versions/1.1.0.yaml"
FIRST = ".mlver/models/digits/versions/1.0.0.yaml"


def polish(repository: Repository, path: str) -> str:
    where = repository.path / path
    where.write_text(where.read_text().replace("author: ", "author: Another "))
    return repository.commit("Polish")


def test_what_was_edited_is_not_sealed_anew(second: Repository) -> None:
    deleted(second)
    edited = polish(second, RECORD)
    finished = second.mlver("tag", "--json")
    assert finished.code == 1
    document = read_document(finished, "tag")
    assert (document["ok"], document["made"]) == (False, [])
    output = f"was edited in commit {edited[:10]}, after it had been committed"
    assert [(entry["subject"], entry["message"]) for entry in document["refused"]] == [
        (RECORD, output)
    ]
    assert second.git("tag", "--list") == "digits@production.1\ndigits@v1.0.0"
    shown = second.mlver("tag", "--dry-run")
    assert (shown.code, shown.err) == (1, "")
    assert shown.out.startswith(f"Refused {RECORD} {output}\n  hint: git fetch --tags")


def test_nor_what_is_not_what_was_promoted_though_history_was_made_anew(second: Repository) -> None:
    where = second.path / FIRST
    whole = where.read_text().replace("author: ", "author: Another ")
    second.git("tag", "--delete", "digits@v1.0.0")
    second.git("switch", "--quiet", "--orphan", "anew")
    second.git("checkout", "--quiet", "main", "--", ".")
    where.write_text(whole)
    second.commit("All at once")
    finished = second.mlver("tag")
    assert finished.code == 1
    assert (
        f"Refused {FIRST} is not the record that"
        " .mlver/models/digits/stages/production/0001.yaml promoted" in finished.out
    )


def test_strays_keep_no_record_from_its_seal(second: Repository) -> None:
    deleted(second)
    stray = ".mlver/models/digits/versions/banana.yaml"
    second.write(stray, "a: banana\n")
    second.write(".mlver/models/digits/versions/3.0.0.yaml", "garbage")
    second.commit("Strays")
    finished = second.mlver("tag")
    assert finished.code == 1
    assert finished.out.startswith(f"Sealed {TAG}  on commit ")
    assert "Refused .mlver/models/digits/versions/3.0.0.yaml " in finished.out
    assert f"{stray} is no record's name, and was passed over" in finished.err


def test_a_clone_without_tags_is_told_before_it_makes_others(
    second: Repository, tmp_path: Path
) -> None:
    second.git("clone", "--quiet", "--no-tags", ".", str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    finished = clone.mlver("tag", "--dry-run")
    assert finished.err == (
        "note: no tag of digits is here, for this clone was made without tags; what was sealed"
        " elsewhere gets another tag of the same name; to have those that are there:"
        " git fetch --tags, then mlver tag\n"
    )
    clone.git("config", "--unset", "remote.origin.tagOpt")
    finished = clone.mlver("tag", "--dry-run")
    assert (
        "no tag of digits is here; if they were not fetched: git fetch --tags, then mlver tag"
        in finished.err
    )
    clone.git("config", "remote.origin.tagOpt", "--no-tags")
    finished = clone.mlver("tag", "--push")
    assert finished.code == 1
    assert finished.out.count("was sealed elsewhere: origin has its tag") == 3
    assert clone.git("tag", "--list") == ""
    clone.git("fetch", "--quiet", "--tags")
    assert assert_works(clone, "tag") == "every record on HEAD is sealed already\n"


def test_head_is_read_once_nobody_else_can_move_it(
    second: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the command waits for the lock, another lands a record of its own, without its tag."""
    module = importlib.import_module("mlver.features.releasing.tag")
    locked = module.editing

    def landed(project: Project, what: str) -> AbstractContextManager[PlannedEdit]:
        assert_works(second, "register", "digits", "--bump", "patch", "-m", "Third")
        second.git("tag", "--delete", "digits@v1.1.1")
        edit: AbstractContextManager[PlannedEdit] = locked(project, what)
        return edit

    monkeypatch.setattr(module, "editing", landed)
    result = module.tag_records(Project.open_existing(second.path))
    assert [sealed.tag for sealed in result.made] == ["digits@v1.1.1"]
