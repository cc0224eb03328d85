"""Artifacts that say they are models, and what they cannot do to whoever fetches them."""

from __future__ import annotations

import io
import os
import tarfile
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError
from mlver.project.remote.model_pack_reading import fetch_model
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.manifest import Manifest
from mlver.records.version import CodeState, VersionRecord
from mlver.storage.remote.blobs import BytesBlob
from mlver.storage.remote.oci import open_oci
from mlver.storage.remote.oci_model import PackedLayer, layer_type, push_model
from mlver.storage.remote.oci_registry import digest_of
from mlver.storage.remote.open import parse_address
from tests.servers.registry import start_registry
from tests.servers.starting import RunningServer, Servers

_RECORD = layout.version_path("m", "1.0.0")
_FILES = {b"a": b"first", b"b/c": b"second"}
_MANIFEST = Manifest.from_entries(
    (name, Digest.of_bytes(content).hex) for name, content in _FILES.items()
).to_bytes()


@pytest.fixture(scope="session")
def registry(servers: Servers) -> RunningServer:
    return servers.share_server("registry", start_registry)


def pack_layer(path: str, data: bytes, kind: str = "doc", form: str = "raw") -> PackedLayer:
    return PackedLayer(layer_type(kind, form), path, BytesBlob(data), digest_of(data))


def pack_manifest(data: bytes) -> PackedLayer:
    return pack_layer(layout.manifest_path(Digest.of_bytes(data)), data)


def pack_record(manifest: bytes = _MANIFEST, files: int = 2, size: int = 11) -> PackedLayer:
    """A version whose weights are a file, and with a data set of this manifest."""
    weights = Artifact(path="w", digest=Digest.of_bytes(b"w"), size=1, files=1, stored=True)
    digest = Digest.of_bytes(manifest)
    data = Artifact(path="data", digest=digest, size=size, files=files, stored=True)
    record = VersionRecord(
        model="m",
        version="1.0.0",
        created="2026-11-29T22:03:04Z",
        author="Kim <kim@example.org>",
        message="why",
        parent=None,
        update="full",
        code=CodeState(commit=None, branch=None, dirty=False),
        weights=weights,
        data={"d": data},
    )
    return pack_layer(_RECORD, codec.encode_document("version", record.to_document()))


def change_record(old: bytes, new: bytes) -> PackedLayer:
    data = b"".join([pack_record().source.open_stream().read()])
    assert old in data
    return pack_layer(_RECORD, data.replace(old, new))


