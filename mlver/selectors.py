"""`MODEL[@SELECTOR]`: how people name a version. What it means here is looked up elsewhere.

A selector is a version (`1.2.0`, `v1.2.0`), a line of versions (`1.2`), a stage, `latest`, a step
back (`production~1`, `~1`), or the beginning of a digest (`sha256:670215118ba1`).
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from mlver.errors import UsageError, printable_name
from mlver.names import LATEST, check_model
from mlver.version import parse_version

SelectorKind = Literal["latest", "version", "line", "stage", "digest"]

DIGEST_PREFIX = "sha256:"
# Fewer digits are soon those of several versions; git cuts its names to as many.
LEAST_DIGITS = 7

_NUMBER = "0|[1-9][0-9]{0,250}"
_LINE = re.compile(rf"v?({_NUMBER})\.({_NUMBER})")
_VERSION_LIKE = re.compile(r"v?[0-9]+\.[0-9A-Za-z.+-]*")
_STAGE = re.compile(r"([a-z][a-z0-9_]{0,31})?(?:~([1-9][0-9]{0,3}))?")
_DIGITS = re.compile(rf"[0-9a-f]{{{LEAST_DIGITS},64}}")
_EXPECTED = (
    "after @ comes a version (1.2.0, or 1.2 for the newest of that line), a stage (production),"
    " latest, the one before (production~1, ~1), or sha256: with seven hex digits or more"
)


class ModelRef(NamedTuple):
    """`MODEL[@SELECTOR]` taken apart; None for the part that was not given."""

    model: str | None
    selector: str | None

    def __str__(self) -> str:
        return (self.model or "") + (f"@{self.selector}" if self.selector else "")


class VersionSelector(NamedTuple):
    """A selector that was read.

    `text` is the version, the line (`1.2`), the stage or the hex digits; empty for `latest`.
    `steps` is how many holders, or releases, it goes back.
    """

    kind: SelectorKind
    text: str = ""
    steps: int = 0


def parse_ref(text: str) -> ModelRef:
    """Read `MODEL`, `MODEL@SELECTOR` or `@SELECTOR`; raise UsageError for anything else."""
    model, separator, selector = text.partition("@")
    if not text or (separator and not selector):
        raise UsageError(
            f"`{printable_name(text)}` names no version; write MODEL, MODEL@1.2.0 or"
            " MODEL@production"
        )
    if selector:
        parse_selector(selector)
    return ModelRef(check_model(model) if model else None, selector or None)


def parse_selector(text: str) -> VersionSelector:
    """Read a selector; raise UsageError for what cannot be one."""
    if text.startswith(DIGEST_PREFIX):
        digits = text.removeprefix(DIGEST_PREFIX)
        if not _DIGITS.fullmatch(digits):
            raise UsageError(
                f"`{printable_name(text)}` is no digest; give sha256: and {LEAST_DIGITS} to 64"
                " lower-case hex digits"
            )
        return VersionSelector("digest", digits)
    line = _LINE.fullmatch(text)
    if line is not None:
        return VersionSelector("line", f"{line[1]}.{line[2]}")
    if _VERSION_LIKE.fullmatch(text):
        return VersionSelector("version", str(parse_version(text)))
    stage = _STAGE.fullmatch(text)
    if not text or stage is None:
        raise UsageError(f"`{printable_name(text)}` is neither a version nor a stage; {_EXPECTED}")
    steps = int(stage[2] or 0)
    if stage[1] is None or stage[1] == LATEST:
        return VersionSelector("latest", steps=steps)
    return VersionSelector("stage", stage[1], steps)


def is_bare_selector(text: str) -> bool:
    """Whether a REF without `@` can mean a version of the only model, unless a model has that name.

    A word may be the name of a model with a typing error, so it does not mean a stage.
    """
    if not (_VERSION_LIKE.fullmatch(text) or text.startswith((DIGEST_PREFIX, "~"))):
        return False
    try:
        parse_selector(text)
    except UsageError:
        return False
    return True
