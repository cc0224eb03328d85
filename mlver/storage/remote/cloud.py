"""Blobs in a bucket: S3 and whatever speaks it, Google Cloud Storage, Azure.

Only its synchronous functions are called: the others crash when the interpreter ends. No call
carries more than a blob or a range, as Ctrl-C is seen only after it. obstore, which nothing
else uses, tries once.
"""

from __future__ import annotations

import base64
import importlib
import threading
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from mlver.extras import import_extra
from mlver.records.listing import ListedObject
from mlver.storage.remote.blobs import (
    BlobAddress,
    BlobInfo,
    BlobMissing,
    BlobSource,
    BlobTooShort,
    PutOutcome,
    RangeIgnored,
    TransientBlobError,
    check_key,
    check_prefix,
    is_key,
    read_whole,
)
from mlver.storage.remote.buckets import ObjectPiece
from mlver.storage.remote.claimed_checksums import ClaimedChecksums
from mlver.storage.remote.cloud_access import (
    CloudPlace,
    configure_azure,
    configure_client,
    configure_gcs,
    configure_s3,
    parse_place,
)
from mlver.storage.remote.cloud_faults import (
    CHECKSUM_CODES,
    PASSING_CODES,
    read_answer,
    translate_error,
)
from mlver.system.timings import STANDARD, Timings

CloudStore = S3Store | GCSStore | AzureStore

# What obstore raises: its own, and two of Python's for what is missing and for what it cannot read.
_FAILURES = (BaseError, FileNotFoundError, ValueError)
_NO_RETRIES: Any = {"max_retries": 0}
_NOT_IMPLEMENTED = 501
_LISTED_AT_ONCE = 1000
_NO_VERSION = "null"
_PROBE = b"Does this server refuse a wrong checksum?\n"
_SHA256_HEADER = "x-amz-checksum-sha256"
_WRONG_SHA256 = base64.b64encode(bytes(32)).decode()


