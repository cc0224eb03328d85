from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import uuid
from pathlib import Path
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectMissing, UsageError
from mlver.project.artifacts.measuring import measure_path
from mlver.project.project import Project
from mlver.project.remote.model_pack import publish_model
from mlver.project.remote.model_pack_reading import fetch_model
from mlver.storage.remote.blobs import BlobError, BytesBlob
from mlver.storage.remote.oci import open_oci
from mlver.storage.remote.oci_model import (
    FILE_PATH,
    PackedLayer,
    find_model,
    layer_type,
    push_model,
)
from mlver.storage.remote.oci_registry import OciRegistry, digest_of
from mlver.storage.remote.open import parse_address
from tests.conftest import Repository
from tests.copies import copy_folder
from tests.programs import require_program
from tests.project.helpers import flip_bit
from tests.servers.registry import start_registry
from tests.servers.starting import RunningServer, Servers

_DATA = {f"part/{number:03}": b"%d" % number * number for number in range(40)}
_LONG = "a" * 200 + "/" + "ü" * 60


@pytest.fixture(scope="session")
def registry(servers: Servers) -> RunningServer:
    return servers.share_server("registry", start_registry)


@pytest.fixture
def address(registry: RunningServer) -> str:
    return f"{registry.address}/models/{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def _registered(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with a version of one file, and two data sets."""
    made = Repository(tmp_path_factory.mktemp("published") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write("model.bin", os.urandom(3 << 20))
    made.write("data/test.csv", "a,b\n1,2\n")
    for name, content in {**_DATA, _LONG: b"long"}.items():
        made.write(f"data/train/{name}", content)
    (made.path / "data/train/part/001").chmod(0o755)
    made.commit()
    assert made.mlver("init").code == 0
    sets = ("--data", "train=data/train", "--data", "test=data/test.csv")
    first = ("--weights", "model.bin", *sets, "--version", "1.0.0", "-m", "First")
    done = made.mlver("register", "digits", *first)
    assert done.code == 0, done.err
    return made


@pytest.fixture
def repository(_registered: Repository, tmp_path: Path) -> Repository:
    return Repository(copy_folder(_registered.path, tmp_path / "repository"))


@pytest.fixture
def project(repository: Repository) -> Project:
    return Project.open_existing(repository.path)


def publish(project: Project, address: str, ref: str = "digits@1.0.0", **more: Any) -> Any:
    return publish_model(project, ref, address, **more)


def open_registry(address: str) -> OciRegistry:
    return open_oci(parse_address(address, {})).registry


def list_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_round_trip_returns_equal_digests(project: Project, address: str, tmp_path: Path) -> None:
    published = publish(project, address)
    assert (published.address, published.created) == (f"{address}:1.0.0", True)
    assert (published.files, published.left_out) == (len(_DATA) + 3, ())
    fetched = fetch_model(address, "1.0.0", tmp_path / "out")
    record, digest = project.registry.read_version("digits", fetched.record.version)
    assert (fetched.record, fetched.digest) == (record, digest)
    for path in ("model.bin", "data/test.csv", *(f"data/train/{name}" for name in _DATA)):
        copy = tmp_path / "out" / path
        assert copy.read_bytes() == (project.top_folder / path).read_bytes()
        assert copy.stat().st_mode == (project.top_folder / path).stat().st_mode
    for name, artifact in record.named_artifacts().items():
        assert measure_path(tmp_path / "out" / artifact.path).digest == artifact.digest, name
    assert sorted(os.listdir(tmp_path)) == ["out", "repository"]
    again = fetch_model(address, published.digest, tmp_path / "again")
    assert again == fetched


def test_only_what_is_wanted_is_published_and_fetched(
    project: Project, address: str, tmp_path: Path
) -> None:
    publish(project, address, only=["weights", "test"])
    fetched = fetch_model(address, "1.0.0", tmp_path / "out")
    assert (fetched.files, fetched.missing) == (2, ("train",))
    fetched = fetch_model(address, "1.0.0", tmp_path / "weights", only=["weights"])
    record_path = fetched.record.record_path
    assert list_files(tmp_path / "weights") == [record_path, "model.bin"]
    with pytest.raises(BlobError, match="published without train"):
        fetch_model(address, "1.0.0", tmp_path / "data", only=["train"])
    for call in (
        lambda: publish(project, address, only=["x"]),
        lambda: fetch_model(address, "1.0.0", tmp_path / "x", only=["x"]),
    ):
        with pytest.raises(UsageError, match="no artifact called x"):
            call()


def test_publishing_again_sends_nothing(project: Project, address: str) -> None:
    first = publish(project, address)
    assert first.bytes_sent > 3 << 20
    again = publish(project, address)
    assert (again.digest, again.bytes_sent, again.created) == (first.digest, 0, False)
    other = publish(project, address, tag="newest")
    assert (other.digest, other.bytes_sent, other.created) == (first.digest, 0, True)


def test_weights_that_the_repository_has_are_not_sent(project: Project, address: str) -> None:
    data = (project.top_folder / "model.bin").read_bytes()
    key = f"objects/{Digest.of_bytes(data).hex[:2]}/{Digest.of_bytes(data).hex}"
    blobs = open_oci(parse_address(address, {}))
    blobs.put_blob(key, BytesBlob(data))
    published = publish(project, address, only=["weights"])
    assert published.bytes_sent < 10_000
    # The tags of versions are no blobs.
    assert [info.key for info in blobs.list_blobs("")] == [key]


def test_a_tag_of_another_model_stays(project: Project, address: str, tmp_path: Path) -> None:
    first = publish(project, address, tag="x")
    with pytest.raises(BlobError, match="another model already"):
        publish(project, address, tag="x", only=["weights"])
    assert fetch_model(address, "x", tmp_path / "out").missing == ()
    assert publish(project, address, tag="x").digest == first.digest


def test_a_folder_of_weights_is_sorted_by_kind(
    repository: Repository, project: Project, address: str, tmp_path: Path
) -> None:
    files = ("a/1.safetensors", "a/2.safetensors", "config.json", "README.md", "LICENSE")
    for number, name in enumerate(files):
        repository.write(f"net/{name}", f"content {number % 4}")
    repository.commit()
    options = ("--weights", "net", "--version", "2.0.0-rc.1", "-m", "Two")
    done = repository.mlver("register", "net", *options)
    assert done.code == 0, done.err
    fresh = Project.open_existing(repository.path)
    published = publish(fresh, address, "net@2.0.0-rc.1")
    assert published.address.endswith(":2.0.0-rc.1")
    pack = find_model(open_registry(address), "2.0.0-rc.1")
    assert pack is not None
    kinds = {}
    for layer in pack.layers:
        kind = layer.media_type.removeprefix("application/vnd.cncf.model.")
        kinds[layer.annotations[FILE_PATH]] = kind
    assert kinds["net/a/1.safetensors"] == "weight.v1.raw"
    assert kinds["net/config.json"] == "weight.config.v1.raw"
    assert kinds["net/README.md"] == kinds["net/LICENSE"] == "doc.v1.raw"
    fetch_model(address, published.digest, tmp_path / "out")
    assert all((tmp_path / "out/net" / name).exists() for name in files)


def test_what_is_not_stored_is_left_out_and_weights_are_needed(
    repository: Repository, project: Project, address: str
) -> None:
    sets = ("--data", "train=data/train", "--no-store", "train", "--version", "1.1.0", "-m", "x")
    assert repository.mlver("register", "digits", *sets).code == 0
    assert publish(Project.open_existing(repository.path), address, "digits@1.1.0").left_out == (
        "train",
    )
    sets = ("--no-store", "weights", "--no-store", "train", "--version", "1.2.0", "-m", "x")
    assert repository.mlver("register", "digits", *sets).code == 0
    with pytest.raises(MlverError, match="nothing to publish"):
        publish(Project.open_existing(repository.path), address, "digits@1.2.0")
    shutil.rmtree(repository.path / ".git/mlver")
    with pytest.raises(ObjectMissing):
        publish(Project.open_existing(repository.path), address)


def test_a_damaged_object_is_not_published(
    repository: Repository, project: Project, address: str
) -> None:
    for path in (repository.path / ".git/mlver").rglob("*"):
        if path.is_file() and path.stat().st_size == 3 << 20:
            path.chmod(0o644)
            flip_bit(path, 5)
    with pytest.raises(BlobError, match="damaged"):
        publish(project, address)
    assert find_model(open_registry(address), "1.0.0") is None


@pytest.mark.parametrize("tag", ["", "a b", "-a", "a" * 129, "a:b", "../x"])
def test_what_is_no_tag_is_refused(project: Project, address: str, tag: str) -> None:
    with pytest.raises(UsageError, match="cannot be a tag"):
        publish(project, address, tag=tag)


def test_a_folder_with_files_is_left_alone(project: Project, address: str, tmp_path: Path) -> None:
    publish(project, address, only=["test", "weights"])
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").touch()
    with pytest.raises(MlverError, match="is not empty"):
        fetch_model(address, "1.0.0", tmp_path / "out")
    assert list_files(tmp_path / "out") == ["mine"]


def test_what_is_no_model_is_said(project: Project, address: str, tmp_path: Path) -> None:
    with pytest.raises(BlobError, match=r"has no 1\.0\.0"):
        fetch_model(address, "1.0.0", tmp_path / "out")
    blobs = open_oci(parse_address(address, {}))
    blobs.put_blob("a", BytesBlob(b"x"))
    with pytest.raises(BlobError, match="is no ModelPack"):
        fetch_model(address, "_a", tmp_path / "out")
    layer = PackedLayer(layer_type("doc"), "README.md", BytesBlob(b"x"), digest_of(b"x"))
    push_model(blobs.registry, "bare", [layer], {"descriptor": {}, "config": {}}, {})
    with pytest.raises(BlobError, match="without a record"):
        fetch_model(address, "bare", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_tool_reads_it(project: Project, address: str, tmp_path: Path) -> None:
    require_program("skopeo")
    published = publish(project, address)
    place = published.address.replace("oci://", "docker://")
    command = ["skopeo", "inspect", "--raw", "--tls-verify=false", place]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    assert digest_of(raw) == published.digest
    manifest = json.loads(raw)
    assert manifest["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    weights = manifest["layers"][0]
    assert weights["mediaType"] == "application/vnd.cncf.model.weight.v1.raw"
    out = tmp_path / "copy"
    command = ["skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", place, f"dir:{out}"]
    subprocess.run(command, capture_output=True, check=True)
    copied = (out / weights["digest"].removeprefix("sha256:")).read_bytes()
    assert copied == (project.top_folder / "model.bin").read_bytes()
    config = json.loads((out / manifest["config"]["digest"].removeprefix("sha256:")).read_bytes())
    assert config["descriptor"]["name"] == "digits"
    layers = [layer["digest"] for layer in manifest["layers"]]
    assert config["modelfs"] == {"type": "layers", "diffIds": layers}
    (archive,) = (layer for layer in manifest["layers"] if layer["mediaType"].endswith(".tar"))
    with tarfile.open(out / archive["digest"].removeprefix("sha256:")) as opened:
        names = opened.getnames()
        assert sorted(names) == sorted([*_DATA, _LONG])
        member = opened.extractfile("part/007")
        assert member is not None
        assert member.read() == b"7777777"
