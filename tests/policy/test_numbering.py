from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import MlverError, UsageError
from mlver.policy.numbering import next_version
from mlver.version import BUMPS, Bump, Version, parse_version

PRERELEASES = st.none() | st.builds("rc.{}".format, st.integers(1, 3))
VERSIONS = st.builds(Version, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), PRERELEASES)


def versions(text: str) -> list[Version]:
    return [parse_version(one) for one in text.split()]


BUMPED: list[tuple[str, Bump, str]] = [
    ("", "patch", "1.0.0"),
    ("", "minor", "1.0.0"),
    ("", "major", "1.0.0"),
    ("", "prerelease", "1.0.0-rc.1"),
    ("1.2.3", "patch", "1.2.4"),
    ("1.2.3", "minor", "1.3.0"),
    ("1.2.3", "major", "2.0.0"),
    ("1.2.3", "prerelease", "1.2.4-rc.1"),
    ("1.2.4-rc.1", "prerelease", "1.2.4-rc.2"),
    ("1.2.4-rc.9", "prerelease", "1.2.4-rc.10"),
    ("1.2.4-rc.2", "patch", "1.2.4"),
    ("1.3.0-rc.2", "minor", "1.3.0"),
    ("2.0.0-rc.1", "major", "2.0.0"),
    ("2.0.0-rc.1", "minor", "2.0.0"),
    ("1.2.1-rc.1", "minor", "1.3.0"),
    ("1.9.0 1.10.0", "minor", "1.11.0"),  # by precedence, not by letters
    ("2.0.0 1.9.9", "patch", "2.0.1"),
    ("1.0.0-rc.1 1.0.0", "patch", "1.0.1"),
    ("0.1.0", "minor", "0.2.0"),
]


@pytest.mark.parametrize(("taken", "part", "expected"), BUMPED)
def test_a_bump_counts_on_from_the_highest(taken: str, part: Bump, expected: str) -> None:
    assert str(next_version("m", versions(taken), part=part)) == expected


PRE_RELEASED: list[tuple[str, Bump | None, str, str]] = [
    ("", None, "rc", "1.0.0-rc.1"),
    ("1.0.0", "minor", "rc", "1.1.0-rc.1"),
    ("1.0.0 1.1.0-rc.1", "minor", "rc", "1.1.0-rc.2"),
    ("1.0.0 1.1.0-rc.9", "minor", "rc", "1.1.0-rc.10"),
    ("1.0.0 1.1.0-rc.1", "major", "rc", "2.0.0-rc.1"),
    ("1.0.0 1.1.0-alpha.4", "minor", "beta", "1.1.0-beta.1"),
    ("1.0.0 1.1.0-beta", "minor", "rc", "1.1.0-rc.1"),
]


@pytest.mark.parametrize(("taken", "part", "pre", "expected"), PRE_RELEASED)
def test_a_pre_release_counts_on_towards_its_release(
    taken: str, part: Bump | None, pre: str, expected: str
) -> None:
    known = versions(taken)
    number = next_version("m", known, part=part, pre=pre)
    assert str(number) == expected
    released = next_version("m", [*known, number], part=part or "patch")
    assert released == number.finalize_version()


@pytest.mark.parametrize("pre", ["", "1", "rc.1", "r c", "-rc", "ré", "rc\n"])
def test_what_names_no_pre_release_is_refused(pre: str) -> None:
    with pytest.raises(UsageError, match="is no name of a pre-release"):
        next_version("m", versions("1.0.0"), part="minor", pre=pre)


def test_a_pre_release_goes_with_a_part_of_the_number() -> None:
    for options in ({"part": "prerelease"}, {"wanted": parse_version("1.1.0")}):
        with pytest.raises(UsageError, match="--pre names what comes before a release"):
            next_version("m", versions("1.0.0"), pre="rc", **options)
    with pytest.raises(UsageError, match="say which number comes next"):
        next_version("m", versions("1.0.0"), pre="rc")
    with pytest.raises(MlverError, match=r"1\.1\.0-beta\.1 is below 1\.1\.0-rc\.1"):
        next_version("m", versions("1.1.0-rc.1"), part="minor", pre="beta")


def test_the_first_version_needs_no_number() -> None:
    assert str(next_version("m", [])) == "1.0.0"
    assert str(next_version("m", [], wanted=parse_version("0.1.0"))) == "0.1.0"


WANTED = [
    ("1.0.0", "1.0.1"),
    ("1.0.0", "3.0.0"),
    ("1.0.0", "1.1.0-rc.1"),
    ("1.1.0-rc.1", "1.1.0-rc.2"),
    ("1.1.0-rc.2", "1.1.0"),
]


@pytest.mark.parametrize(("taken", "wanted"), WANTED)
def test_any_number_above_the_highest_may_be_named(taken: str, wanted: str) -> None:
    assert str(next_version("m", versions(taken), wanted=parse_version(wanted))) == wanted


@pytest.mark.parametrize("wanted", ["1.0.1", "0.9.0", "2.0.0-rc.1"])
def test_a_lower_number_is_refused_until_allowed(wanted: str) -> None:
    with pytest.raises(MlverError, match=r"is below 2\.0\.0, the highest registered") as refused:
        next_version("m", versions("1.0.0 2.0.0"), wanted=parse_version(wanted))
    assert f"--version {wanted} --allow-lower" in (refused.value.hint or "")
    assert (
        str(
            next_version(
                "m", versions("1.0.0 2.0.0"), wanted=parse_version(wanted), allow_lower=True
            )
        )
        == wanted
    )


@pytest.mark.parametrize("allow_lower", [True, False])
def test_a_number_is_given_once(allow_lower: bool) -> None:
    with pytest.raises(MlverError, match="is registered already") as refused:
        next_version(
            "m", versions("1.0.0 2.0.0"), wanted=parse_version("1.0.0"), allow_lower=allow_lower
        )
    assert refused.value.exit_code == 3


def test_two_ways_to_name_the_number_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="both name the number"):
        next_version("m", [], wanted=parse_version("1.0.0"), part="patch")


def test_without_a_number_the_hint_gives_the_ways() -> None:
    with pytest.raises(UsageError, match=r"m has versions up to 1\.1\.0") as refused:
        next_version("m", versions("1.0.0 1.1.0"))
    assert "--bump patch" in (refused.value.hint or "")


@given(st.sets(VERSIONS, min_size=1), st.sampled_from(BUMPS))
def test_a_bump_is_always_new_and_always_the_highest(taken: set[Version], part: Bump) -> None:
    assert next_version("m", taken, part=part) > max(taken)
