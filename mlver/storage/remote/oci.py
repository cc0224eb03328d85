"""Blobs in an OCI registry, such as those that keep container images.

Each key is a tag, and the blob is the only layer of the manifest under it. The registry hashes what
it takes. It tells no times: when a blob was stored stands in its manifest, by the registry's own
clock (the `Date` of its answers). Deleting takes the manifest away; the registry's own garbage
collection then frees the bytes. Registries create no tag conditionally: of two writers that store
one key at the same moment, both may be told that they created it, and one blob stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from mlver.errors import UsageError
from mlver.storage.remote.blobs import (
    BlobAddress,
    BlobError,
    BlobInfo,
    BlobMissing,
    BlobSource,
    BlobTooShort,
    PutOutcome,
    TransientBlobError,
    check_key,
    check_prefix,
    read_pieces,
)
from mlver.storage.remote.oci_names import key_to_tag, parse_repository, tag_to_key
from mlver.storage.remote.oci_registry import (
    MANIFEST_TYPE,
    Descriptor,
    OciRegistry,
    StoredManifest,
    digest_of,
    open_registry,
    parse_descriptor,
    read_annotations,
)
from mlver.storage.remote.oci_uploads import CHUNK_BYTES, RegistryUploads, digest_source
from mlver.storage.remote.web import WebAnswer, parse_time

BLOB_TYPE = "application/vnd.mlver.blob.v1"
_KEY = "org.mlver.key"
_CREATED = "org.opencontainers.image.created"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_JOBS = 8
_BATCH = 64
# A manifest whose time is further back than this when it arrives gets a new one.
_LONGEST_DELAY_S = 60.0
_ASK_FROM = 1 << 20
_LAST_ATTEMPT = 3


@dataclass(frozen=True)
class TaggedBlob:
    """A blob and the manifest that leads to it."""

    info: BlobInfo
    manifest: str
    layer: Descriptor


@dataclass(frozen=True)
class OciBlobs:
    """Satisfies BlobStore, but for the creating of one key by two writers at once: see above."""

    registry: OciRegistry
    uploads: RegistryUploads

    @property
    def address(self) -> str:
        return self.registry.address

    def confirms_content(self) -> bool:
        """See BlobStore."""
        return self.uploads.confirms_content()

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        """See BlobStore, but for two writers at once."""
        tag = key_to_tag(key)
        # Read before anything else, so that a wrong source is refused whatever the key holds.
        layer, data = _read_layer(key, source)
        manifest, now = self.registry.find_manifest(tag)
        # What nobody can read, such as a manifest that was changed on its way, is no blob.
        if manifest is not None and parse_tagged_blob(key, manifest) is not None:
            return PutOutcome.ALREADY_THERE
        has_bytes = source.size >= _ASK_FROM and self.registry.has_blob(layer.digest, layer.size)
        if not has_bytes:
            now = self._push_layer(key, source, layer, data)
        self._tag_layer(key, tag, layer, now)
        return PutOutcome.CREATED

    def replace_blob(self, key: str, source: BlobSource) -> None:
        """See BlobStore. The manifest that it replaces stays in the registry, without a tag."""
        tag = key_to_tag(key)
        layer, data = _read_layer(key, source)
        self._tag_layer(key, tag, layer, self._push_layer(key, source, layer, data))

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """See BlobStore."""
        layer = self._find_blob(key).layer
        if offset + size > layer.size:
            raise BlobTooShort(
                f"{self.address}/{key} ends before byte {offset + size};"
                " store the object again from a copy that is whole"
            )
        return self.registry.read_blob(layer, key, offset, size)

    def stat_blob(self, key: str) -> BlobInfo:
        """See BlobStore."""
        return self._find_blob(key).info

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        """See BlobStore. It takes a request for each blob, several of them at once."""
        check_prefix(prefix)
        keys = filter(None, map(tag_to_key, self.registry.list_tags()))
        wanted = (key for key in keys if key.startswith(prefix))
        with ThreadPoolExecutor(_JOBS) as pool:
            for batch in _cut_batches(wanted, _BATCH):
                for blob in pool.map(self._look_up, batch):
                    if blob is not None:
                        yield blob.info

    def delete_blob(self, key: str) -> None:
        """See BlobStore. A blob that is replaced meanwhile stays."""
        manifest, _ = self.registry.find_manifest(key_to_tag(key))
        if manifest is not None:
            self.registry.delete_manifest(self._read_manifest(key, manifest).manifest)

    def sweep_leftovers(self) -> None:
        """See BlobStore. The registry drops uploads that were cut off by itself."""

    def _push_layer(
        self, key: str, source: BlobSource, layer: Descriptor, data: bytes | None
    ) -> datetime:
        """Store the bytes; the registry's time afterwards."""
        if data is None:
            answer = self.uploads.push_source(source, layer.digest, key)
        else:
            answer = self.uploads.push_bytes(data, key)
        return self._read_clock(answer)

    def _tag_layer(self, key: str, tag: str, layer: Descriptor, now: datetime | None) -> None:
        """Give bytes that are there their tag, with the time of the registry."""
        config = self.uploads.push_empty_config()
        for _ in range(_LAST_ATTEMPT):
            if now is None:
                raise self._no_clock_error()
            annotations = {_KEY: key, _CREATED: now.strftime(_TIME)}
            answer = self.registry.put_manifest(
                tag, format_manifest(BLOB_TYPE, config, [layer], annotations)
            )
            arrived = self._read_clock(answer)
            # One that was held up must not look older than what was decided meanwhile.
            if (arrived - now).total_seconds() <= _LONGEST_DELAY_S:
                return
            now = arrived
        raise TransientBlobError(
            f"storing {key} took too long again and again; run the same command again later"
        )

    def _read_clock(self, answer: WebAnswer) -> datetime:
        now = parse_time(answer.headers.get("date"))
        if now is None:
            raise self._no_clock_error()
        return now

    def _no_clock_error(self) -> BlobError:
        return BlobError(
            f"{self.address} answers without a Date, so that nobody could tell the age of a blob;"
            " use another registry, or no proxy that drops it"
        )

    def _find_blob(self, key: str) -> TaggedBlob:
        """The blob of a key; raises BlobMissing."""
        manifest, _ = self.registry.find_manifest(key_to_tag(key))
        if manifest is None:
            raise BlobMissing(f"{self.address}/{key} does not exist")
        return self._read_manifest(key, manifest)

    def _look_up(self, key: str) -> TaggedBlob | None:
        """The blob of a key that is listed; None where it is gone, or is no blob of ours."""
        manifest, _ = self.registry.find_manifest(key_to_tag(key))
        return None if manifest is None else parse_tagged_blob(key, manifest)

    def _read_manifest(self, key: str, manifest: StoredManifest) -> TaggedBlob:
        found = parse_tagged_blob(key, manifest)
        if found is None:
            raise BlobError(
                f"{self.address}:{key_to_tag(key)} is no blob of mlver's, though its tag is;"
                " somebody else put it there: delete it by the means of the registry"
            )
        return found


