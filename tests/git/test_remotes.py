"""Which secret git would push with: actions/checkout, GitLab and credential helpers keep theirs."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from mlver.git import remotes
from mlver.git.repository import GitRepository as Repo
from tests.conftest import Repository

URL = "https://forge.example/team/models.git"


def header(user: str, secret: str) -> str:
    return f"AUTHORIZATION: basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"


def secrets(repository: Repository, url: str = URL) -> set[str]:
    repository.git("remote", "add", "origin", url)
    return set(remotes.push_secrets(Repo.find(repository.path), "origin"))


def test_a_header_in_the_repositorys_settings(repository: Repository) -> None:
    repository.git(
        "config", "http.https://forge.example/.extraheader", header("x-access-token", "ghs:own")
    )
    assert secrets(repository) == {"ghs:own"}


def test_a_header_in_settings_that_are_included_for_this_repository_alone(
    repository: Repository, tmp_path: Path
) -> None:
    included = tmp_path / "git-credentials.config"
    included.write_text(
        f'[http "https://forge.example/"]\n\textraheader = {header("x-access-token", "ghs_own")}\n'
    )
    repository.git("config", f"includeIf.gitdir:{repository.path}/.git.path", str(included))
    assert secrets(repository) == {"ghs_own"}


def test_a_header_for_another_forge_is_none(repository: Repository) -> None:
    repository.git(
        "config", "http.https://other.example/.extraheader", header("x-access-token", "ghs_own")
    )
    assert secrets(repository) == set()


@pytest.mark.parametrize("told", ["AUTHORIZATION: bearer own", "authorization: Bearer own"])
def test_a_bearer(repository: Repository, told: str) -> None:
    repository.git("config", "http.extraHeader", told)
    assert secrets(repository) == {"own"}


def test_a_password_in_the_url(repository: Repository) -> None:
    assert secrets(repository, "https://gitlab-ci-token:o%2Fwn@forge.example/team/models.git") == {
        "o/wn"
    }


def test_a_credential_helper(repository: Repository) -> None:
    repository.git("config", "credential.helper", "!printf 'username=x\\npassword=own\\n' #")
    assert secrets(repository) == {"own"}


@pytest.mark.parametrize(
    "url", ["git@forge.example:team/models.git", "../models.git", "ssh://git@forge.example/models"]
)
def test_a_key_is_no_secret_to_be_told(repository: Repository, url: str) -> None:
    repository.git("config", "http.extraHeader", header("x", "own"))
    assert secrets(repository, url) == set()
