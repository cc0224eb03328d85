"""Who wrote a tag, when and why; a lightweight tag has the words of its commit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlver.errors import printable_name
from mlver.git.git_tag import make_tag
from mlver.git.objects import GitObject
from mlver.git.repository import GitRepository
from mlver.policy.promotion_dates import format_seconds

# `contents:subject` and `contents:body` leave a signature out.
_FIELDS = "%(refname)%00%(creator)%00%(contents:subject)%00%(contents:body)%00"
_FIELD_COUNT = _FIELDS.count("%00")
_AUTHOR_LENGTH = 4096
_CREATOR = re.compile(r"(.*) (-?[0-9]{1,15}) [-+][0-9]{4}", re.DOTALL)
# A lightweight tag was made, as far as git knows, by who made its commit.
_CREATOR_LINE = re.compile(rb"^(?:tagger|committer) (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TagAnnotation:
    """`author` is `Name <mail>`, `seconds` are since 1970 (UTC)."""

    author: str
    seconds: int
    message: str

    @property
    def recorded_author(self) -> str:
        """The author as a record that is adopted from the tag spells it."""
        return printable_name(self.author)[:_AUTHOR_LENGTH] or "unknown"

    @property
    def recorded_date(self) -> str:
        """The date of a record that is adopted from the tag."""
        return format_seconds(self.seconds)


def read_annotations(repository: GitRepository) -> dict[str, TagAnnotation]:
    """Read the annotation of every tag, by the tag's name."""
    listing = repository.process.read(["for-each-ref", f"--format={_FIELDS}", "refs/tags/"])
    fields = listing.decode(errors="replace").split("\0")
    annotations: dict[str, TagAnnotation] = {}
    for start in range(0, len(fields) - _FIELD_COUNT, _FIELD_COUNT):
        reference, creator, subject, body = fields[start : start + _FIELD_COUNT]
        # git ends each reference with a newline, which so begins the next
        name = reference.removeprefix("\n").removeprefix("refs/tags/")
        author, seconds = _parse_creator(creator)
        message = f"{subject}\n\n{body}".strip()
        annotations[name] = TagAnnotation(author, seconds, message)
    return annotations


def annotate_object(target: GitObject) -> TagAnnotation:
    """Read the annotation of a tag that is a reference to this object."""
    header, _, _ = target.data.partition(b"\n\n")
    line = _CREATOR_LINE.search(header)
    creator = b"" if line is None else line[1]
    author, seconds = _parse_creator(creator.decode(errors="replace"))
    return TagAnnotation(author, seconds, make_tag("", target).message.strip())


def _parse_creator(creator: str) -> tuple[str, int]:
    match = _CREATOR.fullmatch(creator)
    if match is None:
        return "", 0
    return match[1], int(match[2])
