from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import UsageError
from mlver.version import (
    BUMPS,
    Bump,
    Version,
    bump_version,
    highest_release,
    highest_version,
    newest_versions,
    parse_canonical,
    parse_version,
    sort_versions,
)

IDENTIFIERS = st.integers(0, 12).map(str) | st.from_regex(r"[a-z-][0-9a-z-]{0,3}", fullmatch=True)
PRERELEASES = st.none() | st.lists(IDENTIFIERS, min_size=1, max_size=3).map(".".join)
VERSIONS = st.builds(
    Version, st.integers(0, 12), st.integers(0, 12), st.integers(0, 12), PRERELEASES
)


@given(VERSIONS)
def test_a_version_is_read_as_it_is_written_with_or_without_its_v(version: Version) -> None:
    assert str(parse_version(str(version))) == str(version)
    assert parse_version(f"v{version}") == version


WRONG = [
    "",
    "1",
    "1.2",
    "1.2.3.4",
    "01.2.3",
    "1.2.03",
    "1.2.3-",
    "1.2.3-01",
    "vv1.2.3",
    "V1.2.3",
    " 1.2.3",
    "1.2.3\n",
]
WRONG += ["1.2.x", "-1.2.3", "1.2.3-ä", "latest", "1.2.3/..", "1" * 5000 + ".0.0", "١.2.3"]  # noqa: RUF001


@pytest.mark.parametrize("text", WRONG)
def test_anything_else_is_refused_with_its_shape(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a semantic version; .* such as 1\.2\.0"):
        parse_version(text)


def test_build_metadata_is_refused_with_what_to_write_instead() -> None:
    with pytest.raises(UsageError, match=r"has build metadata, .*; use 1\.2\.0-rc\.1, "):
        parse_version("1.2.0-rc.1+linux")


def test_precedence_is_semvers() -> None:
    texts = (
        "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11"
        " 1.0.0-rc.1 1.0.0".split()
    )
    found = [parse_version(text) for text in texts]
    assert sorted([*found[4:], *found[:4]]) == found
    assert sort_versions([*found[4:], *found[:4]]) == found
    assert highest_version(found) == found[-1]
    assert highest_version(found[:-1]) == parse_version("1.0.0-rc.1")
    assert highest_release(found) == found[-1]
    assert highest_release(found[:-1]) is None
    assert highest_version([]) is None


@given(st.lists(VERSIONS, max_size=8))
def test_many_are_ordered_as_the_library_compares_two(versions: list[Version]) -> None:
    assert sort_versions(versions) == sorted(versions)


@given(VERSIONS, st.sampled_from(BUMPS))
def test_a_bump_is_higher(version: Version, part: Bump) -> None:
    assert bump_version(version, part) > version


NAMES = VERSIONS.map(str) | st.sampled_from(
    [*WRONG, "1.2.3+b", "v1.2.3", "1.2.3\n1.2.4", "9" * 250 + ".0.0"]
)


@given(st.lists(NAMES, unique=True), st.integers(0, 5))
def test_the_newest_are_the_end_of_all_in_order(names: list[str], limit: int) -> None:
    known = [version for version in map(parse_canonical, names) if version is not None]
    assert newest_versions(names, limit) == (sort_versions(known)[::-1][:limit], len(known))