def open_oci(address: BlobAddress) -> OciBlobs:
    """The back-end for `oci://HOST/NAMESPACE/NAME`.

    The option `insecure` (`true`) allows plain HTTP to other machines than this one.
    """
    repository = parse_repository(address)
    insecure = address.options.get("insecure", "false")
    if insecure not in ("true", "false"):
        raise UsageError(f"`insecure` of {address.text} is true or false, not {insecure!r}")
    text = f"oci://{repository.host}/{repository.name}"
    registry = open_registry(text, repository, insecure=insecure == "true", timings=address.timings)
    return OciBlobs(registry, RegistryUploads(registry))


def format_manifest(
    artifact_type: str,
    config: Descriptor,
    layers: list[Descriptor],
    annotations: dict[str, str],
) -> bytes:
    """The bytes of an image manifest that stands for an artifact (OCI image specification 1.1)."""
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": artifact_type,
        "config": config.to_document(),
        "layers": [layer.to_document() for layer in layers],
        "annotations": annotations,
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def parse_tagged_blob(key: str, manifest: StoredManifest) -> TaggedBlob | None:
    """The blob that a manifest leads to; None if it is no manifest of this key."""
    document = manifest.document
    annotations = read_annotations(document)
    layers = document.get("layers")
    if document.get("artifactType") != BLOB_TYPE or annotations.get(_KEY) != key:
        return None
    if not isinstance(layers, list) or len(layers) != 1:
        return None
    layer = parse_descriptor(layers[0])
    try:
        stored = datetime.strptime(annotations.get(_CREATED, ""), _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    if layer is None:
        return None
    return TaggedBlob(BlobInfo(key, layer.size, stored), manifest.digest, layer)


def _read_layer(key: str, source: BlobSource) -> tuple[Descriptor, bytes | None]:
    """What the bytes are, and the bytes themselves, unless they are more than one chunk."""
    check_key(key)
    if source.size > CHUNK_BYTES:
        return Descriptor("application/octet-stream", digest_source(source, key), source.size), None
    data = b"".join(read_pieces(key, source))
    return Descriptor("application/octet-stream", digest_of(data), len(data)), data


def _cut_batches(keys: Iterator[str], size: int) -> Iterator[tuple[str, ...]]:
    while batch := tuple(islice(keys, size)):
        yield batch