class CloudBlobs:
    """Satisfies BlobStore.

    A time of storage has whole seconds, as answers to one question have them in all of the three.
    """

    def __init__(self, place: CloudPlace, timings: Timings = STANDARD) -> None:
        self._place = place
        self._timings = timings
        self._lock = threading.RLock()
        self._store: CloudStore | None = None
        self._confirms: bool | None = None
        # Some servers refuse to create only; the keys of ours say what is below them anyway.
        self._creates_only = True

    @property
    def address(self) -> str:
        return self._place.address

    def confirms_content(self) -> bool:
        """See BlobStore. Only S3 has servers that do.

        The wrong checksum is not signed. A server that refuses it for that has proved nothing.
        """
        with self._lock:
            if self._confirms is None:
                self._confirms = self._place.kind == "s3" and self._try_checksums()
            return self._confirms

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        """See BlobStore. A server that ignores create-only replaces what was there."""
        data = read_whole(check_key(key), source)
        if self._creates_only:
            outcome = self._create_blob(key, data)
            if outcome is not None:
                return outcome
            self._creates_only = False
        try:
            self.stat_blob(key)
        except BlobMissing:
            self._overwrite(key, data)
            return PutOutcome.CREATED
        return PutOutcome.ALREADY_THERE

    def _create_blob(self, key: str, data: bytes) -> PutOutcome | None:
        """None: the server does not know how to create only."""
        with self._translate(key):
            try:
                obstore.put(self._open(), key, data, mode="create", use_multipart=False)
            except AlreadyExistsError as error:
                if read_answer(error).code in PASSING_CODES:
                    raise
                return PutOutcome.ALREADY_THERE
            except BaseError as error:
                if read_answer(error).status == _NOT_IMPLEMENTED:
                    return None
                raise
        return PutOutcome.CREATED

    def replace_blob(self, key: str, source: BlobSource) -> None:
        """See BlobStore."""
        self._overwrite(key, read_whole(check_key(key), source))

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """See BlobStore."""
        check_key(key)
        if size == 0:
            self.stat_blob(key)
            return b""
        answer = self._ask_range(key, offset, size)
        with self._translate(key):
            return answer.bytes().to_bytes()

    def stream_range(self, key: str, offset: int, size: int) -> Iterator[memoryview]:
        """See StreamingBlobs."""
        answer = self._ask_range(check_key(key), offset, size)
        # As they come from the server: no copy is made to join them.
        pieces = iter(answer.stream(min_chunk_size=1))
        while True:
            with self._translate(key):
                piece = next(pieces, None)
            if piece is None:
                return
            yield memoryview(piece)

    def _ask_range(self, key: str, offset: int, size: int) -> obstore.GetResult:
        """The answer for a range of at least one byte. Nothing of its body is read yet."""
        with self._translate(key):
            answer = obstore.get(self._open(), key, options={"range": (offset, offset + size)})
        total = answer.meta["size"]
        if answer.range[0] != offset or answer.range[1] > offset + size:
            raise RangeIgnored(f"{self.address}/{key}: the server answered with another range")
        if offset + size > total:
            raise BlobTooShort(
                f"{self.address}/{key} ends before byte {offset + size};"
                " store the object again from a copy that is whole"
            )
        return answer

    def stat_blob(self, key: str) -> BlobInfo:
        """See BlobStore."""
        check_key(key)
        with self._translate(key):
            found = obstore.head(self._open(), key)
        return BlobInfo(key, found["size"], _cut_time(found["last_modified"]))

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        """See BlobStore."""
        check_prefix(prefix)
        for found in list_pages(self._place, self._open(), prefix):
            if is_key(found["path"]):
                yield BlobInfo(found["path"], found["size"], _cut_time(found["last_modified"]))

    def delete_blob(self, key: str) -> None:
        """See BlobStore."""
        check_key(key)
        try:
            with self._translate(key):
                obstore.delete(self._open(), key)
        except BlobMissing:
            pass

    def sweep_leftovers(self) -> None:
        """See BlobStore. Each blob is stored by one request, which leaves nothing."""

    def _overwrite(self, key: str, data: bytes) -> None:
        with self._translate(key):
            obstore.put(self._open(), key, data, use_multipart=False)

    def _open(self) -> CloudStore:
        """The store, made when it is needed first: that may read files of the person."""
        if self._store is None:
            with self._lock:
                if self._store is None:
                    self._store = build_store(self._place, self._timings)
        return self._store

    def _try_checksums(self) -> bool:
        """Whether the server refuses a wrong SHA-256, saying so, and accepts a right one."""
        key = f"probes/{uuid.uuid4().hex}"
        wrong = build_store(self._place, self._timings, {_SHA256_HEADER: _WRONG_SHA256})
        try:
            obstore.put(wrong, key, _PROBE, use_multipart=False)
        except _FAILURES as error:
            if read_answer(error).code not in CHECKSUM_CODES:
                failure = translate_error(error, self._place, key)
                if isinstance(failure, TransientBlobError):
                    raise failure from error
                return False
        else:
            self.delete_blob(key)
            return False
        self._overwrite(key, _PROBE)
        self.delete_blob(key)
        return True

    def _translate(self, key: str) -> AbstractContextManager[None]:
        return translate_failures(self._place, key)


@contextmanager
def translate_failures(place: CloudPlace, key: str) -> Iterator[None]:
    """Raise an error of ours for one of obstore about this key."""
    try:
        yield
    except _FAILURES as error:
        raise translate_error(error, place, key) from error


def list_pages(place: CloudPlace, store: CloudStore, prefix: str) -> Iterator[obstore.ObjectMeta]:
    """What the server lists below a prefix, a thousand at once."""
    with translate_failures(place, ""):
        pages = obstore.list(store, prefix=prefix, chunk_size=_LISTED_AT_ONCE)
    while True:
        with translate_failures(place, ""):
            page = next(pages, None)
        if page is None:
            return
        yield from page


