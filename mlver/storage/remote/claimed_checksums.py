"""SHA-256 that a server of S3 claims of objects, asked for only where a person trusts them.

They come with a HEAD request of their own, which boto3 makes: obstore does not show them. Only the
checksum of a whole object counts. An object that was sent in parts has one of the checksums of its
parts, which is no SHA-256 of its bytes, and an ETag never is one.
"""

from __future__ import annotations

import base64
import binascii
import os
import threading
from collections.abc import Mapping
from typing import Any

from mlver.errors import printable_name
from mlver.extras import import_extra
from mlver.records.listing import ListedObject
from mlver.storage.remote.blobs import BlobError, TransientBlobError
from mlver.storage.remote.cloud_access import CloudPlace, find_endpoint
from mlver.system.timings import Timings

_EXTRA = "s3-profiles"
_SHA256_BYTES = 32
_NOT_FOUND = 404
_PASSING_STATUS = frozenset((408, 425, 429, 500, 502, 503, 504))


class ClaimedChecksums:
    """What a server of S3 claims of the objects at a place. Several threads may ask at once."""

    def __init__(self, place: CloudPlace, timings: Timings) -> None:
        self._place = place
        self._timings = timings
        self._lock = threading.Lock()
        self._client: Any = None

    def find_claim(self, listed: ListedObject) -> str | None:
        """The SHA-256 that the server claims; None where it has none of this whole object.

        Raise MlverError where boto3 is not installed, and BlobError where the server refuses.
        """
        client = self._open()
        exceptions = import_extra("botocore.exceptions", _EXTRA)
        asked = {"Bucket": self._place.bucket, "Key": self._name_key(listed.key)}
        if listed.version:
            asked["VersionId"] = listed.version
        try:
            answer = client.head_object(**asked, ChecksumMode="ENABLED")
        except exceptions.ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == _NOT_FOUND:
                return None
            raise self._refuse(listed, error, is_passing=status in _PASSING_STATUS) from error
        except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
            raise self._refuse(listed, error, is_passing=True) from error
        except exceptions.BotoCoreError as error:
            raise self._refuse(listed, error, is_passing=False) from error
        etag = str(answer.get("ETag", "")).strip('"')
        if (answer.get("ContentLength"), etag) != (listed.size, listed.etag):
            return None
        return read_whole_sha256(answer)

    def _name_key(self, key: str) -> str:
        return f"{self._place.prefix}/{key}" if self._place.prefix else key

    def _open(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._make_client()
            return self._client

    def _make_client(self) -> Any:
        boto3 = import_extra("boto3", _EXTRA)
        botocore = import_extra("botocore", _EXTRA)
        config = import_extra("botocore.config", _EXTRA).Config(
            connect_timeout=self._timings.connect,
            read_timeout=self._timings.silence,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"} if find_endpoint(self._place) else None,
            signature_version=botocore.UNSIGNED if _is_anonymous() else None,
        )
        region = self._place.region or os.environ.get("AWS_REGION") or None
        endpoint = find_endpoint(self._place) or None
        session = boto3.Session(region_name=region)
        return session.client("s3", endpoint_url=endpoint, config=config)

    def _refuse(self, listed: ListedObject, error: Exception, *, is_passing: bool) -> BlobError:
        where = printable_name(f"{self._place.address}/{listed.key}")
        reason = printable_name(str(error))[:200]
        message = f"asking for the checksum of {where} failed: {reason}"
        if is_passing:
            return TransientBlobError(f"{message}; run the same command again later")
        return BlobError(f"{message}; leave --trust-server-checksums out to have all bytes read")


def read_whole_sha256(answer: Mapping[str, Any]) -> str | None:
    """The SHA-256 of a whole object in an answer to HEAD, as 64 digits; None for anything else.

    That of parts has a dash and their number at its end, and says so in its type.
    """
    value = answer.get("ChecksumSHA256")
    if not isinstance(value, str) or answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    try:
        digest = base64.b64decode(value, validate=True)
    except binascii.Error:
        return None
    return digest.hex() if len(digest) == _SHA256_BYTES else None


def _is_anonymous() -> bool:
    return os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in ("true", "1", "on", "yes", "y")
