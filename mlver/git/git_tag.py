"""Tags as git stores them: what one names, whether it is signed, and which record it seals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from mlver.git.objects import GitObject

_TRAILER = re.compile(r"^Mlver-Record: (sha256:[0-9a-f]{64})$", re.MULTILINE)
# Where git takes a signature to begin (gitformat-signature(5)): nobody signed what follows.
_SIGNATURE = re.compile(
    r"^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----", re.MULTILINE
)
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
        return self.annotated and _SIGNATURE.search(self.message) is not None

    @property
    def seals(self) -> str | None:
        """The digest of the record that this tag seals."""
        unsigned = _SIGNATURE.split(self.message, maxsplit=1)[0]
        digests: list[str] = _TRAILER.findall(unsigned)
        if not digests:
            return None
        return digests[-1]


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
