"""One teller of stories for all pages that a process tests."""

from __future__ import annotations

import pytest

from tests.docs.stories import StoryTeller


@pytest.fixture(scope="session")
def teller(tmp_path_factory: pytest.TempPathFactory) -> StoryTeller:
    return StoryTeller(tmp_path_factory.mktemp("stories"))
