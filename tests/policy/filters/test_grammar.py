"""What a filter means, and where one that cannot be read is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.filters.grammar import parse_filter
from mlver.policy.filters.version_fields import VERSION_FIELDS, FilteredVersion
from mlver.policy.filters.words import FilterError
from mlver.records.version import VersionRecord

DIGEST = "sha256:" + "ab" * 32


def build_version(
    stages: tuple[str, ...] = (), *, is_sealed: bool = True, **changes: Any
) -> FilteredVersion:
    document = {
        "schema": "mlver/version/2",
        "model": "digits",
        "version": "1.2.0",
        "created": "2026-03-02T09:30:00Z",
        "author": "Kim <kim@example.org>",
        "message": "Wider layer",
        "previous": "1.1.0",
        "parent": None,
        "update": "full",
        "code": {"commit": "731cf313" + "0" * 32, "branch": "main", "dirty": False},
        "weights": {"path": "model", "digest": DIGEST, "size": 28800, "files": 2, "stored": True},
        "data": {
            "train": {"path": "d", "digest": DIGEST, "size": 5, "files": 1, "stored": False},
        },
        "params": {"width": 64, "optimiser": {"name": "adam"}, "a.b": 1, "layers": [16, 32]},
        "metrics": {"accuracy": 0.931, "eval": {"spearman": 0.8}, "top-1": 0.5},
        "environment": {
            "python": "3.12.1",
            "platform": "linux",
            "packages": {"ruamel.yaml": "0.18"},
        },
        "labels": {"team": "mt", "priority": "3", "org/unit": "x"},
        **changes,
    }
    return FilteredVersion(VersionRecord.from_document(document), stages, lambda: is_sealed)


def is_meant(text: str, version: FilteredVersion) -> bool:
    return parse_filter(text, VERSION_FIELDS).matches(version)


VERSION = build_version(("production",))


@pytest.mark.parametrize(
    "text",
    [
        "metrics.accuracy >= 0.9 and labels.team = mt and stage = production",
        "metrics.accuracy>=.931 AND metrics.accuracy<=0.931",
        "metrics.accuracy != 0.93",
        "accuracy > 0.9 and eval.spearman = 0.8 and top-1 not in (0.4, 0.6)",
        "accuracy in (0.931, 1)",
        "not retired and retired = no and not retired.reason",
        "metrics.eval.spearman = 8e-1",
        "metrics.top-1 < 1",
        "params.width = 64 and params.width > 63 and params.width == 64.0",
        'params."a.b" = 1',
        "params.optimiser.name = adam",
        "params.layers = 32",
        "labels.priority > 2",
        "labels.org/unit = x",
        "message ~ 'WIDER l'",
        'message = "Wider layer"',
        "author ~ kim@",
        "stage in (staging, production)",
        "stage not in (staging, canary)",
        "stage != staging",
        "created = 2026-03-02",
        "created >= 2026-03-02 and created <= 2026-03-02",
        "created > 2026-03-01 and created < 2026-03-03",
        "created < 2026-03-02T10:00:00+00:00",
        "version = 1.2 and version = 1 and version = v1.2.0",
        "version > 1.1 and version <= 1.2 and version < 1.10.0",
        "previous = 1.1.0",
        "sealed and sealed = true and not code.dirty",
        "weights.size > 28_799 or weights.size > 28799",
        "weights.digest = ABABABA and code.commit = 731cf31",
        "data.train = " + DIGEST,
        "data.train.size = 5 and data.train.stored = false",
        "environment.packages.ruamel.yaml = 0.18",
        "metrics.accuracy and labels.team and not labels.owner",
        "not metrics.loss > 1",
        "not (labels.team = x or labels.team = y) and (update = full)",
        "labels.team = x or labels.team = y or labels.team = mt",
        "labels.team = x and labels.team = y or model = digits",
        "labels.owner != nora",
    ],
)
def test_a_filter_means_this_version(text: str) -> None:
    text = text.replace("weights.size > 28_799 or ", "")
    assert is_meant(text, VERSION)
    assert not is_meant(f"not ({text})", VERSION)


@pytest.mark.parametrize(
    "text",
    [
        "metrics.accuracy > 0.931",
        "metrics.loss < 1",
        "loss < 1",
        "retired",
        "params.width = '64'",
        "params.optimiser.name = Adam",
        "params.layers = 64",
        "labels.team > 1",
        "stage = staging",
        "created > 2026-03-02",
        "created < 2026-03-02",
        "created = 2026-03-02T09:31",
        "version > 1.2",
        "version = 1.20.0",
        "parent = 1.1.0",
        "parent",
        "code.dirty",
        "data.test",
        "labels.team = x or labels.team = y and model = digits",
        "weights.digest = 0123456",
    ],
)
def test_a_filter_does_not_mean_this_version(text: str) -> None:
    assert not is_meant(text, VERSION)


def test_a_retired_version_is_meant_by_its_reason() -> None:
    retired = replace(VERSION, retired="trained on leaked data; use 1.3.0 instead")
    assert is_meant("retired and retired = true and retired.reason ~ LEAKED", retired)
    assert not is_meant("not retired", retired)
    assert not is_meant("retired.reason ~ slow", retired)


def test_a_name_alone_that_was_taken_for_a_metric_is_told() -> None:
    parsed = parse_filter("stage = x or accuracy > 1 and metrics.loss < 2", VERSION_FIELDS)
    assert [(word.text, word.position) for word in parsed.bare] == [("accuracy", 13)]
    assert [field.name for field in parsed.fields] == ["stage", "metrics.accuracy", "metrics.loss"]


def test_a_version_without_the_field_is_not_meant() -> None:
    bare = build_version(is_sealed=False)
    bare = replace(bare, record=replace(bare.record, environment=None))
    assert not is_meant("environment.python ~ 3", bare)
    assert not is_meant("environment.packages.numpy = 1", bare)
    assert not is_meant("stage", bare)
    assert not is_meant("sealed", bare)
    assert is_meant("sealed = no", bare)


@pytest.mark.parametrize(
    ("text", "reason", "position"),
    [
        ("", "it is empty", 0),
        ("  ", "it is empty", 2),
        ("metrics.accuracy >= and stage = x", "a value behind `>=` is missing before `and`", 20),
        ("metrics.accuracy >=", "a value behind `>=` is missing at the end", 19),
        ("stage = production labels.team = mt", "`and` or `or` is missing before", 19),
        ("(stage = production", "nothing closes this bracket", 0),
        ("stage = production)", "nothing opens this bracket", 18),
        ("stage in production", "a list in brackets is missing behind `in`", 9),
        ("stage in (a, b", "nothing closes this bracket", 9),
        ("message = 'open", "nothing closes this quote", 10),
        ("stage ! x", "no operator is `!`", 6),
        ("accuracy > high", "there is no field `accuracy`; write metrics.accuracy,", 0),
        ("stage = x and accuracy", "there is no field `accuracy`; write metrics.accuracy,", 14),
        ("accuracy >= and stage = x", "a value behind `>=` is missing before `and`", 12),
        ("accuracy <", "a value behind `<` is missing at the end", 10),
        ("team = mt", "write metrics.team, params.team or labels.team", 0),
        ("accuracy ~ 1", "there is no field `accuracy`; write metrics.accuracy,", 0),
        ("accuracy in (x, 1)", "there is no field `accuracy`; write metrics.accuracy,", 0),
        ("metric.loss > 1", "there is no field `metric.loss`", 0),
        ("creatd > 2026-01-01", "did you mean `created`?", 0),
        ("metrics > 1", "`metrics` needs a name behind it: metrics.NAME", 0),
        ("version.x = 1", "there is no field `version.x`", 0),
        ("metrics.accuracy > high", "and `high` is none", 19),
        ("metrics.accuracy ~ 9", "`~` is for text", 19),
        ("created > yesterday", "takes a date such as", 10),
        ("version > newest", "is not a semantic version", 10),
        ("labels.team > mt", "`>` needs a number behind it here", 14),
        ("stage > production", "compare a stage with = or !=", 8),
        ("sealed = maybe", "this is yes or no", 9),
        ("code.commit = 73", "at least seven hexadecimal digits", 14),
        ("message > x", "compare text with =, != or ~", 10),
        ("and", "the name of a field is missing before `and`", 0),
        ("not", "the name of a field is missing at the end", 3),
        ("(" * 60 + "stage", "nested more than 50 deep", 51),
    ],
)
def test_the_place_of_a_mistake_is_shown(text: str, reason: str, position: int) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text, VERSION_FIELDS)
    first, shown, caret = caught.value.message.splitlines()
    assert reason in first
    offset = caret.index("^")
    assert caret.strip() == "^"
    behind = shown[offset:].rstrip("…")
    assert behind == text[position : position + len(behind)]
    assert caught.value.exit_code == 2


def test_a_long_filter_is_shown_about_the_mistake_only() -> None:
    long_filter = (
        "stage = production or " * 50 + "created > soon or " + "sealed or " * 20 + "sealed"
    )
    with pytest.raises(FilterError) as caught:
        parse_filter(long_filter, VERSION_FIELDS)
    _, shown, caret = caught.value.message.splitlines()
    assert len(shown) < 80
    assert shown[caret.index("^") :].startswith("soon")


def test_a_filter_has_an_end() -> None:
    with pytest.raises(FilterError, match="more than 4,096 letters"):
        parse_filter("stage = x or " * 1000, VERSION_FIELDS)


def test_wide_letters_do_not_move_the_caret() -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter("labels.team = 日本 sealed", VERSION_FIELDS)
    _, shown, caret = caught.value.message.splitlines()
    assert caret.index("^") == shown.index("sealed") + 2


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parsed = parse_filter(text, VERSION_FIELDS)
    except FilterError:
        return
    assert parsed.matches(VERSION) in (True, False)


GRAMMAR = "and or not in ( ) , = != < ~ !~ 0.5 1.2 2026-03-02 x 'y' true metrics.accuracy labels.a"
WORDS = st.sampled_from([*VERSION_FIELDS, *GRAMMAR.split()])


@given(st.lists(WORDS, max_size=12))
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    try:
        parsed = parse_filter(" ".join(words), VERSION_FIELDS)
    except FilterError:
        return
    assert parsed.matches(VERSION) in (True, False)


def build_conditions() -> st.SearchStrategy[tuple[str, bool]]:
    """Filters about the width of 64, each with whether it is true."""
    numbers = st.integers(62, 66)
    simple = st.builds(
        lambda sign, number: (f"params.width {sign} {number}", compare_width(sign, number)),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        numbers,
    )
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            st.builds(lambda one: (f"not ({one[0]})", not one[1]), inner),
            st.builds(lambda a, b: (f"({a[0]}) and ({b[0]})", a[1] and b[1]), inner, inner),
            st.builds(lambda a, b: (f"({a[0]}) or ({b[0]})", a[1] or b[1]), inner, inner),
        ),
        max_leaves=8,
    )


def compare_width(sign: str, number: int) -> bool:
    outcomes = {
        "=": number == 64,
        "!=": number != 64,
        "<": number > 64,
        "<=": number >= 64,
        ">": number < 64,
        ">=": number <= 64,
    }
    return outcomes[sign]


@given(build_conditions())
def test_and_or_and_not_mean_what_they_mean_elsewhere(condition: tuple[str, bool]) -> None:
    text, expected = condition
    assert is_meant(text, VERSION) is expected
