from __future__ import annotations

import pytest

from mlver.project.project import Project
from tests.conftest import Repository
from tests.project.helpers import initialise_project


@pytest.fixture
def project(repository: Repository) -> Project:
    """A git repository after `mlver init`."""
    return initialise_project(repository)
