from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import MlverError
from mlver.policy.serving.version_numbers import number_version
from mlver.version import Version, parse_version, sort_versions

PRERELEASES = st.none() | st.builds(
    "{}.{}".format, st.sampled_from(("alpha", "beta", "rc")), st.integers(0, 32)
)
PARTS = st.integers(0, 3) | st.integers(0, 9_999)
VERSIONS = st.builds(Version, st.integers(0, 900_000), PARTS, PARTS, PRERELEASES)


@pytest.mark.parametrize(
    ("version", "number"),
    [
        ("1.1.0", 10_001_000_099),
        ("1.0.0", 10_000_000_099),
        ("0.0.0", 99),
        ("1.1.0-alpha.0", 10_001_000_000),
        ("1.1.0-beta.2", 10_001_000_035),
        ("1.1.0-rc.32", 10_001_000_098),
        ("900719.0.0", 9_007_190_000_000_099),
    ],
)
def test_a_version_has_its_number(version: str, number: int) -> None:
    assert number_version(parse_version(version)) == number


@given(st.lists(VERSIONS, min_size=2, max_size=20, unique=True))
def test_numbers_have_the_order_of_versions(versions: list[Version]) -> None:
    numbered = [version for version in versions if version != Version(0, 0, 0, "alpha.0")]
    numbers = [number_version(version) for version in sort_versions(numbered)]
    assert all(lower < higher for lower, higher in pairwise(numbers))
    assert all(0 < number < 2**53 for number in numbers)


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("1.10000.0", "its minor or patch number is 10000 or more"),
        ("1.0.10000", "its minor or patch number is 10000 or more"),
        ("900720.0.0", "its major number is too large"),
        ("1.0.0-dev.1", "its pre-release is not alpha, beta or rc with a number"),
        ("1.0.0-rc", "its pre-release is not alpha, beta or rc with a number"),
        ("1.0.0-rc.1.2", "its pre-release is not alpha, beta or rc with a number"),
        ("1.0.0-rc.33", "its pre-release has a number above 32"),
        ("0.0.0-alpha.0", "it would be 0"),
    ],
)
def test_a_version_without_a_number_is_refused(version: str, reason: str) -> None:
    with pytest.raises(MlverError, match=reason) as refused:
        number_version(parse_version(version))
    assert str(refused.value).startswith(f"{version} has no number")
    assert refused.value.hint == "mlver register --help"
