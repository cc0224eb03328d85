"""Versions as the whole numbers that TensorFlow Serving and Triton name their folders with.

Both take the highest number for the newest version, so the numbers are in the order of semver.org.
They stay below 2**53, which JSON and JavaScript keep exactly.
"""

from __future__ import annotations

import re

from mlver.errors import MlverError
from mlver.version import Version

# Minor and patch numbers below this, and pre-releases of this many of each word, have a number.
PART_LIMIT = 10_000
PRERELEASE_LIMIT = 33
_PLACES_PER_PATCH = 100
_RELEASE_PLACE = 99
_PRERELEASE_PLACES = {"alpha": 0, "beta": PRERELEASE_LIMIT, "rc": 2 * PRERELEASE_LIMIT}
_NUMBER_LIMIT = 2**53
_PRERELEASE = re.compile(r"(alpha|beta|rc)\.(0|[1-9][0-9]{0,9})")


def number_version(version: Version) -> int:
    """The number of a version: 1.1.0 → 10001000099, and 1.1.0-rc.1 → 10001000067.

    Raises MlverError for a version that has none.
    """
    place = _place_prerelease(version)
    if max(version.minor, version.patch) >= PART_LIMIT:
        raise _refuse_version(version, f"its minor or patch number is {PART_LIMIT} or more")
    number = version.major * PART_LIMIT + version.minor
    number = (number * PART_LIMIT + version.patch) * _PLACES_PER_PATCH + place
    if number >= _NUMBER_LIMIT:
        raise _refuse_version(version, "its major number is too large")
    if number == 0:
        raise _refuse_version(version, "it would be 0, and servers pass over a folder of that name")
    return number


def _place_prerelease(version: Version) -> int:
    if version.prerelease is None:
        return _RELEASE_PLACE
    matched = _PRERELEASE.fullmatch(version.prerelease)
    if matched is None:
        raise _refuse_version(version, "its pre-release is not alpha, beta or rc with a number")
    if int(matched[2]) >= PRERELEASE_LIMIT:
        raise _refuse_version(version, f"its pre-release has a number above {PRERELEASE_LIMIT - 1}")
    return _PRERELEASE_PLACES[matched[1]] + int(matched[2])


def _refuse_version(version: Version, reason: str) -> MlverError:
    return MlverError(
        f"{version} has no number that a server could name its folder with: {reason}; versions such"
        " as 1.2.0 and 1.2.0-rc.1 have one",
        hint="mlver register --help",
    )
