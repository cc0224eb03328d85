"""Tags as git stores them: what one names, whether it is signed, and which record it seals."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import NamedTuple

from mlver.git.objects import GitObject

_TRAILER = re.compile(r"^Mlver-Record: (sha256:[0-9a-f]{64})$", re.MULTILINE)
# Where git takes a signature to begin (gitformat-signature(5)): nobody signed what follows.
_SIGNATURE = re.compile(
    r"^-----BEGIN (PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----", re.MULTILINE
)
# OpenPGP's armour has headers and may have a checksum (RFC 9580, section 6).
_BESIDE_PAYLOAD = re.compile(r"[\w-]+: .*|=[A-Za-z0-9+/]{4}")
_TAGGED_COMMIT = re.compile(rb"object ([0-9a-f]+)\ntype commit\n")
# The tag object's own header: this clone may lack what it points at.
TAG_FIELDS = "%(refname)%00%(objectname)%00%(objecttype)%00%(object)%00%(type)%00%(contents)%00"
TAG_FIELD_COUNT = TAG_FIELDS.count("%00")


class GitTag(NamedTuple):
    """A tag as git stores it; `commit` is None when it names anything but a commit."""

    name: str
    object_id: str
    annotated: bool
    commit: str | None
    message: str

    @property
    def is_signed(self) -> bool:
        """Whether it bears a signature that is whole, whoever made it, and of whatever.

        Anybody can write the first line of one, and git takes that for a signature.
        """
        return self.annotated and _bears_signature(self.message)

    @property
    def has_ssh_signature(self) -> bool:
        """Whether the signature is one that an SSH key made, which a file of keys can judge."""
        kinds = _SIGNATURE.findall(self.message)
        return self.is_signed and kinds[-1] == "SSH SIGNATURE"

    @property
    def seals(self) -> str | None:
        """The digest of the record that this tag seals."""
        unsigned = _SIGNATURE.split(self.message, maxsplit=1)[0]
        digests: list[str] = _TRAILER.findall(unsigned)
        if not digests:
            return None
        return digests[-1]


def _bears_signature(message: str) -> bool:
    begins = list(_SIGNATURE.finditer(message))
    if not begins:
        return False
    # the one that git checks
    last = begins[-1]
    armoured, end, _ = message[last.end() :].partition(f"\n-----END {last[1]}-----")
    if not end:
        return False
    lines = [line.strip() for line in armoured.splitlines()]
    encoded = "".join(line for line in lines if not _BESIDE_PAYLOAD.fullmatch(line))
    try:
        payload = base64.b64decode(encoded, validate=True)
    except ValueError:
        return False
    # most tags bear none
    from mlver.git.signature_blocks import is_signature

    return is_signature(last[1], payload)


def parse_tag(fields: Sequence[str]) -> GitTag:
    """Parse the tag that `TAG_FIELDS` describe."""
    reference, object_id, kind, target, target_kind, message = fields
    # git ends each reference with a newline, which so begins the next
    name = reference.removeprefix("\n").removeprefix("refs/tags/")
    commit = None
    if kind == "commit":
        commit = object_id
    elif kind == "tag" and target_kind == "commit":
        commit = target
    return GitTag(name, object_id, kind == "tag", commit, message)


def make_tag(name: str, target: GitObject) -> GitTag:
    """Make the tag that a reference to this object is; what a tag object names is not looked up."""
    header, _, message = target.data.partition(b"\n\n")
    is_annotated = target.kind == b"tag"
    commit = None
    if target.kind == b"commit":
        commit = target.id
    elif is_annotated:
        tagged = _TAGGED_COMMIT.match(header)
        if tagged is not None:
            commit = tagged[1].decode()
    return GitTag(name, target.id, is_annotated, commit, message.decode(errors="replace"))
