"""The names of tags: `<model>@v<version>` seals a version, `<model>@<stage>.<n>` a promotion."""

from __future__ import annotations

import re
from typing import NamedTuple

# A version has two dots or more, and a promotion's number stands behind the only dot: `v1.2` is
# promotion 2 of the stage `v1`.
_VERSION_TAG = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,99})@v([0-9]+\.[0-9]+\.[0-9][0-9A-Za-z.+-]{0,99})"
)


_PROMOTION_TAG = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,99})@([a-z][a-z0-9_]{0,31})\.([1-9][0-9]{0,8})"
)


class TagName(NamedTuple):
    """What a tag is of: a version of a model, or a promotion by its stage and number.

    None for the other's.
    """

    model: str
    version: str | None = None
    stage: str | None = None
    sequence: int | None = None

    @property
    def full_name(self) -> str:
        """Its tag's name."""
        if self.stage is None or self.sequence is None:
            return version_tag_name(self.model, self.version)
        return promotion_tag_name(self.model, self.stage, self.sequence)


def version_tag_name(model: str, version: object) -> str:
    return f"{model}@v{version}"


def promotion_tag_name(model: str, stage: str, sequence: int) -> str:
    return f"{model}@{stage}.{sequence}"


def read_tag_name(name: str) -> TagName | None:
    """The one reader of what the two above write; None for the name of any other tag."""
    if tag_match := _VERSION_TAG.fullmatch(name):
        return TagName(tag_match[1], version=tag_match[2])
    if tag_match := _PROMOTION_TAG.fullmatch(name):
        return TagName(tag_match[1], stage=tag_match[2], sequence=int(tag_match[3]))
    return None
