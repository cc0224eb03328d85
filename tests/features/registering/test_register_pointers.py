"""Pointers in place of content: never registered, never taken for a change, never promoted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Repository

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "ab" * 32 + "\nsize 5000\n"
DVC = "outs:\n- md5: " + "ef" * 16 + "\n  size: 5000\n  path: m.bin\n"
TOLD = "is a git-lfs pointer to 5 kB that are not here"


@pytest.fixture
def place(repository: Repository) -> Repository:
    repository.write(".gitignore", "model*\ndata*\n")
    repository.commit()
    assert repository.mlver("init").code == 0
    return repository


@pytest.mark.parametrize("file", ["model", "model/a/m.safetensors", "data", "data/m.csv"])
@pytest.mark.parametrize("more", [(), ("--no-store", "weights"), ("--dry-run",)])
def test_a_pointer_is_refused(place: Repository, file: str, more: tuple[str, ...]) -> None:
    for name in ("model", "data"):
        if not file.startswith(name):
            place.write(name, "content")
    place.write(file, LFS)
    told = ("register", "m", "--weights", "model", "--data", "train=data", "-m", "why", *more)
    done = place.mlver(*told)
    assert done.code == 3
    assert f"{file} {TOLD}" in done.err
    assert "hint: git lfs pull" in done.err
    assert place.git("tag") == ""
    # The content has come.
    place.write(file, "content")
    if "--no-store" in more:
        place.git("add", "--force", "model")
        place.git("commit", "--quiet", "--message", "git keeps it")
    assert place.mlver(*told).code == 0


def test_a_file_of_dvc_is_a_pointer_only_where_its_content_is_missing(place: Repository) -> None:
    place.write("model/m.bin.dvc", DVC)
    place.write("model/other", "content")
    told = ("register", "m", "--weights", "model", "-m", "why")
    done = place.mlver(*told)
    assert done.code == 3
    assert "model/m.bin.dvc is a DVC pointer to 5 kB" in done.err
    assert "hint: dvc pull model/m.bin.dvc" in done.err
    place.write("model/m.bin", "content")
    assert place.mlver(*told).code == 0


def test_a_clone_with_pointers_is_told_to_fetch_and_not_to_register(place: Repository) -> None:
    place.write("model/m.safetensors", "content")
    place.write("model/config.json", "{}")
    assert place.mlver("register", "m", "--weights", "model", "-m", "why").code == 0
    place.write("model/m.safetensors", LFS)
    for _ in range(2):
        done = place.mlver("status", "--exit-code")
        assert done.code == 1
        assert "pointer" in done.out
        assert f"model/m.safetensors {TOLD}" in " ".join(done.out.split())
        assert "next: git lfs pull" in done.out
        assert "register" not in done.out
    (model,) = json.loads(place.mlver("status", "--json").out)["models"]
    assert model["bump"] is None
    (artifact,) = model["artifacts"]
    assert (artifact["state"], artifact["fetch"]) == ("pointer", "git lfs pull")
    done = place.mlver("verify", "--all")
    assert done.code == 0
    assert f"model/m.safetensors {TOLD}" in " ".join(done.out.split())
    assert "git lfs pull" in done.out


def test_links_into_a_cache_that_was_emptied_name_the_command(
    place: Repository, tmp_path: Path
) -> None:
    blobs = tmp_path / "hub/models--org--net/blobs"
    (place.path / "model").mkdir()
    (place.path / "model/m.bin").symlink_to(blobs / "0a")
    done = place.mlver("register", "m", "--weights", "model", "-m", "why")
    assert done.code == 3
    assert "hint: hf download org/net" in done.err


@pytest.mark.parametrize("file", ["model", "model/m.safetensors"])
@pytest.mark.parametrize("more", [(), ("--no-store", "weights")])
def test_no_gate_opens_for_a_version_whose_bytes_are_a_pointer(
    place: Repository, monkeypatch: pytest.MonkeyPatch, file: str, more: tuple[str, ...]
) -> None:
    place.write(file, LFS)
    with monkeypatch.context() as patch:
        # As an earlier mlver did.
        patch.setattr("mlver.project.artifacts.measuring.refuse_pointers", lambda *_: None)
        patch.setattr("mlver.project.registering.register.require_holders", lambda *_: None)
        told = ("register", "m", "--weights", "model", "-m", "why", *more)
        assert place.mlver(*told).code == 0
    done = place.mlver("promote", "m@1.0.0", "--to", "production", "-m", "why")
    assert done.code == 1
    assert "git-lfs pointer" in done.out + done.err
