"""The executable bit: registered with the bytes, and back with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlver.hashing import executable
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

_SERVE = "model/serve"


def _is_executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)


def _write_serve(repository: Repository, text: str, *, mode: int = 0o755) -> Path:
    repository.write(_SERVE, f"#!/bin/sh\necho {text}\n")
    path = repository.path / _SERVE
    path.chmod(mode)
    return path


@pytest.fixture
def served(first: Repository) -> Repository:
    """Versions 1.0.1 and 1.0.2 of `digits`, whose folder has a program."""
    for text in ("one", "two"):
        _write_serve(first, text)
        assert_works(first, "register", "digits", "--bump", "patch", "-m", text)
    return first


def test_a_program_can_be_run_after_checkout_and_rollback(served: Repository) -> None:
    record = (served.path / ".mlver/models/digits/versions/1.0.1.yaml").read_text()
    assert "  executable:\n    - serve\n" in record
    assert_works(served, "checkout", "digits@1.0.1")
    serve = served.path / _SERVE
    assert "echo one" in serve.read_text()
    assert _is_executable(serve)
    assert not _is_executable(served.path / "model/config.json")
    for version in ("1.0.1", "1.0.2"):
        assert_works(served, "promote", f"digits@{version}", "--to", "staging", "-m", "Try")
    assert_works(served, "checkout", "digits@1.0.2")
    assert_works(
        served, "rollback", "digits", "--stage", "staging", "--checkout", "-m", "It was better"
    )
    assert "echo one" in serve.read_text()
    assert _is_executable(serve)


def test_a_program_can_be_run_in_another_folder(served: Repository, tmp_path: Path) -> None:
    assert_works(served, "checkout", "digits@1.0.1", "--to", str(tmp_path / "out"))
    assert _is_executable(tmp_path / "out" / _SERVE)
    assert not _is_executable(tmp_path / "out/model/config.json")


def test_the_bit_comes_back_though_the_bytes_never_went(served: Repository) -> None:
    serve = served.path / _SERVE
    serve.chmod(0o644)
    said = assert_works(served, "status")
    assert "~  serve  not executable now\n" in said
    document = read_document(served.mlver("status", "--json"), "status")
    (weights,) = [a for a in document["models"][0]["artifacts"] if a["name"] == "weights"]
    assert weights["state"] == "changed"
    assert weights["modes"] == [{"path": "serve", "executable": False}]
    assert served.mlver("status", "--exit-code").code == 1
    verified = assert_works(served, "verify")
    assert f"{_SERVE} is not executable, and should be" in verified
    assert f"chmod +x -- {_SERVE}" in verified
    said = assert_works(served, "checkout", "digits@1.0.2")
    assert "1 file written, 3 unchanged" in said
    assert _is_executable(serve)
    assert served.mlver("status", "--exit-code").code == 0
    assert "executable" not in assert_works(served, "verify")


def test_a_version_may_differ_in_the_bit_alone(served: Repository) -> None:
    serve = _write_serve(served, "two", mode=0o644)
    said = assert_works(served, "register", "digits", "--bump", "patch", "-m", "No program")
    assert "unchanged" not in said.splitlines()[1]
    assert (
        "  executable: []\n"
        in (served.path / ".mlver/models/digits/versions/1.0.3.yaml").read_text()
    )
    assert "~  serve  not executable now" in assert_works(served, "diff", "digits@1.0.2", "@1.0.3")
    assert "~  serve  executable now" in assert_works(served, "diff", "digits@1.0.3", "@1.0.2")
    assert_works(served, "checkout", "digits@1.0.2")
    assert _is_executable(serve)
    # of two versions with the same bytes, the work tree holds the one with these modes
    assert "digits 1.0.2  against the work tree" in assert_works(served, "status")
    assert_works(served, "checkout", "digits@1.0.3")
    assert not _is_executable(serve)


def test_modes_are_left_alone_where_a_record_says_nothing(served: Repository) -> None:
    config = served.path / "model/config.json"
    config.chmod(0o755)
    assert_works(served, "checkout", "digits@1.0.0")
    assert _is_executable(config)
    assert "executable" not in assert_works(served, "status")


def test_a_file_alone_keeps_its_bit(repository: Repository) -> None:
    assert_works(repository, "init")
    repository.write("engine", "compiled\n")
    (repository.path / "engine").chmod(0o755)
    repository.commit("Engine")
    assert_works(repository, "register", "m", "--weights", "engine", "-m", "One")
    assert 'executable:\n    - "."' in (
        repository.path / ".mlver/models/m/versions/1.0.0.yaml"
    ).read_text().replace("'", '"')
    (repository.path / "engine").unlink()
    assert_works(repository, "checkout")
    assert _is_executable(repository.path / "engine")


def test_file_systems_without_the_bit_are_not_believed(served: Repository) -> None:
    served.git("config", "core.fileMode", "false")
    serve = served.path / _SERVE
    serve.chmod(0o644)
    assert served.mlver("status", "--exit-code").code == 0
    assert "executable" not in assert_works(served, "verify")
    served.write("model/config.json", "{}\n")
    (served.path / "model/config.json").chmod(0o755)
    assert_works(served, "register", "digits", "--bump", "patch", "-m", "Elsewhere")
    # what the version before said is all that is known
    record = (served.path / ".mlver/models/digits/versions/1.0.3.yaml").read_text()
    assert "  executable:\n    - serve\n" in record
    assert "- config.json" not in record


def test_a_bit_that_every_file_has_is_not_recorded(
    first: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executable, "MOST_EXECUTABLE", 1)
    for path in (first.path / "model").iterdir():
        path.chmod(0o755)
    assert_works(first, "register", "digits", "--bump", "patch", "-m", "From another disk")
    assert "executable" not in (first.path / ".mlver/models/digits/versions/1.0.1.yaml").read_text()


def test_an_adopted_program_has_the_mode_of_gits_tree(repository: Repository) -> None:
    repository.write("weights/model.bin", "weights")
    repository.write("weights/serve", "#!/bin/sh\n")
    (repository.path / "weights/serve").chmod(0o755)
    repository.commit("Weights")
    repository.git("tag", "-a", "m@v1.0.0", "-m", "One")
    assert_works(repository, "init")
    assert_works(repository, "adopt", "m", "--weights", "weights")
    (repository.path / "weights/serve").chmod(0o644)
    assert_works(repository, "checkout", "m@1.0.0")
    assert _is_executable(repository.path / "weights/serve")
    shutil.rmtree(repository.path / "weights")
    assert_works(repository, "checkout", "m@1.0.0")
    assert _is_executable(repository.path / "weights/serve")
    assert not _is_executable(repository.path / "weights/model.bin")


def test_a_failed_rollback_puts_the_bit_back(served: Repository) -> None:
    for version in ("1.0.1", "1.0.2"):
        assert_works(served, "promote", f"digits@{version}", "--to", "staging", "-m", "Try")
    hook = served.path / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert_refused(served, "rollback", "digits", "--stage", "staging", "--checkout", "-m", "Back")
    serve = served.path / _SERVE
    assert "echo two" in serve.read_text()
    assert _is_executable(serve)