@dataclass(frozen=True, slots=True)
class CloudReader:
    """Satisfies BucketReader: reads what somebody else keeps below a prefix, and tries once.

    No server lists versions with the objects; they are told when one is read.
    """

    place: CloudPlace
    # The text that obstore has for a store of Azure may be a crash.
    store: CloudStore = field(repr=False)
    claims: ClaimedChecksums | None = None
    has_index = False

    def list_objects(self) -> Iterator[ListedObject]:
        """See BucketReader."""
        for meta in list_pages(self.place, self.store, ""):
            # obstore cuts the final slash of a key, which stands for an empty folder.
            if meta["size"] or self._is_object(meta["path"]):
                yield _describe_object(meta)

    def _is_object(self, key: str) -> bool:
        try:
            self.stat_object(key)
        except BlobMissing:
            return False
        return True

    def stat_object(self, key: str, version: str = "") -> ListedObject:
        """See BucketReader."""
        asked = _name_version(version) | {"head": True}
        with translate_failures(self.place, key):
            return _describe_object(obstore.get(self.store, key, options=asked).meta)

    def read_piece(self, key: str, offset: int, size: int, version: str = "") -> ObjectPiece:
        """See BucketReader."""
        if not size:
            return ObjectPiece(b"", self.stat_object(key, version))
        asked = _name_version(version) | {"range": (offset, offset + size)}
        try:
            with translate_failures(self.place, key):
                answer = obstore.get(self.store, key, options=asked)
                data = answer.bytes().to_bytes()
        except BlobTooShort:
            return ObjectPiece(b"", self.stat_object(key, version))
        return ObjectPiece(data, _describe_object(answer.meta))

    def find_claim(self, listed: ListedObject) -> str | None:
        """See BucketReader. Only servers of S3 claim a SHA-256."""
        return None if self.claims is None else self.claims.find_claim(listed)


def open_bucket_reader(address: BlobAddress) -> CloudReader:
    """Open the reader of a prefix. Nothing is asked of the server yet."""
    place = parse_place(address)
    claims = ClaimedChecksums(place, address.timings) if place.kind == "s3" else None
    return CloudReader(place, build_store(place, address.timings), claims)


def _name_version(version: str) -> Any:
    """The part of a request that names a version of an object."""
    return {"version": version} if version else {}


def _describe_object(meta: obstore.ObjectMeta) -> ListedObject:
    version = meta["version"] or ""
    # An object from before its bucket had versions is called so, and may be replaced.
    if version == _NO_VERSION:
        version = ""
    return ListedObject(meta["path"], meta["size"], (meta["e_tag"] or "").strip('"'), version)


def open_cloud(address: BlobAddress) -> CloudBlobs:
    """Open the blobs of a bucket. Nothing is asked of the server yet."""
    return CloudBlobs(parse_place(address), address.timings)


def build_store(
    place: CloudPlace, timings: Timings, headers: dict[str, str] | None = None
) -> CloudStore:
    """The store of obstore for a place.

    `headers` go with each request, unsigned; a SHA-256 of our own goes with none then.
    """
    try:
        if place.kind == "s3":
            return _build_s3(place, timings, headers)
        config = configure_gcs(place) if place.kind == "gs" else configure_azure(place)
        client: Any = configure_client(place, config.get("endpoint"), timings)
        config |= {"prefix": place.prefix or None, "client_options": client}
        store = GCSStore if place.kind == "gs" else AzureStore
        return store(place.bucket, retry_config=_NO_RETRIES, **config)
    except _FAILURES as error:
        raise translate_error(error, place, "") from error


def _build_s3(place: CloudPlace, timings: Timings, headers: dict[str, str] | None) -> S3Store:
    config = configure_s3(place)
    client = configure_client(place, config.get("endpoint"), timings)
    if headers is None:
        config["checksum_algorithm"] = "SHA256"
    else:
        client["default_headers"] = headers
    profile = config.pop("needs_boto3", None)
    if profile is not None:
        config["credential_provider"] = _borrow_credentials(profile)
    # Not every server knows the request that deletes many at once.
    config["disable_bulk_delete"] = True
    options: Any = client
    return S3Store(
        place.bucket,
        prefix=place.prefix or None,
        client_options=options,
        retry_config=_NO_RETRIES,
        **config,
    )


def _borrow_credentials(profile: str) -> Any:
    """What gets the keys of a profile that names a role, a login or a program."""
    session = import_extra("boto3", "s3-profiles").Session(profile_name=profile)
    return importlib.import_module("obstore.auth.boto3").Boto3CredentialProvider(session)


def _cut_time(stored: datetime) -> datetime:
    return stored.astimezone(UTC).replace(microsecond=0)
