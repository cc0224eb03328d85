"""Whether a registration says that it repeats the version before."""

from __future__ import annotations

from mlver.project.project import Project
from tests.conftest import Repository
from tests.project.helpers import register_one, write_artifact


def test_a_version_without_a_data_set_repeats_nothing(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", "one")
    write_artifact(repository, "d", {"a": "1"})
    register_one(project, data={"train": "d"})
    assert register_one(project, bump="patch").unchanged
    settings = repository.path / ".mlver/models/m/model.yaml"
    text = settings.read_text()
    settings.write_text(text[: text.index("data:")])
    done = register_one(project, bump="patch")
    assert [artifact.name for artifact in done.artifacts] == ["weights"]
    assert not done.unchanged
