"""`mlver du`: what of a version is here, and what is missing."""

from __future__ import annotations

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

ONE, TWO = "one " * 1000, "two " * 1000


def read_version(repository: Repository, number: str) -> tuple[int, int]:
    """The bytes of a version, and how many of its contents are missing."""
    document = read_document(repository.mlver("du", "--json"), "du")
    (found,) = [version for version in document["versions"] if version["version"] == number]
    return found["bytes"], found["missing"]


def test_the_name_of_a_file_is_no_content(second: Repository) -> None:
    second.write(f"many/{'a' * 64}", ONE)
    second.write(f"many/{'b' * 64}.bin", TWO)
    arguments = ("--weights", "many", "-m", "two", "--version", "9.0.0")
    assert_works(second, "register", "other", *arguments)
    assert read_version(second, "9.0.0") == (len(ONE) + len(TWO), 0)


def test_what_is_not_stored_is_not_missing(second: Repository) -> None:
    second.write("elsewhere/one.bin", ONE)
    second.git("add", "elsewhere")
    second.git("commit", "--quiet", "-m", "Data")
    second.write("weights.bin", TWO)
    assert_works(
        second,
        "register",
        "other",
        *("--weights", "weights.bin", "--data", "train=elsewhere", "--no-store", "train"),
        *("-m", "two", "--version", "9.0.0"),
    )
    assert read_version(second, "9.0.0") == (len(TWO), 0)


def test_what_is_not_here_is_missing(second: Repository) -> None:
    second.write("weights.bin", TWO * 1000)
    assert_works(
        second, "register", "other", "--weights", "weights.bin", "-m", "x", "--version", "9.0.0"
    )
    assert read_version(second, "9.0.0") == (len(TWO) * 1000, 0)
    for path in (second.path / ".git/mlver/objects").rglob("*"):
        if path.is_file():
            path.unlink()
    assert read_version(second, "9.0.0") == (0, 1)
