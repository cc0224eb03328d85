"""What tags of others claim by their names, and what a stage's events come to."""

from __future__ import annotations

import pytest

from mlver.errors import UsageError
from mlver.features.adopting.foreign_tags import (
    DerivedPromotion,
    StageTag,
    StageTagEvent,
    VersionTag,
    derive_promotions,
    read_claims,
    select_plain_tags,
)


def test_names_of_gto_are_taken_apart() -> None:
    names = (
        "m@v1.0.0",
        "m@v2.0.0!",
        "m#prod#12",
        "m#prod!#13",
        "m#dev",
        "dir=m@v1.0.0-rc.1",
        "m@deprecated",
        "x",
        "m@1.0",
    )
    found = read_claims(names, None)
    assert found.versions == (
        VersionTag("m@v1.0.0", "m", "1.0.0"),
        VersionTag("dir=m@v1.0.0-rc.1", "dir=m", "1.0.0-rc.1"),
    )
    assert found.stages == (
        StageTag("m#prod#12", "m", "prod", False, 12),
        StageTag("m#prod!#13", "m", "prod", True, 13),
        StageTag("m#dev", "m", "dev", False, 0),
    )
    assert found.withdrawn == {("m", "2.0.0")}


def test_plain_tags_are_of_the_model_told_where_no_name_tells() -> None:
    names = ("v1.0.0", "2.0.0", "v2", "m@v1.0.0", "other@v1.0.0")
    assert select_plain_tags(names) == ["v1.0.0", "2.0.0"]
    assert [one.tag for one in read_claims(names, "m").versions] == ["m@v1.0.0", "2.0.0"]
    assert [one.tag for one in read_claims(names, None).versions] == ["m@v1.0.0", "other@v1.0.0"]


@pytest.mark.parametrize(
    ("pattern", "model", "found"),
    [
        ("rel-{version}", "m", [("m", "1.0.0")]),
        ("{model}/v{version}", None, [("a.b", "2.0.0"), ("c", "3.0.0")]),
        ("{model}/v{version}", "c", [("c", "3.0.0")]),
    ],
)
def test_a_pattern_says_where_model_and_version_stand(
    pattern: str, model: str | None, found: list[tuple[str, str]]
) -> None:
    names = ("rel-1.0.0", "xrel-1.0.0", "a.b/v2.0.0", "c/v3.0.0", "v9.0.0", "c#prod#1")
    told = read_claims(names, model, pattern)
    assert ([(one.model, one.version) for one in told.versions], told.stages) == (found, ())


@pytest.mark.parametrize(
    "pattern", ["", "v*", "{model}", "{version}{version}", "{model}{model}{version}"]
)
def test_a_pattern_without_one_version_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="where in a tag the version stands"):
        read_claims((), "m", pattern)


@pytest.mark.parametrize(
    "pattern", ["{version}-rc", "{version}+x", "v{version}rc", "{version}-{model}x"]
)
def test_a_pattern_in_which_a_version_runs_on_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="where a version ends"):
        read_claims((), "m", pattern)


def test_a_pattern_may_have_the_model_behind_the_version() -> None:
    told = read_claims(("1.0.0-m",), None, "{version}-{model}")
    assert [(one.model, one.version) for one in told.versions] == [("m", "1.0.0")]


def test_a_pattern_without_a_model_needs_one() -> None:
    with pytest.raises(UsageError, match="does not name its model"):
        read_claims(("rel-1.0.0",), None, "rel-{version}")


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ("1 2", ["promote 1 from None", "promote 2 from 1"]),
        ("1 1", ["promote 1 from None"]),
        ("1 -1", ["promote 1 from None", "retire 1 from 1"]),
        ("1 2 -2", ["promote 1 from None", "promote 2 from 1", "rollback 1 from 2"]),
        ("1 2 -1 -2", ["promote 1 from None", "promote 2 from 1", "retire 2 from 2"]),
        ("-1", []),
        ("1 2 1", ["promote 1 from None", "promote 2 from 1", "promote 1 from 2"]),
    ],
)
def test_events_of_a_stage_become_promotions(events: str, found: list[str]) -> None:
    given = [StageTagEvent("t", word.lstrip("-"), word.startswith("-")) for word in events.split()]
    assert [
        f"{one.action} {one.version} from {one.previous}" for one in derive_promotions(given)
    ] == found
    assert all(isinstance(one, DerivedPromotion) for one in derive_promotions(given))
