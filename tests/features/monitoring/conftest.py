from __future__ import annotations

import pytest

from tests.cli.conftest import *  # noqa: F403
from tests.conftest import Repository
from tests.features.monitoring.prediction_logs import begin_serving


@pytest.fixture
def serving(second: Repository) -> Repository:
    return begin_serving(second)
