"""What retention keeps: always more, never less, and what each rule says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.retention import LooseVersion, select_kept
from mlver.records.sections.retention import RetentionSettings
from mlver.version import Version

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = ("staging", "production")

numbers = st.builds(Version, st.integers(0, 3), st.integers(0, 2), st.just(0))
records = st.integers(0, 40).map(lambda number: f"{number:064x}")
labels = st.dictionaries(st.sampled_from(("audit", "team")), st.sampled_from(("a", "b")))
versions = st.lists(
    st.builds(
        LooseVersion,
        model=st.sampled_from(("m", "n")),
        number=numbers,
        record=records,
        created=st.integers(0, 400).map(lambda days: NOW - timedelta(days=days)),
        labels=labels,
    ),
    max_size=12,
    unique_by=lambda version: version.record,
)
settings_of_any_kind = st.builds(
    RetentionSettings,
    keep_last=st.integers(0, 4),
    keep_stages=st.lists(st.sampled_from(STAGES), unique=True).map(tuple),
    keep_for=st.sampled_from((None, "1d", "12w", "300d")),
    keep_labels=st.lists(st.sampled_from(("audit", "team=a", "other")), unique=True).map(tuple),
)
promotions = st.dictionaries(st.sampled_from(STAGES), st.sets(records, max_size=6))


@given(versions, settings_of_any_kind, promotions)
def test_each_rule_alone_keeps_no_more_than_all(
    found: list[LooseVersion], rules: RetentionSettings, promoted: dict[str, set[str]]
) -> None:
    alone = [
        RetentionSettings(keep_last=rules.keep_last),
        RetentionSettings(keep_stages=rules.keep_stages),
        RetentionSettings(keep_for=rules.keep_for),
        RetentionSettings(keep_labels=rules.keep_labels),
    ]
    kept = select_kept(found, rules, promoted, NOW).keys()
    parts = [select_kept(found, rule, promoted, NOW).keys() for rule in alone]
    assert kept == set().union(*parts)


@given(versions, settings_of_any_kind, promotions, st.integers(1, 3))
def test_a_looser_rule_keeps_as_much_or_more(
    found: list[LooseVersion], rules: RetentionSettings, promoted: dict[str, set[str]], more: int
) -> None:
    looser = replace(rules, keep_last=rules.keep_last + more, keep_for="9000d", keep_stages=STAGES)
    kept = select_kept(found, rules, promoted, NOW)
    assert kept.keys() <= select_kept(found, looser, promoted, NOW).keys()


@given(versions, st.integers(0, 4))
def test_the_last_are_the_highest_of_each_model(found: list[LooseVersion], count: int) -> None:
    kept = select_kept(found, RetentionSettings(keep_last=count), {}, NOW)
    for model in ("m", "n"):
        of_model = [version for version in found if version.model == model]
        highest = sorted({version.number for version in of_model}, reverse=True)[:count]
        expected = {version.record for version in of_model if version.number in highest}
        assert {version.record for version in of_model if version.record in kept} == expected


@given(versions, promotions)
def test_what_held_a_stage_is_kept(
    found: list[LooseVersion], promoted: dict[str, set[str]]
) -> None:
    kept = select_kept(found, RetentionSettings(keep_stages=("production",)), promoted, NOW)
    expected = {version.record for version in found} & promoted.get("production", set())
    assert kept.keys() == expected


@given(settings_of_any_kind)
def test_settings_are_written_as_they_were_read(rules: RetentionSettings) -> None:
    assert RetentionSettings.from_document(rules.to_document()) == rules


def test_without_a_rule_nothing_is_kept() -> None:
    version = LooseVersion("m", Version(1, 0, 0), "0" * 64, NOW, {"audit": "yes"})
    assert select_kept([version], RetentionSettings(), {"staging": {"0" * 64}}, NOW) == {}
    assert not RetentionSettings().keeps_versions


def test_reasons_are_told() -> None:
    version = LooseVersion("m", Version(1, 0, 0), "0" * 64, NOW, {"team": "risk"})
    rules = RetentionSettings(keep_labels=("team=risk",))
    assert select_kept([version], rules, {}, NOW) == {"0" * 64: "labelled team=risk"}
    assert select_kept([version], RetentionSettings(keep_labels=("team=a",)), {}, NOW) == {}
