"""What an extra brings: there, not installed, or installed and broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.extras import import_extra


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_what_is_installed_is_imported() -> None:
    assert import_extra("json.decoder", "s3").__name__ == "json.decoder"


def test_what_is_not_installed_comes_with_the_command() -> None:
    with pytest.raises(MlverError, match="`extras_absent`, which is not installed") as caught:
        import_extra("extras_absent.client", "s3")
    assert caught.value.hint == "pip install 'mlver[s3]'"


def test_a_library_that_a_module_of_ours_needs_is_named(modules: Path) -> None:
    (modules / "extras_ours.py").write_text("import extras_absent_library.part\n")
    with pytest.raises(MlverError, match="`extras_absent_library`, which is not") as caught:
        import_extra("extras_ours", "gcs")
    assert caught.value.hint == "pip install 'mlver[gcs]'"


@pytest.mark.parametrize(
    "source",
    [
        "import extras_broken.absent_part",
        "from json import no_such_name",
        "raise OSError('libcloud.so: cannot open shared object file')",
        "raise ImportError('built for another Python')",
        "raise ModuleNotFoundError('something')",
    ],
)
def test_what_is_installed_and_broken_is_told_apart(modules: Path, source: str) -> None:
    (modules / "extras_broken").mkdir()
    (modules / "extras_broken/__init__.py").write_text(source)
    with pytest.raises(MlverError, match="is installed but does not load: ") as caught:
        import_extra("extras_broken", "s3")
    assert caught.value.hint == "pip install --force-reinstall 'mlver[s3]'"


def test_a_missing_module_of_ours_is_a_bug_and_not_an_extra() -> None:
    with pytest.raises(ModuleNotFoundError):
        import_extra("mlver.storage.remote.absent", "s3")
