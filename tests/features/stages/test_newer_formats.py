"""Records of a newer format: what looks goes on, what writes beside them refuses."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository

VERSION = ".mlver/models/digits/versions/1.1.0.yaml"
PROMOTION = ".mlver/models/digits/stages/staging/0001.yaml"
REGISTER = ("register", "digits", "--bump", "patch", "-m", "WHY")
PROMOTE = ("promote", "digits@1.0.0", "--to", "staging", "-m", "WHY")
ROLLBACK = ("rollback", "digits", "--stage", "production", "-m", "WHY")
WRITING = [REGISTER, PROMOTE, ROLLBACK]


@pytest.fixture
def served(second: Repository) -> Repository:
    """With 1.1.0 in production after 1.0.0, and in staging."""
    for stage in ("production", "staging"):
        assert_works(second, "promote", "digits@1.1.0", "--to", stage, "-m", "Better")
    return second


def make_newer(repository: Repository, path: str, kind: str) -> str:
    """Make a record one of a newer mlver; return what is to be said of it."""
    text = (repository.path / path).read_text()
    repository.write(path, text.replace(f"mlver/{kind}/2", f"mlver/{kind}/9"))
    repository.git("commit", "--quiet", "--no-verify", "-am", "From a newer mlver")
    return (
        f"error: {path} is not valid:\n"
        f"  line 1: schema: written by a newer mlver (mlver/{kind}/9);"
        f" this one reads mlver/{kind}/2\n"
        "hint: pip install --upgrade mlver\n"
    )


@pytest.mark.parametrize(
    ("path", "kind"), [(VERSION, "version"), (PROMOTION, "promotion")], ids=["version", "promotion"]
)
def test_what_writes_refuses_beside_a_record_of_a_newer_mlver(
    served: Repository, path: str, kind: str
) -> None:
    said = make_newer(served, path, kind)
    before = served.git("rev-parse", "HEAD")
    for words in WRITING:
        assert assert_refused(served, *words) == said
        assert assert_refused(served, *words, "--dry-run") == said
    assert served.git("rev-parse", "HEAD") == before
    assert served.git("status", "--porcelain") == ""


def test_what_looks_goes_on_beside_a_record_of_a_newer_mlver(served: Repository) -> None:
    make_newer(served, VERSION, "version")
    for words in (("list",), ("status",), ("show", "digits@1.0.0"), ("checkout", "digits@1.0.0")):
        assert served.mlver(*words).code == 0, words


def test_a_newer_record_of_another_model_is_in_nobodys_way(served: Repository) -> None:
    assert_works(served, "register", "letters", "--weights", "model", "-m", "WHY")
    make_newer(served, VERSION, "version")
    assert_works(served, "register", "letters", "--bump", "minor", "-m", "WHY")


def test_a_newer_record_below_stops_what_would_follow_it(served: Repository) -> None:
    """The weights that lie here are those of the record that cannot be read."""
    said = make_newer(served, VERSION.replace("1.1.0", "1.0.0"), "version")
    assert_works(served, *REGISTER)
    lower = ("register", "digits", "--version", "1.0.5", "--allow-lower", "-m", "WHY")
    assert assert_refused(served, *lower) == said


def test_register_refuses_where_a_newer_record_names_the_weights_that_lie_here(
    served: Repository,
) -> None:
    """The new version follows that record, whatever else it says."""
    assert_works(served, "checkout", "digits@1.0.0")
    said = make_newer(served, VERSION.replace("1.1.0", "1.0.0"), "version")
    assert assert_refused(served, *REGISTER, "--allow-mixed") == said


def test_adopt_refuses_beside_a_record_of_a_newer_mlver(repository: Repository) -> None:
    repository.write("w.bin", "weights")
    repository.commit()
    repository.git("tag", "m@v1.0.0")
    assert_works(repository, "init")
    repository.commit("Init")
    assert_works(repository, "adopt", "m", "--weights", "w.bin")
    said = make_newer(repository, ".mlver/models/m/versions/1.0.0.yaml", "version")
    repository.git("tag", "m@v1.1.0")
    assert assert_refused(repository, "adopt", "m", "--weights", "w.bin") == said
    assert not (repository.path / ".mlver/models/m/versions/1.1.0.yaml").exists()
