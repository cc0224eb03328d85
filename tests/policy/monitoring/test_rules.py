"""Rules for Prometheus: its own programs run the tests that are written beside them."""

from __future__ import annotations

from pathlib import Path

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlver.document.emit import dump_document
from mlver.document.strict import load_document
from mlver.policy.monitoring.documents import MonitoringPlaces, build_documents
from mlver.policy.monitoring.rules import build_groups
from mlver.policy.monitoring.stories import build_tests
from mlver.records.values import Document
from tests.policy.monitoring.watched import (
    SETTINGS,
    find_keys,
    run_program,
    watch_stage,
    write_documents,
)

RULES, TESTS = "mlver-digits-production.rules.yaml", "mlver-digits-production.rules-test.yaml"


@pytest.mark.parametrize(
    "section",
    [
        SETTINGS,
        {"metrics": {"slow": {"over": "1s", "margin": 0, "max": 1}}, "min": 10**9, "fresh": "3m"},
        {
            "metrics": {"odd": {"bad": 'outcome="other"', "margin": 1, "max": 0}},
            **{"min": 7_777, "fresh": "1d", "for": "7d", "alpha": 0.5},
        },
        {"metrics": {"e": {"bad": 'code!="a|b(c"', "margin": 0.2}}, "min": 20, "fresh": "1m"},
    ],
)
def test_the_rules_pass_their_own_tests(section: Document, tmp_path: Path) -> None:
    write_documents(tmp_path, [watch_stage(section)])
    code, said = run_program("promtool", "test", "rules", tmp_path / TESTS)
    assert (code, "SUCCESS" in said) == (0, True), said


def test_every_rule_is_tested() -> None:
    watched = watch_stage()
    (group,) = build_groups(watched)
    written = {rule.get("record") or rule["alert"] for rule in group["rules"]}
    document = build_tests(watched, RULES)
    tested = set(find_keys(document, "alertname"))
    for expression in find_keys(document, "expr"):
        tested.add(expression.removeprefix("abs(").partition("{")[0])
    assert tested == written
    acting = [rule for rule in group["rules"] if "mlver_action" in rule.get("labels", {})]
    assert {rule["alert"].startswith("MlverBad") for rule in acting} == {True}
    assert len(acting) == 4


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('outcome="error"', 'outcome="eror"'),
        ("difference_low{", "difference{"),
        ("absent_over_time(", "count_over_time("),
        (">= 5", ">= 500"),
        ("unless mlver:other_bad_share:ratio", "and mlver:other_bad_share:ratio"),
        ("- 4.", "- 2."),
    ],
)
def test_a_broken_rule_is_noticed(right: str, wrong: str, tmp_path: Path) -> None:
    watched = watch_stage({"metrics": {"errors": {"bad": 'outcome="error"', "margin": 0.01}}})
    write_documents(tmp_path, [watched])
    rules = (tmp_path / RULES).read_text()
    broken = rules.replace(right, wrong)
    assert broken != rules
    (tmp_path / RULES).write_text(broken)
    assert run_program("promtool", "test", "rules", tmp_path / TESTS)[0] != 0


def test_a_version_is_not_rolled_back_because_its_successor_is_better(tmp_path: Path) -> None:
    """The candidate is compared with the version before, and not the other way round."""
    section = {"metrics": {"errors": {"bad": 'outcome="error"', "margin": 0.01}}}
    watched = watch_stage(section)
    write_documents(tmp_path, [watched])
    counters = [("1.0.0", "error", "0+90x200"), ("1.0.0", "ok", "0+10x200")]
    counters += [("1.1.0", "error", "_x170 0+0x30"), ("1.1.0", "ok", "_x170 0+100x30")]
    series: list[Document] = []
    for version, outcome, values in counters:
        selected = watched.select(f'version="{version}"', f'outcome="{outcome}"')
        series.append({"series": f"mlver_predictions_total{selected}", "values": values})
    worse: Document = {"expr": 'count(mlver:answer{version="1.0.0"} == 1)', "eval_time": "195m"}
    worse["exp_samples"] = [{"labels": "{}", "value": 1}]
    test: Document = {"interval": "1m", "input_series": series, "promql_expr_test": [worse]}
    alert = {"alertname": "MlverBadErrors", "eval_time": "195m", "exp_alerts": []}
    test["alert_rule_test"] = [alert]
    document = {"rule_files": [RULES], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "old.yaml").write_bytes(dump_document(document))
    code, said = run_program("promtool", "test", "rules", tmp_path / "old.yaml")
    assert (code, "SUCCESS" in said) == (0, True), said


_LIMITS = st.floats(0, 1, allow_subnormal=False)
_VALUES = st.text(
    st.characters(exclude_characters='"\\', exclude_categories=("C", "Zl", "Zp")), min_size=1
)
_MATCHERS = st.builds(
    '{}{}"{}"'.format, st.sampled_from(["outcome", "x"]), st.sampled_from(["=", "!="]), _VALUES
)
_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
_METRICS = st.one_of(
    st.fixed_dictionaries({"bad": _MATCHERS, "margin": _LIMITS}, optional={"max": _LIMITS}),
    st.fixed_dictionaries({"over": st.just("0.125s"), "max": _LIMITS}),
)


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True),
        _METRICS,
        min_size=1,
        max_size=2,
    ),
    st.integers(20, 10**9),
    st.floats(1e-6, 0.5),
    st.sampled_from(["1m", "10m", "3h", "2d", "1w"]),
)
def test_whatever_the_settings_say_every_expression_is_promql(
    metrics: Document, least: int, alpha: float, fresh: str
) -> None:
    section = {"metrics": metrics, "min": least, "alpha": alpha, "fresh": fresh}
    watched = [watch_stage(section), watch_stage(section, "staging")]
    documents = build_documents(watched, MonitoringPlaces())
    for name, document in documents.items():
        assert load_document(dump_document(document), name).value == document
        for expression in (*find_keys(document, "expr"), *find_keys(document, "query")):
            if expression != "prometheus":
                promql_parser.parse(expression)
