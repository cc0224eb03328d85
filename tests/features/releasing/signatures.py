"""What tests of signed seals do to a repository."""

from __future__ import annotations

from tests.cli.conftest import assert_works
from tests.conftest import Repository


def ask_for_signatures(repository: Repository) -> None:
    with (repository.path / ".mlver/config.yaml").open("a") as file:
        file.write("tags: {signed: true}\n")
    repository.commit("Ask for signatures")


def register_without_key(repository: Repository) -> None:
    repository.git("config", "tag.gpgSign", "false")
    assert_works(repository, "register", "m", "--weights", "w.bin", "-m", "First")
    assert_works(repository, "promote", "m", "--to", "staging", "-m", "Try it")
