"""Which number a version gets, and that the same bytes are never kept twice."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.conftest import Repository


def stored(repository: Repository) -> set[str]:
    top = repository.path / ".git/mlver"
    return {
        str(path.relative_to(top))
        for name in ("objects", "packs")
        for path in (top / name).rglob("*")
    }


def test_release_candidates_end_in_a_release_that_stores_nothing_twice(first: Repository) -> None:
    train_model(first, 2)
    assert_works(first, "register", "digits", "--version", "1.1.0-rc.1", "-m", "Candidate")
    kept = stored(first)
    assert "digits 1.1.0-rc.2  after 1.1.0-rc.1" in assert_works(
        *(first, "register", "digits", "--bump", "prerelease", "-m", "Candidate")
    )
    # a candidate is never `latest`
    assert assert_works(first, "show", "digits@latest").startswith("digits 1.0.0")
    said = assert_works(first, "register", "digits", "--bump", "minor", "-m", "Release")
    assert said.startswith("Registered digits 1.1.0  after 1.1.0-rc.2\n")
    assert said.count("  unchanged\n") == 2
    assert stored(first) == kept
    assert assert_works(first, "show", "digits").startswith("digits 1.1.0\n")
    assert assert_works(first, "verify", "--all").startswith("All is well  4 versions")


def test_the_first_version_may_be_a_candidate(project: Repository) -> None:
    assert_works(project, "init")
    said = assert_works(
        project, "register", "m", "--weights", "model", "--bump", "prerelease", "-m", "Try"
    )
    assert said.startswith("Registered m 1.0.0-rc.1\n")
    said = assert_refused(project, "show", "m")
    assert said == (
        "error: m has no release yet, only pre-releases up to 1.0.0-rc.1; name one of them, such "
        "as m@1.0.0-rc.1\n"
        f"hint: mlver -C {project.path} show m@1.0.0-rc.1\n"
    )


def test_below_the_highest_only_when_it_is_meant(second: Repository) -> None:
    words = ("register", "digits", "--version", "1.0.1", "-m", "Fix")
    assert assert_refused(second, *words) == (
        "error: digits 1.0.1 is below 1.1.0, the highest registered, "
        "as only a fix to an older line may be\n"
        f"hint: mlver -C {second.path} register digits -m Fix --version 1.0.1 --allow-lower\n"
    )
    assert assert_works(second, *words, "--allow-lower").startswith(
        "Registered digits 1.0.1  after 1.0.0\n"
    )
    assert assert_works(second, "show", "digits").startswith("digits 1.1.0\n")


def test_a_number_is_never_used_again(second: Repository) -> None:
    said = assert_refused(second, "register", "digits", "--version", "1.1.0", "-m", "Again")
    assert said.startswith(
        "error: digits 1.1.0 is registered already, and a version never changes\n"
        f"hint: mlver -C {second.path} register digits -m Again --bump patch\n"
    )
    # not even once its record is gone: its tag still claims it
    second.git("rm", "--quiet", ".mlver/models/digits/versions/1.1.0.yaml")
    second.commit("Clean up")
    assert "registered already" in assert_refused(
        second, "register", "digits", "--version", "1.1.0", "-m", "Again"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "digits has versions up to 1.1.0; say which number comes next"),
        (("--version", "1.2.0", "--bump", "patch"), "--version and --bump both name the number"),
        (("--version", "1.2"), "`1.2` is not a semantic version"),
        (("--version", "1.2.0+cu121"), "`1.2.0+cu121` has build metadata"),
        (("--bump", "huge"), "'huge' is not one of"),
        (("--bump", "patch", "--update", "half"), "'half' is not one of"),
    ],
)
def test_a_number_that_cannot_be_told_is_a_usage_error(
    second: Repository, words: tuple[str, ...], said: str
) -> None:
    assert said in assert_refused(second, "register", "digits", *words, "-m", "Next", code=2)


def test_the_parent_can_be_told(second: Repository) -> None:
    said = assert_works(
        second,
        "register",
        "digits",
        "--bump",
        "minor",
        "--parent",
        "production",
        "-m",
        "From production",
    )
    assert said.startswith("Registered digits 1.2.0  from 1.0.0\n")
    said = assert_works(
        second, "register", "digits", "--bump", "major", "--parent", "none", "-m", "From scratch"
    )
    assert said.startswith("Registered digits 2.0.0  after 1.2.0\n")
    assert "has no version 9.0.0" in assert_refused(
        *(
            second,
            "register",
            "digits",
            "--bump",
            "patch",
            "--parent",
            "9.0.0",
            "-m",
            "From nothing",
        )
    )
