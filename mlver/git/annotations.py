"""Who wrote a tag, when and why; a lightweight tag has the words of its commit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlver.errors import printable_name
from mlver.git.repository import GitRepository

# `contents:subject` and `contents:body` leave a signature out.
_FIELDS = "%(refname)%00%(creator)%00%(contents:subject)%00%(contents:body)%00"
_FIELD_COUNT = _FIELDS.count("%00")
_AUTHOR_LENGTH = 4096
_CREATOR = re.compile(r"(.*) (-?[0-9]{1,15}) [-+][0-9]{4}", re.DOTALL)


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


def _parse_creator(creator: str) -> tuple[str, int]:
    match = _CREATOR.fullmatch(creator)
    if match is None:
        return "", 0
    return match[1], int(match[2])
