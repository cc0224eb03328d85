"""Which number a new version gets, and which are refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.version import BUMPS, FIRST, Bump, Version, bump_version, highest_version

_PRE_RELEASE = re.compile(r"[A-Za-z][0-9A-Za-z-]{0,31}")


def next_version(
    model: str,
    taken: Collection[Version],
    *,
    wanted: Version | None = None,
    part: Bump | None = None,
    pre: str | None = None,
    allow_lower: bool = False,
) -> Version:
    """The number of the next version: `wanted`, or the highest bumped by `part`, or 1.0.0 for the
    first. With `pre`, it is the next pre-release of that name before such a release.

    Raise UsageError when neither is told and there are versions already, MlverError when the number
    is taken or lies below the highest without `allow_lower`.
    """
    if wanted is not None and part is not None:
        raise UsageError("--version and --bump both name the number; give one of them")
    top = highest_version(taken)
    if pre is not None:
        _require_pre_release(model, pre, wanted, part)
    if wanted is None:
        wanted = _bump_highest(model, top, part)
    if pre is not None:
        wanted = _find_next_pre(wanted, pre, taken)
    if wanted in taken:
        raise MlverError(
            f"{model} {wanted} is registered already, and a version never changes",
            hint=shell_command("mlver", "register", model, "--bump", "patch", "-m", "WHY"),
        )
    require_distinct(model, wanted, taken)
    if top is not None and wanted < top and not allow_lower:
        raise MlverError(
            f"{model} {wanted} is below {top}, the highest registered, as only a fix to an older "
            "line may be",
            hint=shell_command(
                "mlver", "register", model, "--version", str(wanted), "--allow-lower", "-m", "WHY"
            ),
        )
    return wanted


def _require_pre_release(model: str, pre: str, wanted: Version | None, part: Bump | None) -> None:
    """Raise UsageError where a pre-release's name is none, or goes with nothing."""
    words = ["mlver", "register", model, "--bump", "minor", "--pre", "rc", "-m", "WHY"]
    if not _PRE_RELEASE.fullmatch(pre):
        raise UsageError(
            f"`{printable_name(pre)}` is no name of a pre-release; it takes letters, digits and"
            " `-`, beginning with a letter",
            hint=shell_command(*words),
        )
    if wanted is not None or part == "prerelease":
        raise UsageError(
            "--pre names what comes before a release, so it goes with --bump major, minor or patch",
            hint=shell_command(*words),
        )


def _find_next_pre(release: Version, pre: str, taken: Iterable[Version]) -> Version:
    """Find the first pre-release of a name that comes after all others of this release."""
    count = 0
    for version in taken:
        name, _, number = (version.prerelease or "").rpartition(".")
        is_same = version.finalize_version() == release and name == pre
        if is_same and number.isdigit():
            count = max(count, int(number))
    return release.replace(prerelease=f"{pre}.{count + 1}")


def _bump_highest(model: str, top: Version | None, part: Bump | None) -> Version:
    if top is None:
        return Version(1, 0, 0, "rc.1") if part == "prerelease" else FIRST
    if part is None:
        raise UsageError(
            f"{model} has versions up to {top}; say which number comes next ({', '.join(BUMPS)})",
            hints=(
                shell_command("mlver", "register", model, "--bump", "patch", "-m", "WHY"),
                "mlver status",
            ),
        )
    return bump_version(top, part)


def require_distinct(model: str, number: Version, others: Iterable[Version]) -> None:
    """Raise MlverError where a number differs from one of the others by letter case only."""
    twin = find_case_twin(str(number), map(str, others))
    if twin is not None:
        raise MlverError(
            f"{model} {number} differs from {twin} by letter case only, and their records would be"
            " one file on many machines",
            hint=shell_command("mlver", "register", model, "--bump", "patch", "-m", "WHY"),
        )


def find_case_twin(number: str, others: Iterable[str]) -> str | None:
    """Find the other number that is the same where letter case does not count."""
    # A number without letters, as most are, has no other way to be written.
    if number.lower() == number.upper():
        return None
    for other in others:
        if other != number and other.casefold() == number.casefold():
            return other
    return None


def bumped_part(version: Version) -> Bump:
    """The part of a number that was counted up: `minor` for 1.2.0, `prerelease` for 1.2.0-rc.1."""
    if version.prerelease is not None:
        return "prerelease"
    return "patch" if version.patch else "minor" if version.minor else "major"
