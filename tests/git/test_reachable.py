"""All references of another repository: what git is never asked to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.git import reachable
from mlver.git.repository import GitRepository
from tests.conftest import Repository


@pytest.mark.parametrize(
    "address",
    [
        "",
        ".",
        "--upload-pack=x",
        "ext::x",
        "gopher://x/y",
        "https://[x",
        "https://example.org/a\nb",
        "https://example.org/a\x1b[31m",
    ],
)
def test_an_odd_address_never_reaches_git(
    repository: Repository, tmp_path: Path, address: str
) -> None:
    found = GitRepository.find(repository.path)
    with (
        reachable.opened_beside(found, tmp_path / "beside") as beside,
        pytest.raises(MlverError, match="is no address that git reads") as refused,
    ):
        reachable.fetch_everything(beside, address, 0)
    assert refused.value.message.isprintable()
