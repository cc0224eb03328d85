"""Releases to a real remote: what they push, how much at once, what they refuse, and who else may
be at it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.cli.results import digest_tree, read_document
from tests.conftest import Repository

RECORD = ".mlver/models/digits/versions/1.1.0.yaml"
LOG = (
    '#!/bin/sh\nwhile read -r old new ref; do printf "%s " "${ref#refs/}"; done >> pushes\n'
    "echo >> pushes\n"
)


@pytest.fixture
def forge(second: Repository, tmp_path: Path) -> Repository:
    """A bare repository that writes down each push; `second` has it as its origin, and has pushed
    main.
    """
    created = Repository(tmp_path / "forge.git")
    second.git("init", "--quiet", "--bare", str(created.path))
    hook(created, "post-receive", LOG)
    second.git("remote", "add", "origin", str(created.path))
    second.git("push", "--quiet", "--set-upstream", "origin", "main")
    (created.path / "pushes").unlink()
    return created


def hook(repository: Repository, name: str, text: str) -> None:
    folder = repository.path / ("hooks" if repository.path.suffix == ".git" else ".git/hooks")
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def pushes(forge: Repository) -> list[list[str]]:
    """The references of each push, oldest first."""
    log = forge.path / "pushes"
    lines = log.read_text().splitlines() if log.exists() else []
    # what keeps code commits starts no pipeline
    return [line.split() for line in lines if "mlver/code/" not in line]


def tags(repository: Repository) -> list[str]:
    return repository.git("tag", "--list").split()


def squash(repository: Repository, branch: str) -> str:
    repository.git("switch", "--quiet", "main")
    repository.git("merge", "--quiet", "--squash", branch)
    return repository.commit(f"Merge {branch} (#7)")


def test_each_tag_is_among_three_at_most_whatever_else_would_follow(
    second: Repository, forge: Repository
) -> None:
    for number in (2, 3, 4):
        assert_works(second, "register", "digits", "--version", f"1.{number}.0", "-m", "Again")
    second.git("config", "push.followTags", "true")
    second.git("push", "--quiet", "--no-follow-tags", "origin", "main")
    assert assert_works(second, "release").startswith(
        "Pushed digits@v1.0.0  to origin\nPushed digits@v1.1.0  to origin\n"
    )
    assert [sorted(push) for push in pushes(forge)[1:]] == [
        [f"tags/digits@v1.{number}.0" for number in (0, 1, 2)],
        ["tags/digits@production.1", *(f"tags/digits@v1.{number}.0" for number in (3, 4))],
    ]
    assert (
        assert_works(second, "release") == "origin has a tag of every record on its main already\n"
    )
    assert len(pushes(forge)) == 3


def test_what_is_not_on_the_main_line_yet_is_refused_and_the_rest_released(
    second: Repository, forge: Repository
) -> None:
    second.git("switch", "--quiet", "-c", "work")
    train_model(second, 3)
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Third")
    finished = second.mlver("release", "--json")
    assert (finished.code, finished.err) == (1, "")
    document = read_document(finished, "release")
    assert (document["branch"], document["tip"]) == ("main", forge.git("rev-parse", "main"))
    assert document["pushed"] == ["digits@v1.0.0", "digits@v1.1.0", "digits@production.1"]
    third = ".mlver/models/digits/versions/1.2.0.yaml"
    assert [(entry["subject"], entry["message"]) for entry in document["refused"]] == [
        (third, "is not on main of origin yet")
    ]
    assert tags(forge) == sorted(document["pushed"])


def test_nothing_is_released_of_a_record_somebody_edited(
    second: Repository, forge: Repository
) -> None:
    (second.path / RECORD).write_text(
        (second.path / RECORD).read_text().replace("author: ", "author: Another ")
    )
    second.commit("Polish")
    second.git("push", "--quiet", "origin", "main")
    finished = second.mlver("release")
    assert (finished.code, finished.err) == (1, "")
    assert (
        f"Refused {RECORD} cannot be released: its tag digits@v1.1.0 seals another record\n"
        in finished.out
    )
    second.git("tag", "--delete", "digits@v1.1.0")
    finished = second.mlver("release")
    assert (finished.code, finished.err) == (1, "")
    assert f"Refused {RECORD} was edited in commit " in finished.out
    assert tags(forge) == ["digits@production.1", "digits@v1.0.0"]


def test_a_record_that_was_edited_after_its_release_is_refused_each_time(
    second: Repository, forge: Repository
) -> None:
    assert_works(second, "release")
    (second.path / RECORD).write_text(
        (second.path / RECORD).read_text().replace("author: ", "author: Another ")
    )
    second.commit("Polish")
    second.git("push", "--quiet", "origin", "main")
    second.git("tag", "--delete", "digits@v1.1.0")
    for _ in range(2):  # the first brings the tag here
        finished = second.mlver("release")
        assert (finished.code, finished.err) == (1, "")
        assert (
            f"Refused {RECORD} is not what was released:"
            " origin's tag digits@v1.1.0 seals another record" in finished.out
        )


def test_a_squashed_branch_gets_its_seal_on_the_main_line(
    second: Repository, forge: Repository
) -> None:
    second.git("switch", "--quiet", "-c", "work")
    train_model(second, 3)
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Third")
    merged = squash(second, "work")
    second.git("push", "--quiet", "origin", "main")
    finished = second.mlver("release")
    assert finished.code == 1
    assert "is sealed on " in finished.out
    assert "hint: git tag -d digits@v1.2.0\n  hint: mlver release" in finished.out
    assert "digits@v1.2.0" not in tags(forge)
    second.git("tag", "--delete", "digits@v1.2.0")
    assert assert_works(second, "release") == (
        f"Sealed digits@v1.2.0  on commit {merged[:10]}\nPushed digits@v1.2.0  to origin\n"
    )
    assert forge.git("rev-parse", "digits@v1.2.0^{commit}") == merged


def test_a_merged_branch_is_sealed_where_it_was_merged(
    second: Repository, forge: Repository
) -> None:
    second.git("switch", "--quiet", "-c", "work")
    train_model(second, 3)
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Third")
    second.git("tag", "--delete", "digits@v1.2.0")
    second.git("switch", "--quiet", "main")
    second.git("merge", "--quiet", "--no-ff", "--no-edit", "work")
    second.git("push", "--quiet", "origin", "main")
    assert_works(second, "release")
    assert forge.git("rev-parse", "digits@v1.2.0^{commit}") == second.git("rev-parse", "HEAD")


def test_only_the_models_named_are_released(second: Repository, forge: Repository) -> None:
    assert_works(
        second,
        "register",
        "other",
        "--weights",
        "params.yaml",
        "--no-store",
        "weights",
        "-m",
        "First",
    )
    second.git("push", "--quiet", "origin", "main")
    assert assert_works(second, "release", "other") == "Pushed other@v1.0.0  to origin\n"
    assert tags(forge) == ["other@v1.0.0"]
    assert "the main line holds no model `nothing`" in assert_refused(second, "release", "nothing")


def test_a_dry_run_changes_nothing_and_fetches_nothing(
    second: Repository, forge: Repository
) -> None:
    second.git("tag", "--delete", "digits@v1.0.0")
    before = digest_tree(second.path), digest_tree(forge.path)
    document = read_document(second.mlver("release", "--dry-run", "--json"), "release")
    assert [entry["tag"] for entry in document["made"]] == ["digits@v1.0.0"]
    assert document["pushed"] == ["digits@v1.0.0", "digits@v1.1.0", "digits@production.1"]
    assert (digest_tree(second.path), digest_tree(forge.path)) == before
    second.git("clone", "--quiet", str(forge.path), "../other")
    other = Repository(second.path.parent / "other")
    other.write("new.txt", "new\n")
    other.commit()
    other.git("push", "--quiet")
    assert (
        "is not here yet, and a dry run fetches nothing\nhint: git fetch origin"
        in assert_refused(second, "release", "--dry-run")
    )
    assert assert_works(second, "release").startswith("Sealed digits@v1.0.0")


def test_history_that_is_not_here_vouches_for_nothing(
    second: Repository, forge: Repository, tmp_path: Path
) -> None:
    second.git("clone", "--quiet", "--depth=1", forge.path.as_uri(), "../clone")
    output = assert_refused(Repository(tmp_path / "clone"), "release")
    assert "hint: git fetch --unshallow origin" in output
    assert tags(forge) == []


# Another releaser, who is faster: the hook runs once this clone has looked and is about to push.
FASTER = (
    "#!/bin/sh\n[ -e ../raced ] && exit 0\n: > ../raced\n"
    "exec git -C ../rival push --quiet origin {refs}\n"
)


@pytest.fixture
def rival(second: Repository, forge: Repository, tmp_path: Path) -> Repository:
    """A clone in which digits 1.0.0 is sealed once more: another tag, of the same record."""
    second.git("clone", "--quiet", str(forge.path), "../rival")
    created = Repository(tmp_path / "rival")
    created.git("config", "user.name", "Lee")
    seal(created, second.git("tag", "--list", "--format=%(contents)", "digits@v1.0.0"))
    hook(second, "pre-push", FASTER.format(refs="refs/tags/digits@v1.0.0"))
    return created


def seal(repository: Repository, message: str) -> None:
    (commit,) = repository.git(
        "log", "--format=%H", "--diff-filter=A", "--", RECORD.replace("1.1", "1.0")
    ).split()
    repository.git("tag", "--force", "--annotate", "--message", message, "digits@v1.0.0", commit)


def test_who_seals_the_same_record_at_the_same_time_is_welcome(
    second: Repository, forge: Repository, rival: Repository
) -> None:
    own_tag = second.git("rev-parse", "digits@v1.0.0")
    finished = second.mlver("release", "--json")
    assert (finished.code, finished.err) == (0, "")
    document = read_document(finished, "release")
    assert document["accepted"] == ["digits@v1.0.0"]
    assert document["pushed"] == ["digits@v1.1.0", "digits@production.1"]
    theirs = rival.git("rev-parse", "digits@v1.0.0")
    assert forge.git("rev-parse", "digits@v1.0.0") == theirs != own_tag
    assert second.git("rev-parse", "digits@v1.0.0") == theirs
    assert (
        assert_works(second, "release") == "origin has a tag of every record on its main already\n"
    )


def test_who_sealed_another_record_is_named_and_the_rest_goes_out(
    second: Repository, forge: Repository, rival: Repository
) -> None:
    seal(rival, f"digits 1.0.0\n\nMine\n\nMlver-Record: sha256:{'0' * 64}")
    finished = second.mlver("release")
    assert (finished.code, finished.err) == (1, "")
    output = (
        "Refused .mlver/models/digits/versions/1.0.0.yaml is not what was released:"
        " origin's tag digits@v1.0.0 "
    )
    assert output in finished.out
    assert "Pushed digits@v1.1.0" in finished.out
    assert forge.git("rev-parse", "digits@v1.0.0") == rival.git("rev-parse", "digits@v1.0.0")


def test_a_tag_that_is_only_there_comes_here_and_is_looked_at(
    second: Repository, forge: Repository, rival: Repository
) -> None:
    rival.git("push", "--quiet", "origin", "refs/tags/digits@v1.0.0")
    second.git("tag", "--delete", "digits@v1.0.0")
    assert assert_works(second, "release").startswith(
        "Pushed digits@v1.1.0  to origin\nPushed digits@production.1  to origin\n"
        "Found digits@v1.0.0  at origin"
    )
    assert second.git("rev-parse", "digits@v1.0.0") == rival.git("rev-parse", "digits@v1.0.0")
    assert (
        assert_works(second, "release") == "origin has a tag of every record on its main already\n"
    )


def test_what_the_other_side_forbids_is_told(second: Repository, forge: Repository) -> None:
    hook(forge, "pre-receive", "#!/bin/sh\necho tags are protected >&2\nexit 1\n")
    output = assert_refused(second, "release")
    assert "git could not push the tags, for origin does not let you; it said:" in output
    assert "tags are protected" in output
    assert "hint: git push origin digits@v1.0.0" in output


def test_a_remote_that_is_none_or_empty_says_what_to_do(second: Repository, tmp_path: Path) -> None:
    assert "hint: git remote add origin URL" in assert_refused(second, "release")
    assert "there is no remote `--upload-pack=x`" in assert_refused(
        second, "release", "--remote=--upload-pack=x", code=2
    )
    second.git("init", "--quiet", "--bare", "../empty.git")
    second.git("remote", "add", "origin", "../empty.git")
    assert "origin does not say which branch is its main one" in assert_refused(second, "release")
