"""The tags that records are judged by."""

from __future__ import annotations

import pytest

from mlver.git.annotations import TagAnnotation, read_annotations
from mlver.git.repository import GitRepository
from mlver.project.tags import seen_tags
from mlver.project.tags.seen_tags import SeenTags
from tests.conftest import Repository
from tests.project.helpers import initialise_project


def test_a_tag_that_a_fetch_adds_meanwhile_is_passed_over(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = initialise_project(repository)
    repository.git("tag", "first")

    def read_before_fetch(place: GitRepository) -> dict[str, TagAnnotation]:
        annotations = read_annotations(place)
        repository.git("tag", "second")
        return annotations

    monkeypatch.setattr(seen_tags, "read_annotations", read_before_fetch)
    assert set(SeenTags(project).read_all()) == {"first"}
