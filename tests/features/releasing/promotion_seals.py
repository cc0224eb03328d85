"""What tests of the seals of promotions do and look at."""

from __future__ import annotations

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

FIRST, SECOND, THIRD = (f"digits@production.{sequence}" for sequence in (1, 2, 3))
UNSEALED = "no tag seals this promotion yet"
MISSING = "is missing: a later promotion of the stage is sealed, and this one is not"


def list_seals(repository: Repository) -> list[str]:
    return [name for name in repository.git("tag", "--list").split() if "@v1." not in name]


def promote(repository: Repository, version: str = "1.1.0", stage: str = "production") -> str:
    return assert_works(repository, "promote", f"digits@{version}", "--to", stage, "-m", "Better")


def verify(repository: Repository) -> dict[str, list[str]]:
    """What is broken and what is noted, in words."""
    document = read_document(repository.mlver("verify", "--all", "--json"), "verify")
    words: dict[str, list[str]] = {}
    for key in ("broken", "notes"):
        words[key] = [
            f"{entry['kind']}: {entry['subject']} {entry['message']}" for entry in document[key]
        ]
    return words


def broken(repository: Repository) -> list[str]:
    return verify(repository)["broken"]
