"""From an address to the back-end that serves it. A back-end is loaded when it is asked for."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, cast

from mlver.errors import UsageError
from mlver.extras import import_extra
from mlver.storage.remote.blobs import BlobAddress, BlobStore
from mlver.storage.remote.retrying import RetryingBlobs
from mlver.storage.remote.team import BlobTeamStore
from mlver.system.timings import STANDARD, Timings

# Only `://` makes an address: a directory may well be called `a:b`.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)


class BackEnd(NamedTuple):
    """A function that takes a BlobAddress, and the extra that brings the library it needs."""

    module: str
    factory: str
    extra: str | None = None


_AZURE = BackEnd("mlver.storage.remote.cloud", "open_cloud", "azure")
BACK_ENDS = {
    "file": BackEnd("mlver.storage.remote.directory", "open_directory"),
    "http": BackEnd("mlver.storage.remote.https", "open_https", "http"),
    "https": BackEnd("mlver.storage.remote.https", "open_https", "http"),
    "oci": BackEnd("mlver.storage.remote.oci", "open_oci", "oci"),
    "s3": BackEnd("mlver.storage.remote.cloud", "open_cloud", "s3"),
    "gs": BackEnd("mlver.storage.remote.cloud", "open_cloud", "gcs"),
    "az": _AZURE,
    "azure": _AZURE,
    "abfs": _AZURE,
    "abfss": _AZURE,
    "ssh": BackEnd("mlver.storage.remote.ssh", "open_ssh"),
}


def open_blobs(
    address: str, options: Mapping[str, str] | None = None, timings: Timings = STANDARD
) -> RetryingBlobs:
    """The blobs at an address; whatever serves them, calls that failed for now are repeated.

    An address is a URL of a known scheme, or the path of a directory. `options` are those of
    BlobAddress.
    """
    parsed = parse_address(address, options or {})._replace(timings=timings)
    back_end = BACK_ENDS.get(parsed.scheme or "file")
    if back_end is None:
        known = ", ".join(f"{known}://" for known in sorted(BACK_ENDS))
        raise UsageError(
            f"no back-end serves {parsed.scheme}:// ({address});"
            f" use a path, or an address that begins with one of: {known}"
        )
    open_back_end = getattr(_load_module(back_end), back_end.factory)
    return RetryingBlobs(cast(BlobStore, open_back_end(parsed)), timings.retries)


def parse_address(address: str, options: Mapping[str, str]) -> BlobAddress:
    """Take an address apart. Whether a back-end serves it is not judged."""
    match = _SCHEME.fullmatch(address)
    if match is None:
        return BlobAddress(address, "", address, options)
    return BlobAddress(address, match[1].lower(), match[2], options)


def open_team_store(
    address: str,
    options: Mapping[str, str] | None = None,
    *,
    cache_folder: Path,
    timings: Timings = STANDARD,
) -> BlobTeamStore:
    """The remote of a team at an address, over blobs; see `BlobTeamStore` for `cache_folder`."""
    return BlobTeamStore(open_blobs(address, options, timings), cache_folder)


def _load_module(back_end: BackEnd) -> ModuleType:
    if back_end.extra is None:
        return importlib.import_module(back_end.module)
    return import_extra(back_end.module, back_end.extra)
