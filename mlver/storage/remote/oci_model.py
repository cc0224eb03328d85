"""Artifacts of models in an OCI registry, as the ModelPack specification of the CNCF has them.

https://github.com/modelpack/model-spec (docs/spec.md, docs/config.md, docs/annotations.md). A file
is a `raw` layer: its digest in the registry is the SHA-256 of the file. A data set of several files
is a `tar` layer.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlver.errors import printable_name, shell_command
from mlver.storage.remote.blobs import BlobError, BlobMissing, BlobSource
from mlver.storage.remote.oci_registry import (
    MANIFEST_TYPE,
    Descriptor,
    OciRegistry,
    digest_of,
    parse_descriptor,
    read_annotations,
)
from mlver.storage.remote.oci_uploads import DigestRefused, Progress, RegistryUploads, digest_source
from mlver.storage.remote.web import DOCUMENT_BYTES

ARTIFACT_TYPE = "application/vnd.cncf.model.manifest.v1+json"
CONFIG_TYPE = "application/vnd.cncf.model.config.v1+json"
FILE_PATH = "org.cncf.model.filepath"
FILE_METADATA = "org.cncf.model.file.metadata+json"
_LAYER_TYPE = re.compile(
    r"application/vnd\.cncf\.model\.(weight|weight\.config|doc|code|dataset)\.v1\.(raw|tar)"
)
# A layer is asked for by so many bytes at a time.
_PIECE_BYTES = 8 << 20


class PackedLayer(NamedTuple):
    """A layer to be stored: its media type, the path of its file or folder, and its bytes.

    `digest` is that of the bytes (`sha256:…`). `mode` holds the permissions of a file.
    """

    media_type: str
    path: str
    source: BlobSource
    digest: str
    mode: int = 0o644

    def describe(self) -> Descriptor:
        """The layer as the manifest has it."""
        annotations = {FILE_PATH: self.path}
        if self.media_type.endswith(".raw"):
            details = {"name": self.path, "mode": self.mode, "size": self.source.size}
            annotations[FILE_METADATA] = json.dumps(details, separators=(",", ":"))
        return Descriptor(self.media_type, self.digest, self.source.size, annotations)


@dataclass(frozen=True, slots=True)
class ModelPack:
    """A model in a registry: the digest of its manifest, its annotations, and its layers."""

    digest: str
    annotations: Mapping[str, str]
    layers: tuple[Descriptor, ...]

    def find_layer(self, path: str) -> Descriptor | None:
        """The layer of a path."""
        for layer in self.layers:
            if layer.annotations.get(FILE_PATH) == path:
                return layer
        return None

    def find_content(self, digest: str) -> Descriptor | None:
        """A layer that is a file with this digest."""
        for layer in self.layers:
            if layer.digest == digest and layer.media_type.endswith(".raw"):
                return layer
        return None


class PushedModel(NamedTuple):
    """`created` is False where the tag had this very model already.

    `bytes_sent` are those of layers that the registry did not have.
    """

    digest: str
    bytes_sent: int
    created: bool


def layer_type(kind: str, form: str = "raw") -> str:
    """The media type of a layer: kind `weight`, `weight.config`, `doc` or `dataset`."""
    return f"application/vnd.cncf.model.{kind}.v1.{form}"


def push_model(
    registry: OciRegistry,
    tag: str,
    layers: Sequence[PackedLayer],
    config: Mapping[str, Any],
    annotations: Mapping[str, str],
    progress: Progress | None = None,
) -> PushedModel:
    """Store a model under a tag. Raises BlobError where the tag has another model.

    `config` is the ModelPack configuration without `modelfs`. `progress` counts confirmed bytes.
    """
    uploads = RegistryUploads(registry)
    described = [layer.describe() for layer in layers]
    data = json.dumps({**config, "modelfs": _list_layers(described)}, sort_keys=True).encode()
    config_descriptor = Descriptor(CONFIG_TYPE, digest_of(data), len(data))
    manifest = _format_manifest(config_descriptor, described, annotations)
    existing = find_model(registry, tag)
    if existing is not None:
        if existing.digest == digest_of(manifest):
            return PushedModel(existing.digest, 0, created=False)
        raise BlobError(
            f"{registry.address}:{tag} is another model already, and stays;"
            " delete it by the means of the registry first, or choose another tag"
        )
    bytes_sent = 0
    for layer in layers:
        if _push_layer(uploads, layer, progress):
            bytes_sent += layer.source.size
    registry.repeat(lambda: uploads.push_bytes(data, "the configuration"))
    registry.repeat(lambda: registry.put_manifest(tag, manifest))
    return PushedModel(digest_of(manifest), bytes_sent, created=True)


def find_model(registry: OciRegistry, reference: str) -> ModelPack | None:
    """The model of a tag or digest; None where there is none. Raises BlobError for anything else.

    A model that is named by digest is that one, whatever the registry answers.
    """
    stored, _ = registry.repeat(lambda: registry.find_manifest(reference))
    if stored is None:
        return None
    if ":" in reference and stored.digest != reference:
        raise BlobError(f"{registry.address} gave another manifest than {reference}")
    document = stored.document
    layers = document.get("layers")
    if document.get("artifactType") != ARTIFACT_TYPE or not isinstance(layers, list):
        raise BlobError(
            f"{registry.address}:{reference} is no ModelPack, but"
            f" {printable_name(str(document.get('artifactType'))[:100])};"
            " name the tag of a model that `mlver` or another tool for ModelPack stored"
        )
    parsed = []
    for entry in layers:
        layer = parse_descriptor(entry)
        if layer is None:
            raise BlobError(f"{registry.address}:{reference} is not valid: a layer is none")
        if _LAYER_TYPE.fullmatch(layer.media_type) is not None:
            parsed.append(layer)
    return ModelPack(stored.digest, read_annotations(document), tuple(parsed))


def read_layer(registry: OciRegistry, layer: Descriptor, limit: int) -> bytes:
    """All bytes of a small layer, proved by its digest."""
    name = layer.annotations.get(FILE_PATH, layer.digest)
    if layer.size > limit:
        raise BlobError(
            f"{registry.address} has {layer.size:,} bytes for {printable_name(name)},"
            f" which are more than the {limit:,} that it can have"
        )
    data = b"".join(_read_pieces(registry, layer))
    if digest_of(data) != layer.digest:
        raise _damaged_error(registry, layer)
    return data


class LayerStream(io.RawIOBase):
    """The bytes of a layer, unproved, piece by piece as they are read."""

    def __init__(self, registry: OciRegistry, layer: Descriptor, progress: Progress) -> None:
        self._pieces = _read_pieces(registry, layer)
        self._progress = progress
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
            self._progress(len(self._rest))
        count = min(len(self._rest), len(buffer))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _push_layer(uploads: RegistryUploads, layer: PackedLayer, progress: Progress | None) -> bool:
    """Have a layer there; whether it was sent. Where the registry proves nothing, read it back."""
    registry = uploads.registry
    size = layer.source.size
    had_it = registry.repeat(lambda: registry.has_blob(layer.digest, size))
    if not had_it:
        registry.repeat(lambda: _send_layer(uploads, layer))
    if not registry.repeat(uploads.confirms_content):
        hasher = hashlib.sha256()
        for piece in _read_pieces(registry, layer.describe()):
            hasher.update(piece)
        if f"sha256:{hasher.hexdigest()}" != layer.digest:
            raise _damaged_error(registry, layer.describe())
    if progress is not None:
        progress(size)
    return not had_it


def _send_layer(uploads: RegistryUploads, layer: PackedLayer) -> None:
    try:
        uploads.push_source(layer.source, layer.digest, layer.path)
    except DigestRefused:
        if digest_source(layer.source, layer.path) != layer.digest:
            raise BlobError(
                f"the bytes of {printable_name(layer.path)} that are stored here are damaged:"
                f" they are not {layer.digest}; get the object from a repository that has it",
                hint=shell_command("mlver", "verify"),
            ) from None
        raise


def _read_pieces(registry: OciRegistry, layer: Descriptor) -> Iterator[bytes]:
    name = layer.annotations.get(FILE_PATH, layer.digest)
    for offset in range(0, layer.size, _PIECE_BYTES):
        size = min(_PIECE_BYTES, layer.size - offset)
        yield _read_piece(registry, layer, name, offset, size)


def _read_piece(
    registry: OciRegistry, layer: Descriptor, name: str, offset: int, size: int
) -> bytes:
    try:
        return registry.repeat(lambda: registry.read_blob(layer, name, offset, size))
    except BlobMissing as error:
        raise BlobError(
            f"{registry.address} has no longer the bytes of {printable_name(name)}"
            f" ({layer.digest}); store the model there again"
        ) from error


def _damaged_error(registry: OciRegistry, layer: Descriptor) -> BlobError:
    name = printable_name(layer.annotations.get(FILE_PATH, layer.digest))
    return BlobError(
        f"the bytes of {name} in {registry.address} are damaged: they are not {layer.digest};"
        " store the model there again from a repository that has it"
    )


def _list_layers(layers: Sequence[Descriptor]) -> dict[str, Any]:
    # Nothing is compressed, so that each layer is its own content.
    return {"type": "layers", "diffIds": [layer.digest for layer in layers]}


def _format_manifest(
    config: Descriptor, layers: Sequence[Descriptor], annotations: Mapping[str, str]
) -> bytes:
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": ARTIFACT_TYPE,
        "config": config.to_document(),
        "layers": [layer.to_document() for layer in layers],
        "annotations": dict(annotations),
    }
    data = json.dumps(document, separators=(",", ":")).encode()
    if len(data) > DOCUMENT_BYTES:
        raise BlobError(
            f"a registry takes no manifest of more than {DOCUMENT_BYTES:,} bytes, and"
            f" {len(layers):,} files make one of {len(data):,}; put small files into one archive"
        )
    return data
