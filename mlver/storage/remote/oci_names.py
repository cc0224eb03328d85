"""Names in an OCI registry: of a repository, of a tag, and the tag that stands for a key.

A tag is up to 128 of `[A-Za-z0-9_.-]` and does not begin with `.` or `-` (OCI distribution
specification 1.1). The tag of a key begins with `_`, as no version's does; in it `__` is a slash
and `_-` an underscore. A component of a key begins and ends with a letter or digit, so that each
key has its own tag, and each such tag its own key.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mlver.errors import UsageError, printable_name
from mlver.storage.remote.blobs import BlobAddress, BlobError, check_key, is_key
from mlver.storage.remote.web import check_web_address

MOST_TAG_CHARACTERS = 128
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)
_MARK = "_"
_ESCAPED = re.compile("_(.?)")
_MEANINGS = {"_": "/", "-": "_"}


class RepositoryName(NamedTuple):
    """A repository in a registry: the registry's host and port, and the repository's name."""

    host: str
    name: str


def parse_repository(address: BlobAddress) -> RepositoryName:
    """The repository that `oci://HOST/NAMESPACE/NAME` means."""
    host, _, name = check_web_address(address.text, address.rest).partition("/")
    # A longer one is refused by registries.
    if _REPOSITORY.fullmatch(name) is None or len(name) > 255:
        raise UsageError(
            f"{printable_name(address.text)} names no repository of a registry;"
            " write oci://HOST/NAMESPACE/NAME in lower-case letters, digits, `.`, `_` and `-`"
        )
    return RepositoryName(host.lower(), name)


def is_tag(text: object) -> bool:
    """Whether this can be a tag."""
    return isinstance(text, str) and _TAG.fullmatch(text) is not None


def key_to_tag(key: str) -> str:
    """The tag that stands for a key."""
    tag = _MARK + check_key(key).replace("_", "_-").replace("/", "__")
    if len(tag) > MOST_TAG_CHARACTERS:
        raise BlobError(
            f"{key} is too long for a registry, whose tags have {MOST_TAG_CHARACTERS} characters;"
            " use another kind of remote"
        )
    return tag


def tag_to_key(tag: str) -> str | None:
    """The key that a tag stands for; None for the tags of anybody else."""
    if not tag.startswith(_MARK) or not is_tag(tag):
        return None
    key = _ESCAPED.sub(lambda found: _MEANINGS.get(found[1], " "), tag[1:])
    # What stands for no key has a blank, and what stands for one is written in one way only.
    return key if is_key(key) and key_to_tag(key) == tag else None