def pack_tar(*members: tuple[str, bytes | None]) -> PackedLayer:
    """An archive in which a member without bytes is a symlink to `/etc/passwd`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content or b"")
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(info, io.BytesIO(content or b""))
    return pack_layer("data", out.getvalue(), "dataset", "tar")


_WEIGHTS = pack_layer("w", b"w", "weight")
_GOOD = pack_tar(("a", b"first"), ("b/c", b"second"))
Fetch = Callable[[Sequence[PackedLayer]], Path]


@pytest.fixture
def fetch(registry: RunningServer, tmp_path: Path) -> Fetch:
    def fetch_layers(layers: Sequence[PackedLayer]) -> Path:
        address = f"{registry.address}/hostile/{uuid.uuid4().hex}"
        repository = open_oci(parse_address(address, {})).registry
        push_model(repository, "x", layers, {"descriptor": {}, "config": {}}, {})
        fetch_model(address, "x", tmp_path / "in" / "out")
        return tmp_path / "in" / "out"

    return fetch_layers


def test_an_honest_one_is_fetched(fetch: Fetch) -> None:
    folder = fetch([_WEIGHTS, _GOOD, pack_record(), pack_manifest(_MANIFEST)])
    assert (folder / "w").read_bytes() == b"w"
    assert (folder / "data/b/c").read_bytes() == b"second"


def test_what_else_is_in_an_archive_is_left_alone(fetch: Fetch, tmp_path: Path) -> None:
    archive = pack_tar(
        ("../../evil", b"x"),
        ("/evil", b"x"),
        ("a", None),
        ("data", None),
        ("evil", b"x"),
        ("a", b"first"),
        ("b/c", b"second"),
        ("b/c", b"third"),
    )
    folder = fetch([_WEIGHTS, archive, pack_record(), pack_manifest(_MANIFEST)])
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    proofs = [_RECORD, layout.manifest_path(Digest.of_bytes(_MANIFEST))]
    assert found == sorted(["data/a", "data/b/c", "w", *proofs])
    assert (folder / "data/b/c").read_bytes() == b"second"
    assert not any("evil" in name for _, _, names in os.walk(tmp_path) for name in names)


def escape_manifest(path: bytes) -> bytes:
    return b"%b  %b\n" % (Digest.of_bytes(b"first").hex.encode(), path)


def leave_path(path: bytes) -> list[PackedLayer]:
    """A data set with a file of this path, which an archive and a layer hold."""
    manifest = escape_manifest(path)
    archive = pack_tar((os.fsdecode(path), b"first"))
    record = pack_record(manifest, 1, 5)
    return [
        _WEIGHTS,
        pack_layer("x", b"first", "dataset"),
        archive,
        record,
        pack_manifest(manifest),
    ]


_HOSTILE = {
    "no record": [_WEIGHTS, _GOOD],
    "a record that is no YAML": [_WEIGHTS, pack_layer(_RECORD, b"\x00{[")],
    "a record of YAML's tricks": [_WEIGHTS, pack_layer(_RECORD, b"a: &a [*a, *a]\n")],
    "a record of a newer format": [_WEIGHTS, change_record(b"version/2", b"version/99")],
    "a record in another place": [
        _WEIGHTS,
        pack_layer(layout.version_path("m", "2.0.0"), pack_record().source.open_stream().read()),
    ],
    "a record in no place": [
        _WEIGHTS,
        pack_layer(".mlver/models/../../x.yaml", pack_record().source.open_stream().read()),
    ],
    "weights above the folder": [_WEIGHTS, change_record(b"path: w\n", b"path: ../w\n")],
    "weights at a path of the system": [_WEIGHTS, change_record(b"path: w\n", b"path: /tmp/w\n")],
    "weights among git's own": [_WEIGHTS, change_record(b"path: w\n", b"path: .git/hooks/w\n")],
    "weights among mlver's own": [_WEIGHTS, change_record(b"path: w\n", b"path: .mlver/w\n")],
    "no weights": [_GOOD, pack_record(), pack_layer("w", b"other", "weight")],
    "an archive that lacks a file": [
        _WEIGHTS,
        pack_tar(("a", b"first")),
        pack_record(),
        pack_manifest(_MANIFEST),
    ],
    "an archive with other bytes": [
        _WEIGHTS,
        pack_tar(("a", b"first"), ("b/c", b"changed")),
        pack_record(),
        pack_manifest(_MANIFEST),
    ],
    "an archive that is none": [
        _WEIGHTS,
        pack_layer("data", b"x" * 5000, "dataset", "tar"),
        pack_record(),
        pack_manifest(_MANIFEST),
    ],
    "an archive that is cut": [
        _WEIGHTS,
        pack_layer("data", _GOOD.source.open_stream().read()[:1300], "dataset", "tar"),
        pack_record(),
        pack_manifest(_MANIFEST),
    ],
    "an archive that is too large": [
        _WEIGHTS,
        pack_tar(("a", b"first"), ("b/c", b"second"), ("more", bytes(4 << 20))),
        pack_record(),
        pack_manifest(_MANIFEST),
    ],
    "another manifest": [
        _WEIGHTS,
        _GOOD,
        pack_record(),
        pack_layer(layout.manifest_path(Digest.of_bytes(_MANIFEST)), escape_manifest(b"a")),
    ],
    "a manifest that leads up": leave_path(b"../../evil"),
    "a manifest that leads to git": leave_path(b".git/evil"),
    "a manifest with an absolute path": leave_path(b"/tmp/evil"),
    "a manifest with a path twice": leave_path(b"a\n" + escape_manifest(b"a").rstrip()),
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_a_hostile_one_writes_nothing(fetch: Fetch, tmp_path: Path, name: str) -> None:
    # "no weights" and the like may bring nothing, or the rest of what is proved: never a part.
    with pytest.raises(MlverError) as caught:
        fetch(_HOSTILE[name])
    assert caught.value.message
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_artifact_that_was_left_out_is_told(fetch: Fetch) -> None:
    folder = fetch([_WEIGHTS, pack_record()])
    assert sorted(os.listdir(folder)) == [".mlver", "w"]
