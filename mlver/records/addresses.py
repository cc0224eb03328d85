"""Addresses of data that never comes to this machine, as records and settings hold them."""

from __future__ import annotations

import re

from mlver.errors import UsageError, printable_name
from mlver.names import check_text

URL_SCHEMES = ("s3", "gs", "az", "https", "file")
_MAX_URL = 4096
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
# The same as `url` in `schemas/version.schema.json`.
_PART = r"(?!\.{1,2}(?:/|\Z))[^/?#\x00-\x1f\x7f-\x9f]+"
_URL = re.compile(
    rf"(?:(?:s3|gs|az)://[A-Za-z0-9][A-Za-z0-9._-]*(?:/{_PART})*"
    rf"|https://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{{1,5}})?(?:/{_PART})*|file://(?:/{_PART})+)",
    re.ASCII,
)


def is_clean_url(text: str) -> bool:
    """Say whether this is an address as records hold it."""
    return len(text) <= _MAX_URL and _URL.fullmatch(text) is not None


def is_url(text: str) -> bool:
    """Say whether this is meant as an address, and not as a path here."""
    return _SCHEME.fullmatch(text) is not None


def check_url(text: str) -> str:
    """The address as records hold it: without a slash at its end, the scheme in lower case.

    Raise UsageError where it is none of a prefix that can be listed.
    """
    match = _SCHEME.fullmatch(check_text(text, "the address"))
    if match is None:
        raise UsageError(f"{printable_name(text)} is no address such as s3://bucket/prefix")
    scheme, rest = match[1].lower(), match[2]
    if "@" in rest.partition("/")[0]:
        # the text is not repeated: it may hold a password
        raise UsageError(
            f"an address of {scheme}:// has a user or a password in it, and records are for"
            " everybody; leave them out and give them by the environment"
        )
    if scheme not in URL_SCHEMES:
        known = ", ".join(f"{name}://" for name in URL_SCHEMES)
        raise UsageError(
            f"data cannot be pinned at {printable_name(scheme)}://; the address begins with one"
            f" of: {known}"
        )
    url = f"{scheme}://{rest.rstrip('/')}"
    if not is_clean_url(url):
        # what follows a `?` may be a key
        shown = printable_name(text.partition("?")[0])
        raise UsageError(
            f"{shown} is not the address of a folder: give a bucket and a prefix such as"
            " s3://bucket/prefix, or https://host/folder, without `?`, `#`, `//` or `..`"
        )
    return url
