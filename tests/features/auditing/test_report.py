"""`mlver report`: a month of a model, in Markdown and HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.auditing.test_hostile_text import HOSTILE, forge_message
from tests.project.audit.forging import Town


def read_report(repository: Repository, *arguments: str) -> Any:
    return read_document(repository.mlver("report", *arguments, "--json"), "report")


def test_metrics_tell_what_they_gained_and_whether_that_is_better(second: Repository) -> None:
    settings = second.path / ".mlver/models/digits/model.yaml"
    settings.write_text(
        "schema: mlver/model/1\nmodel: digits\ndirections: {accuracy: higher, log_loss: lower}\n"
    )
    second.commit("Say which way is better")
    _, later = read_report(second, "--since", "2026-01-01")["versions"]
    gains = {metric["name"]: metric for metric in later["metrics"]}
    assert gains["accuracy"]["gain"] == pytest.approx(0.03)
    assert (gains["accuracy"]["better"], gains["log_loss"]["better"]) == (True, True)
    shown = assert_works(second, "report", "--since", "2026-01-01")
    assert "accuracy 0.94 (+0.03, better)" in shown


def test_rollbacks_forced_moves_rules_and_defects_are_told(town: Town) -> None:
    town.enter("Mara", day=2)
    town.weaken_rule()
    town.promote("1.1.0", "production")
    town.enter("Kim", day=2, second=7_800)
    run = town.repository.mlver
    assert run("rollback", "m", "--stage", "production", "-m", "latency doubled").code == 0
    town.enter("Kim", day=3)
    assert run("note", "m@1.1.0", "-m", "confuses 4 and 9").code == 0
    town.restore_rule()
    town.promote("1.1.0", "production", force=True)
    document = read_report(town.repository, "m", "--since", "2026-01-03")
    (rollback,) = document["rollbacks"]
    assert (rollback["held_seconds"], rollback["message"]) == (7_800, "latency doubled")
    assert [move["forced"] for move in document["promotions"]] == [False, True]
    assert document["promotions"][1]["shut"] == ["after staging"]
    assert [rule["change"] for rule in document["rules"]] == ["looser", "stricter"]
    assert [defect["message"] for defect in document["defects"]] == ["confuses 4 and 9"]
    assert document["holders"] == {"production": "1.1.0", "staging": "1.0.0"}
    assert document["damage"] > 0
    shown = run("report", "m", "--since", "2026-01-03").out
    assert "`2 h`" in shown
    assert "`after staging`" in shown
    assert "Audit of all of the history: " in shown


def test_a_quiet_time_says_so(town: Town) -> None:
    town.enter("Kim", day=60)
    shown = town.repository.mlver("report", "m").out
    for words in ("No version was registered.", "Nothing was promoted.", "None is noted."):
        assert words in shown


def test_a_file_is_written_and_only_a_report_is_replaced(town: Town, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert town.repository.mlver("report", "-o", str(page)).code == 0
    assert "<!doctype html>" in page.read_text()
    assert town.repository.mlver("report", "-o", str(page)).code == 0
    page.write_text("mine")
    refusal = assert_refused(town.repository, "report", "-o", str(page))
    assert "was not replaced" in refusal
    assert page.read_text() == "mine"
    assert_refused(town.repository, "report", "-o", ".mlver/report.md", code=2)
    assert_refused(town.repository, "report", "-o", "nowhere/report.md")
    link = tmp_path / "link.md"
    link.symlink_to(tmp_path / "elsewhere.md")
    assert_refused(town.repository, "report", "-o", str(link))


@pytest.mark.parametrize("message", HOSTILE)
def test_hostile_text_does_nothing(town: Town, message: str) -> None:
    forge_message(town, message)
    since = ("--since", "2026-01-01")
    markdown = town.repository.mlver("report", *since).out
    rendered = str(MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(markdown))
    page = town.repository.mlver("report", *since, "--format", "html").out
    for html in (rendered, page):
        for tag in ("<script", "<img", "<a ", "<em>"):
            assert tag not in html
    for text in (markdown, page):
        assert "\x1b" not in text
