"""What went wrong with a bucket, in words of ours: from an error of obstore to one of BlobError.

obstore has few classes of errors. Which of them an answer was, and why a connection failed, it says
in its text only: the status and the code of the server first, then the whole chain of reasons.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mlver.errors import printable_name
from mlver.storage.remote.blobs import (
    BlobError,
    BlobMissing,
    BlobTooShort,
    RangeIgnored,
    TransientBlobError,
)
from mlver.storage.remote.cloud_access import CloudPlace

_STATUS = re.compile(r"status code: ([0-9]{3})|\(code: ([0-9]{3})\)")
_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,60})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})")
_SHOWN = 200

# The server hashed what arrived, and it was not what was sent.
CHECKSUM_CODES = frozenset(
    (
        "BadDigest",
        "InvalidDigest",
        "XAmzContentSHA256Mismatch",
        "XAmzContentChecksumMismatch",
        "Md5Mismatch",
        "Crc64Mismatch",
    )
)
_NO_BUCKET = frozenset(
    ("NoSuchBucket", "ContainerNotFound", "InvalidBucketName", "AccountNotFound")
)
PASSING_CODES = CHECKSUM_CODES | {
    "RequestTimeout",
    "SlowDown",
    "InternalError",
    "ServerBusy",
    "OperationTimedOut",
    "IncompleteBody",
    "ConditionalRequestConflict",
    "OperationAborted",
    "ContainerBeingDeleted",
}
_PASSING_STATUS = frozenset((408, 425, 429, 500, 502, 503, 504))
_CLOCK_CODES = frozenset(("RequestTimeTooSkewed", "RequestExpired"))
_EXPIRED_CODES = frozenset(("ExpiredToken", "TokenRefreshRequired", "ExpiredTokenException"))
_REGION_CODES = frozenset(
    ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
)
# Where machines in a cloud get their credentials from.
_METADATA = (
    "169.254.",
    "/latest/api/token",
    "metadata.google.internal",
    "token request",
    "fd00:ec2::254",
)
_LOGIN = {
    "s3": ("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile", "aws configure"),
    "gs": (
        "set GOOGLE_APPLICATION_CREDENTIALS, or log in",
        "gcloud auth application-default login",
    ),
    "az": ("set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or log in", "az login"),
}
# Parts of the text of an error without an answer, and what they mean.
_TRANSPORT = (
    ("dns error", "its name is not known here; check the endpoint and the network"),
    ("ConnectionRefused", "nothing listens there; check the endpoint, and that the server runs"),
    ("kind: Timeout", "nothing came for too long; check the network, and that the server runs"),
    ("NetworkUnreachable", "the network is away"),
)
_UNTRUSTED = ("invalid peer certificate", "UnknownIssuer", "CertificateError")
_NO_TLS = ("InvalidContentType", "InvalidMessage", "HandshakeFailure")


class ServerAnswer(NamedTuple):
    """What the server said: its status, 0 without an answer, and its code, empty if it has none."""

    status: int
    code: str
    message: str


def read_answer(error: BaseException) -> ServerAnswer:
    """What the server said, as the text of an error of obstore has it."""
    text = _cut_debug(error)
    status = _STATUS.search(text)
    code = _CODE.search(text)
    message = _MESSAGE.search(text)
    number = int(status[1] or status[2]) if status else 0
    return ServerAnswer(number, code[1] if code else "", message[1].strip() if message else "")


def translate_error(error: BaseException, place: CloudPlace, key: str) -> BlobError:
    """The error to raise. `key` is of the blob, empty for what concerns the whole bucket."""
    answer = read_answer(error)
    where = printable_name(f"{place.address}/{key}" if key else place.address)
    if answer.code in _NO_BUCKET:
        kind = "container" if place.kind == "az" else "bucket"
        return BlobError(
            f"there is no {kind} {place.bucket} ({answer.code}); make it, or correct the address"
            f" of {where}"
        )
    if answer.code in PASSING_CODES or answer.status in _PASSING_STATUS:
        return _passing_error(where, answer)
    if any(mark in _cut_debug(error) for mark in _METADATA):
        remedy, command = _LOGIN[place.kind]
        return BlobError(f"there are no credentials for {where}; {remedy}", hint=command)
    if isinstance(error, FileNotFoundError) or answer.status == 404:
        return BlobMissing(f"there is no {where}")
    if answer.status == 416 or "StartTooLarge" in str(error):
        return BlobTooShort(f"{where} ends before the bytes that were asked for")
    if "NotPartial" in str(error):
        return RangeIgnored(
            f"the server answered a range of {where} with the whole; use a server that supports"
            " range requests, and no proxy that drops them"
        )
    return _refusal(where, place, answer) if answer.status else _transport_error(where, error)


def _passing_error(where: str, answer: ServerAnswer) -> TransientBlobError:
    if answer.code in CHECKSUM_CODES:
        return TransientBlobError(
            f"what was sent to {where} arrived changed ({answer.code}); run the same command again"
        )
    return TransientBlobError(
        f"the server cannot serve {where} now: {_quote(answer)}; run the same command again later"
    )


def _refusal(where: str, place: CloudPlace, answer: ServerAnswer) -> BlobError:
    said = _quote(answer)
    remedy, command = _LOGIN[place.kind]
    if answer.code in _CLOCK_CODES:
        return BlobError(
            f"the server refuses {where}, as the clock here is wrong: {said}; set it", hint="date"
        )
    if answer.code in _EXPIRED_CODES:
        return BlobError(
            f"the credentials for {where} have expired: {said}; {remedy}", hint=command
        )
    if answer.code in _REGION_CODES or answer.status in (301, 307):
        return BlobError(
            f"{place.bucket} is in another region: {said}; name it as `region` in the settings of"
            " the remote, or as AWS_REGION"
        )
    if answer.status in (401, 403):
        return BlobError(
            f"the server refuses {where}: {said}; check that these credentials may read and write"
            f" there: {remedy}",
            hint=command,
        )
    return BlobError(f"the server refuses {where}: {said}")


def _transport_error(where: str, error: BaseException) -> BlobError:
    """Without an answer: the connection failed, or nothing was sent at all."""
    text = str(error)
    if any(mark in text for mark in _UNTRUSTED):
        return BlobError(
            f"the certificate of the server of {where} is not one that this machine trusts; name"
            " the file of its authority as SSL_CERT_FILE"
        )
    if any(mark in text for mark in _NO_TLS):
        return BlobError(
            f"the server of {where} does not speak TLS; its endpoint may begin with http://"
        )
    if "path segment" in text:
        return BlobError(
            f"a key below {where} has a part that is empty, `.` or `..`, which cannot be read;"
            " rename that object"
        )
    if "builder error" in text:
        return BlobError(f"{where} has no usable endpoint; begin it with https://")
    if "Error performing" not in text and "HTTP error" not in text and "list" not in text:
        return BlobError(f"{where} cannot be opened: {_first_words(error)}")
    meaning = next((words for mark, words in _TRANSPORT if mark in text), "the connection broke")
    return TransientBlobError(f"the server of {where} does not answer: {meaning}")


def _quote(answer: ServerAnswer) -> str:
    words = " ".join(answer.message.split())[:_SHOWN]
    parts = [str(answer.status), *filter(None, (answer.code, words))]
    return printable_name(" ".join(parts))


def _first_words(error: BaseException) -> str:
    return printable_name(" ".join(_cut_debug(error).split())[:_SHOWN])


def _cut_debug(error: BaseException) -> str:
    """The text without the chain of reasons below it."""
    return str(error).partition("\n\nDebug source")[0]
