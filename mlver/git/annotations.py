"""What people wrote into their tags: who, when and why; of a lightweight tag, what its commit says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlver.git.repository import Repository

# `contents:subject` and `contents:body` leave a signature out.
_FIELDS = "%(refname)%00%(creator)%00%(contents:subject)%00%(contents:body)%00"
_CREATOR = re.compile(r"(.*) (-?[0-9]{1,15}) [-+][0-9]{4}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Annotation:
    """`author` is `Name <mail>`, `seconds` are since 1970 (UTC)."""

    author: str
    seconds: int
    message: str


def told_by_tags(repository: Repository) -> dict[str, Annotation]:
    """Of every tag, by its name."""
    fields = repository.process.read(["for-each-ref", f"--format={_FIELDS}", "refs/tags/"]).split(
        b"\0"
    )
    found: dict[str, Annotation] = {}
    for at in range(0, len(fields) - 4, 4):
        ref, creator, subject, body = (
            field.decode(errors="replace") for field in fields[at : at + 4]
        )
        told = _CREATOR.fullmatch(creator)
        author, seconds = (told[1], int(told[2])) if told else ("", 0)
        name = ref.removeprefix("\n").removeprefix("refs/tags/")
        found[name] = Annotation(author, seconds, f"{subject}\n\n{body}".strip())
    return found
