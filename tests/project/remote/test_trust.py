"""A remote that a repository names is used after one confirmation, and never before."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mlver.errors import MlverError, UsageError
from mlver.project.project import Project
from mlver.project.remote.configured import choose_remotes, find_remote, list_remotes
from mlver.project.remote.team import open_remotes
from mlver.project.remote.trust import require_trusted
from mlver.project.reporter import SilentReporter
from tests.conftest import Repository

SETTINGS = "schema: mlver/config/1\nremotes:\n"


@dataclass
class Person(SilentReporter):
    """Somebody at a terminal who always gives the same answer."""

    answer: bool
    asked: list[str] = field(default_factory=list)

    def ask_person(self, question: str) -> bool:
        self.asked.append(question)
        return self.answer


def name_remotes(repository: Repository, text: str) -> None:
    repository.write(".mlver/config.yaml", SETTINGS + text)


THREE = """\
  near: {url: /mnt/store}
  far: {url: "s3://models/x", endpoint: "https://minio.example.org", region: eu-central-1}
  third: {url: "s3://other", endpoint: "https://minio.example.org"}
"""


def test_the_first_remote_is_the_default(repository: Repository, project: Project) -> None:
    assert list_remotes(project) == ()
    with pytest.raises(MlverError, match="has no remote that keeps objects") as caught:
        choose_remotes(project)
    assert caught.value.hint == "mlver remote add NAME URL"
    name_remotes(repository, THREE)
    assert [remote.name for remote in list_remotes(project)] == ["near", "far", "third"]
    assert [remote.name for remote in choose_remotes(project)] == ["near"]
    named = choose_remotes(project, ("far", "near", "far"))
    assert [remote.name for remote in named] == ["far", "near"]
    assert named[0].settings.options == {
        "endpoint": "https://minio.example.org",
        "region": "eu-central-1",
    }
    with pytest.raises(UsageError, match="there is no remote `farr`; there are near, far, third"):
        find_remote(project, "farr")


def test_without_a_person_it_is_refused_with_the_command_to_type(
    repository: Repository, project: Project
) -> None:
    name_remotes(repository, THREE)
    with pytest.raises(MlverError, match="nobody on this machine has confirmed") as caught:
        open_remotes(project, ("far",))
    assert caught.value.hint == "mlver remote show far --yes"
    assert "s3+https://minio.example.org" in caught.value.message


def test_a_person_is_asked_once_for_each_place(repository: Repository, project: Project) -> None:
    name_remotes(repository, THREE)
    person = Person(answer=True)
    asking = replace(project, reporter=person)
    remotes = list_remotes(project)
    require_trusted(asking, remotes)
    assert len(person.asked) == 2
    assert "/mnt/store" in person.asked[0]
    require_trusted(asking, remotes)
    assert len(person.asked) == 2
    require_trusted(project, remotes)


def test_a_no_is_a_no_for_all_of_them(
    repository: Repository, project: Project, state_home: Path
) -> None:
    name_remotes(repository, THREE)
    with pytest.raises(MlverError):
        require_trusted(replace(project, reporter=Person(answer=False)), list_remotes(project))
    assert not (state_home / "mlver/trusted-remotes").exists()


def test_what_a_person_said_in_advance_is_not_asked(
    repository: Repository, project: Project
) -> None:
    name_remotes(repository, THREE)
    person = Person(answer=False)
    require_trusted(replace(project, reporter=person), list_remotes(project), confirmed=True)
    assert person.asked == []
    require_trusted(project, list_remotes(project))


@pytest.mark.parametrize(
    "changed",
    [
        'far: {url: "s3://models/x", endpoint: "https://evil.example.org"}',
        'far: {url: "s3://models/x", endpoint: "http://minio.example.org"}',
        'far: {url: "s3://models/x"}',
        "far: {url: /mnt/other}",
        'far: {url: "ssh://minio.example.org/x"}',
    ],
)
def test_a_remote_that_moved_is_confirmed_again(
    repository: Repository, project: Project, changed: str
) -> None:
    name_remotes(repository, THREE)
    require_trusted(project, list_remotes(project), confirmed=True)
    name_remotes(repository, f"  {changed}\n")
    with pytest.raises(MlverError, match="has confirmed"):
        require_trusted(project, list_remotes(project))


def test_a_secret_in_an_address_is_refused_and_not_repeated(
    repository: Repository, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLVER_TRUST_REMOTES", "all")
    name_remotes(repository, '  far: {url: "s3://key:hunter2@models"}\n')
    with pytest.raises(MlverError, match="has a password in it") as caught:
        open_remotes(project)
    assert "AWS_ACCESS_KEY_ID" in caught.value.message
    assert "hunter2" not in caught.value.message + str(caught.value.hints)
    assert list_remotes(project)[0].shown_address == "s3://***@models"


def test_a_trusted_directory_is_opened(
    repository: Repository, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLVER_TRUST_REMOTES", str(tmp_path / "store"))
    (tmp_path / "store").mkdir()
    (tmp_path / "store/.mlver-store").touch()
    name_remotes(repository, f"  near: {{url: {tmp_path}/store}}\n")
    (opened,) = open_remotes(project)
    assert opened.name == "near"
    assert list(opened.blobs.list_blobs("") if opened.blobs else "?") == []
