"""Versions from a deployed folder: what its link leads to, proven, and nothing else."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from mlver.errors import MlverError, UsageError
from mlver.project.loading.deployed_folder import DeployedFolder
from tests.project.loading.deployments import point_link, write_version

FILES = {"models/net.onnx": "weights of 1.0.0"}


@pytest.fixture
def source(tmp_path: Path) -> DeployedFolder:
    point_link(tmp_path, write_version(tmp_path, "1.0.0", FILES))
    return DeployedFolder(folder=tmp_path, model="digits", stage="production")


def change_identity(source: DeployedFolder, **changes: Any) -> None:
    path = source.folder / "stable/mlver.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_one_file_is_the_weights(source: DeployedFolder) -> None:
    found = source.find_model()
    assert found.weights.read_text() == "weights of 1.0.0"
    assert (found.identity.version, found.identity.variant) == ("1.0.0", "stable")
    # Below the folder of the version, and not below the link.
    assert "stable" not in found.weights.parts


@pytest.mark.parametrize(
    ("names", "weights"),
    [
        (("net/a", "net/b/c"), "net"),
        (("net/a", "other/b"), "."),
        (("net/deep/a", "net/deep/b"), "net/deep"),
    ],
)
def test_several_files_are_the_folder_that_holds_them(
    tmp_path: Path, names: tuple[str, ...], weights: str
) -> None:
    place = write_version(tmp_path, "1.0.0", dict.fromkeys(names, "x"))
    point_link(tmp_path, place)
    found = DeployedFolder(folder=tmp_path, model="digits", stage="production").find_model()
    assert found.weights == place / weights


def test_weights_that_are_named_are_the_weights(tmp_path: Path) -> None:
    place = write_version(tmp_path, "1.0.0", {"net/a": "x", "data.csv": "1"}, weights="net")
    point_link(tmp_path, place)
    found = DeployedFolder(folder=tmp_path, model="digits", stage="production").find_model()
    assert found.weights == place / "net"


def test_a_changed_byte_is_noticed(source: DeployedFolder) -> None:
    (source.folder / "stable/models/net.onnx").write_text("weights of 1.0.1")
    with pytest.raises(MlverError, match=r"net.onnx does not hold the bytes that were deployed"):
        source.find_model()


@pytest.mark.parametrize("name", ["models/extra.pkl", "extra", "models/deeper/extra"])
def test_a_file_that_was_not_deployed_is_refused(source: DeployedFolder, name: str) -> None:
    path = source.folder / "stable" / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(MlverError, match=r"extra(.pkl)? is no file of that version"):
        source.find_model()


def test_a_link_in_place_of_a_file_or_a_folder_is_refused(
    source: DeployedFolder, tmp_path: Path
) -> None:
    path = source.folder / "stable/models/net.onnx"
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(MlverError, match="it is a symlink, not a regular file"):
        source.find_model()
    path.unlink()
    (tmp_path / "away").mkdir()
    (tmp_path / "outside").rename(tmp_path / "away/net.onnx")
    path.parent.rmdir()
    path.parent.symlink_to(tmp_path / "away")
    with pytest.raises(MlverError, match="is no file of that version"):
        source.find_model()


@pytest.mark.parametrize("target", ["/etc", "../versions", "versions/../.."])
def test_a_link_that_leads_out_is_refused(source: DeployedFolder, target: str) -> None:
    (source.folder / "stable").unlink()
    (source.folder / "stable").symlink_to(target)
    with pytest.raises(MlverError, match="leads out of its folder"):
        source.read_state()


@pytest.mark.parametrize("role", ["stable", "canary"])
def test_a_role_without_a_version_says_how_it_gets_one(source: DeployedFolder, role: str) -> None:
    (source.folder / "stable").unlink()
    source = replace(source, role=role)
    with pytest.raises(MlverError, match=f"has no version as {role}: none was deployed") as lack:
        source.find_model()
    rollout = "mlver rollout REF --to production --share 10 -m WHY"
    assert lack.value.hints[:-1] == ((rollout,) if role == "canary" else ())
    assert lack.value.hints[-1] == "mlver deploy TARGET"


def test_what_is_no_link_is_refused(source: DeployedFolder) -> None:
    (source.folder / "stable").unlink()
    (source.folder / "stable").mkdir()
    with pytest.raises(MlverError, match="reading the link stable failed"):
        source.find_model()


@pytest.mark.parametrize("changes", [{"model": "other"}, {"stage": "staging"}])
def test_another_model_or_stage_is_refused(source: DeployedFolder, changes: dict[str, Any]) -> None:
    change_identity(source, **changes)
    with pytest.raises(UsageError, match="not digits of production"):
        source.find_model()


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is no JSON"),
    "brackets": (b"[" * 200_000, "is no JSON"),
    "digits": (b"9" * 5_000, "is no JSON"),
    "bytes": (b"\xff\xfe\x00", "is no JSON"),
    "list": (b"[]", "is no JSON object"),
    "nothing": (b"{}", "does not name the model"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_identity_is_refused_by_name(source: DeployedFolder, name: str) -> None:
    data, fault = HOSTILE[name]
    (source.folder / "stable/mlver.json").write_bytes(data)
    with pytest.raises(MlverError, match=f"mlver.json {fault}"):
        source.find_model()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"version": 1}, "does not name the version"),
        ({"sequence": True}, "has no `sequence`"),
        ({"files": {}}, "lists no files"),
        ({"files": ["a"]}, "lists no files"),
        ({"files": {"../../etc/passwd": "0" * 64}}, r"lists ../../etc/passwd, which has a `..`"),
        ({"files": {"/etc/passwd": "0" * 64}}, r"lists /etc/passwd, which is absolute"),
        ({"files": {"a\x1b[2J\0": "0" * 64}}, r"lists a\\x1b\[2J\\x00, which has a NUL"),
        ({"files": {"a": 1}}, "has no digest of a"),
        ({"weights": "../x"}, "has `weights` that are no path in it"),
        ({"weights": 3}, "has `weights` that are no path in it"),
    ],
)
def test_a_hostile_key_is_refused_by_name(
    source: DeployedFolder, changes: dict[str, Any], fault: str
) -> None:
    change_identity(source, **changes)
    with pytest.raises(MlverError, match=f"mlver.json {fault}"):
        source.find_model()


def test_the_state_says_when_anything_moved(source: DeployedFolder) -> None:
    first = source.read_state()
    assert source.read_state() == first
    place = write_version(source.folder, "1.1.0", FILES)
    point_link(source.folder, place)
    second = source.read_state()
    assert second != first
    change_identity(source, sequence=2)
    assert source.read_state() != second


def test_racing_readers_meet_no_missing_and_no_mixed_version(tmp_path: Path) -> None:
    places = [
        write_version(tmp_path, version, {f"net/{name}": version for name in "abc"})
        for version in ("1.0.0", "1.1.0")
    ]
    point_link(tmp_path, places[0])
    source = DeployedFolder(folder=tmp_path, model="digits", stage="production")
    stop = threading.Event()

    def move_link() -> None:
        for place in cycle(places):
            if stop.is_set():
                return
            point_link(tmp_path, place)

    thread = threading.Thread(target=move_link)
    thread.start()
    seen: Counter[str] = Counter()
    try:
        for _ in range(500):
            found = source.find_model()
            texts = {path.read_text() for path in found.weights.iterdir()}
            assert texts == {found.identity.version}
            seen.update(texts)
    finally:
        stop.set()
        thread.join()
    assert len(seen) == 2


def test_a_version_that_leaves_while_it_is_read_is_replaced_by_the_next(
    source: DeployedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = source.folder / (source.folder / "stable").readlink()
    following = write_version(source.folder, "1.1.0", FILES)
    resolve = DeployedFolder._resolve_link

    def resolve_late(folder: DeployedFolder) -> Path:
        place = resolve(folder)
        if place == former:
            point_link(folder.folder, following)
            shutil.rmtree(former, ignore_errors=True)
        return place

    monkeypatch.setattr(DeployedFolder, "_resolve_link", resolve_late)
    assert source.find_model().identity.version == "1.1.0"
