"""`mlver audit --against`: an older head is the beginning of the history, or something changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.features.auditing.reading import FIRST, audit
from tests.project.audit.forging import Town


def read_head(town: Town, *arguments: str) -> str:
    head: str = audit(town.repository, *arguments)[1]["head"]["digest"]
    return head


def check(town: Town, against: str) -> tuple[int, Any]:
    code, document = audit(town.repository, "--against", against)
    return code, document["against"]


def test_a_history_goes_on_from_an_older_head(town: Town) -> None:
    before = read_head(town)
    code, found = check(town, before)
    assert (code, found["outcome"]) == (0, "same")
    town.enter("Mara", day=2)
    town.promote("1.1.0", "staging")
    code, found = check(town, before)
    assert (code, found["outcome"]) == (0, "continued")
    assert read_head(town) != before
    shown = town.repository.mlver("audit", "--against", before).out
    assert "begins with that of" in shown


def test_work_beside_the_records_leaves_the_head_as_it_is(town: Town) -> None:
    before = read_head(town)
    town.repository.write("train.py", "print(1)\n")
    town.repository.commit("Other work")
    assert read_head(town) == before


def test_a_branch_that_was_merged_goes_on_from_both_heads(town: Town) -> None:
    git = town.repository.git
    git("checkout", "--quiet", "-b", "work")
    town.enter("Mara", day=1)
    town.promote("1.1.0", "staging")
    on_branch = read_head(town)
    git("checkout", "--quiet", "main")
    town.edit_rule("description: Serves users", "description: Serves all users")
    on_main = read_head(town)
    git("merge", "--quiet", "--no-edit", "work")
    for head in (on_branch, on_main):
        code, found = check(town, head)
        assert (code, found["outcome"]) == (0, "continued")


def test_a_rewritten_history_is_damage_and_says_what_changed(town: Town) -> None:
    before = read_head(town)
    git = town.repository.git
    git("reset", "--quiet", "--hard", "HEAD^")
    code, found = check(town, before)
    assert (code, found["outcome"]) == (1, "rewritten")
    assert found["differences"] == [f"{FIRST} is gone"]
    shown = town.repository.mlver("audit", "--against", before).out
    assert f"{FIRST} is gone" in shown


def test_a_saved_audit_says_what_changed_though_no_commit_is_left(
    town: Town, tmp_path: Path
) -> None:
    saved = tmp_path / "audit.json"
    saved.write_text(town.repository.mlver("audit", "--json").out)
    git = town.repository.git
    git("tag", "--delete", "m@production.1")
    git("reset", "--quiet", "--hard", "HEAD^")
    git("reflog", "expire", "--expire=now", "--all")
    code, found = check(town, str(saved))
    assert (code, found["outcome"], found["commit"]) == (1, "rewritten", None)
    assert found["differences"] == [f"{FIRST} is gone"]
    head = json.loads(saved.read_text())["head"]["digest"]
    assert check(town, head)[1]["outcome"] == "unknown"


def test_an_audit_of_other_models_cannot_be_compared(town: Town, tmp_path: Path) -> None:
    saved = tmp_path / "audit.json"
    saved.write_text(town.repository.mlver("audit", "m", "--json").out)
    done = town.repository.mlver("audit", "--against", str(saved))
    assert done.code == 2
    assert "heads of different models cannot be compared" in done.err
    assert town.repository.mlver("audit", "m", "--against", str(saved)).code == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": "mlver/result/audit/1", "head": []}',
        '{"schema": "mlver/result/audit/1", "head": {"digest": 3}}',
        '{"schema": "mlver/result/audit/1", "head": {"digest": "sha256:1"}}',
        '{"schema": "mlver/result/audit/1", "head": {"digest": null, "models": null}}',
        "[" * 100_000,
        '{"head": \x00}',
    ],
)
def test_what_is_no_saved_audit_is_refused(town: Town, tmp_path: Path, text: str) -> None:
    saved = tmp_path / "audit.json"
    saved.write_text(text)
    done = town.repository.mlver("audit", "--against", str(saved))
    assert done.code == 2, done.err


def test_saved_stages_of_another_form_are_passed_over(town: Town, tmp_path: Path) -> None:
    document = json.loads(town.repository.mlver("audit", "--json").out)
    document["stages"] = [3, {"moves": 4}, {"moves": [5, {"record": 6, "record_path": []}]}]
    saved = tmp_path / "audit.json"
    saved.write_text(json.dumps(document))
    assert town.repository.mlver("audit", "--against", str(saved)).code == 0
