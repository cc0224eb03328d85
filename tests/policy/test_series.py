"""Which files form a series."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.series import SeriesFile, VersionFiles, list_series


def test_each_file_comes_after_the_one_before_it() -> None:
    versions = [
        VersionFiles("1.10.0", "1.9.0", False, {"weights": "c"}),
        VersionFiles("1.8.0", None, False, {"weights": "a"}),
        VersionFiles("1.9.0", "1.8.0", True, {"weights": "b"}),
    ]
    assert list_series(versions) == [
        SeriesFile("a", None, False),
        SeriesFile("b", "a", True),
        SeriesFile("c", "b", False),
    ]


def test_a_file_of_several_versions_is_whole_where_one_held_a_stage() -> None:
    versions = [
        VersionFiles("1.0.0", None, False, {"weights": "a"}),
        VersionFiles("1.1.0", "1.0.0", False, {"weights": "b"}),
        VersionFiles("1.2.0", "1.1.0", True, {"weights": "b"}),
    ]
    assert list_series(versions) == [SeriesFile("a", None, False), SeriesFile("b", "a", True)]


def test_a_file_without_any_other_is_no_series() -> None:
    versions = [
        VersionFiles("1.0.0", None, False, {"weights": "a", "data": "d"}),
        VersionFiles("1.1.0", "1.0.0", False, {"weights/other": "b", "data": "d"}),
        VersionFiles("1.2.0", "0.1.0", False, {"weights": "e"}),
    ]
    assert list_series(versions) == []


def test_a_file_that_came_back_is_in_its_first_place() -> None:
    versions = [
        VersionFiles("1.0.0", None, False, {"weights": "a"}),
        VersionFiles("1.1.0", "1.0.0", False, {"weights": "b"}),
        VersionFiles("1.2.0", "1.1.0", False, {"weights": "a"}),
    ]
    assert list_series(versions) == [SeriesFile("a", None, False), SeriesFile("b", "a", False)]


NAMES = st.sampled_from("abcd")


@given(
    st.lists(
        st.builds(
            VersionFiles,
            NAMES,
            NAMES | st.none(),
            st.booleans(),
            st.dictionaries(st.sampled_from("xy"), st.sampled_from("12345"), max_size=2),
        ),
        max_size=6,
    )
)
def test_whatever_records_say_no_file_comes_before_its_parent(versions: list[VersionFiles]) -> None:
    seen: set[str] = set()
    for file in list_series(versions):
        assert file.digest not in seen
        assert file.parent is None or file.parent in seen
        seen.add(file.digest)
