"""Promotions that a commit, a range or a push brings: forged ones are refused, honest ones pass."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mlver.records import layout
from mlver.records.references import PolicyReference
from tests.conftest import CHECKOUT, Repository
from tests.project.audit.forging import SECOND, Town

LATER = "2026-01-03T03:04:05Z"


def _forge_author(town: Town) -> None:
    town.write_forgery(created=LATER, author="Alice <alice@example.org>")
    town.repository.commit("docs")


def _invent_gate(town: Town) -> None:
    town.write_forgery(version="1.1.0", created=LATER)
    town.repository.commit("docs")


def _date_back(town: Town) -> None:
    town.write_forgery(created="2026-01-02T03:04:04Z")
    town.repository.commit("docs")


def _weaken_and_promote(town: Town) -> None:
    town.weaken_rule()
    town.promote("1.1.0", "production")


def _weaken_and_force(town: Town) -> None:
    """The main branch's rule judged, and found a gate shut; the range brings another rule."""
    town.repository.git("switch", "--quiet", "-c", "side")
    town.weaken_rule()
    town.promote("1.1.0", "production", force=True)


def _weaken_and_force_and_restore(town: Town) -> None:
    _weaken_and_force(town)
    town.restore_rule()


def _force_and_weaken(town: Town) -> None:
    town.promote("1.1.0", "production", force=True)
    town.weaken_rule()


def _name_outdated_rule(town: Town) -> None:
    old = town.weaken_rule()
    town.promote("1.1.0", "production")
    promoted = town.repository.git("rev-parse", "HEAD")
    town.repository.git("reset", "--quiet", "--hard", old)
    town.restore_rule()
    town.repository.git("tag", "base")
    town.repository.git("cherry-pick", promoted)


FORGERIES: dict[str, tuple[Callable[[Town], None], str]] = {
    "another author": (_forge_author, "names Alice <alice@example.org> as its author"),
    "a gate that never ran": (_invent_gate, "says that 1.1.0 had held staging"),
    "a date of before": (_date_back, "before the promotion that it follows"),
    "a rule that the range weakens": (_weaken_and_promote, "was judged by a rule looser than"),
    "a rule that a force comes with": (_weaken_and_force, "was forced, and comes with a rule"),
    "a rule for a force only": (_weaken_and_force_and_restore, "was forced, and comes with a rule"),
    "a rule that follows a force": (_force_and_weaken, "was forced, and comes with a rule"),
    "a rule that is outdated": (_name_outdated_rule, "was judged by a rule looser than"),
}


@pytest.mark.parametrize(("forge", "words"), FORGERIES.values(), ids=FORGERIES)
def test_a_range_that_forges_a_promotion_is_refused(
    town: Town, forge: Callable[[Town], None], words: str
) -> None:
    town.repository.git("tag", "base")
    town.enter("Mallory", day=1)
    if forge is _name_outdated_rule:
        town.repository.git("tag", "--delete", "base")
    forge(town)
    refused = town.repository.mlver("hook", "check", "--from", "base", "--to", "HEAD")
    assert refused.code == 1
    assert words in " ".join(refused.out.split())


def test_a_forced_promotion_alone_is_no_weakened_rule(town: Town) -> None:
    town.repository.git("switch", "--quiet", "-c", "side")
    town.enter("Ada", day=1)
    town.promote("1.1.0", "production", force=True)
    assert town.repository.mlver("hook", "check", "--from", "main", "--to", "side").code == 0


def test_an_honest_range_passes_and_so_does_its_merge(town: Town) -> None:
    git = town.repository.git
    git("switch", "--quiet", "-c", "side")
    town.enter("Ada", day=1)
    town.edit_rule("stages:\n", "stages:\n  canary:\n    after: [staging]\n")
    town.promote("1.1.0", "staging")
    town.promote("1.1.0", "production")
    town.promote("1.1.0", "canary")
    assert town.repository.mlver("hook", "check", "--from", "main", "--to", "side").code == 0
    git("switch", "--quiet", "main")
    town.enter("Bob", day=2)
    town.repository.write("other.txt", "x")
    base = town.repository.commit("Other work")
    git("merge", "--quiet", "--no-ff", "-m", "Merge", "side")
    checked = town.repository.mlver("hook", "check", "--from", base, "--to", "HEAD")
    assert checked.code == 0, checked.err


def test_a_range_that_merges_main_is_not_asked_about_what_landed_there(town: Town) -> None:
    git = town.repository.git
    git("switch", "--quiet", "-c", "side")
    town.enter("Ada", day=1)
    town.repository.write("other.txt", "x")
    town.repository.commit("Other work")
    git("switch", "--quiet", "main")
    town.enter("Bob", day=2)
    town.promote("1.1.0", "staging")
    git("switch", "--quiet", "side")
    town.enter("Ada", day=3)
    git("merge", "--quiet", "--no-ff", "-m", "Merge main", "main")
    assert town.repository.mlver("hook", "check", "--from", "main", "--to", "side").code == 0


def test_the_hooks_let_the_commands_commit_and_refuse_a_forged_promotion(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # where the hooks find mlver
    assert town.repository.mlver("hook", "install").code == 0
    town.enter("Ada", day=1)
    town.promote("1.1.0", "staging")
    town.promote("1.1.0", "production")
    town.write_forgery(created="2026-01-01T00:00:00Z", version="1.0.0")
    town.repository.git("add", "--all")
    refused = town.repository.mlver("hook", "check")
    assert refused.code == 1
    assert "before the promotion that it follows" in " ".join(refused.out.split())


def test_a_commit_that_weakens_a_rule_and_promotes_under_it_is_refused(town: Town) -> None:
    town.enter("Mallory", day=1)
    config = town.repository.path / layout.CONFIG
    text = config.read_text()
    weak = town.weaken_rule()
    town.promote("1.1.0", "production")
    town.repository.git("reset", "--quiet", "--soft", f"{weak}~1")
    assert config.read_text() != text
    refused = town.repository.mlver("hook", "check")
    assert refused.code == 1
    assert SECOND in refused.out


def test_a_push_of_a_forged_promotion_is_refused(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    server = Repository(tmp_path / "server.git")
    town.repository.git("clone", "--quiet", "--bare", ".", os.fspath(server.path))
    assert server.mlver("hook", "install", "--pre-receive").code == 0
    town.repository.git("remote", "add", "origin", os.fspath(server.path))
    town.repository.git("fetch", "--quiet", "origin")
    town.enter("Ada", day=1)
    town.promote("1.1.0", "staging")
    town.repository.git("push", "--quiet", "origin", "main")
    honest = town.repository.git("rev-parse", "HEAD")
    _forge_author(town)
    pushed = town.repository.mlver("hook", "check", "--from", "origin/main", "--to", "HEAD")
    assert pushed.code == 1
    with pytest.raises(pytest.fail.Exception, match="names Alice"):
        town.repository.git("push", "--quiet", "origin", "main")
    assert server.git("rev-parse", "main") == honest


@pytest.mark.parametrize("settings", ["stages: {staging: {}}", None], ids=["the stage", "all"])
def test_a_promotion_pushed_after_its_rule_was_taken_away_is_refused_as_verify_names_it(
    town: Town, settings: str | None
) -> None:
    town.enter("Mallory", day=1)
    if settings is None:
        town.repository.git("rm", "--quiet", layout.CONFIG)
    else:
        town.repository.write(layout.CONFIG, f"schema: mlver/config/1\n{settings}\n")
    base = town.repository.commit("Take the rule away")
    (last, _) = town.project.registry.read_history("m", "production")[-1]
    ruleless = PolicyReference(commit=None, digest=last.record, signers=None)
    town.write_forgery(version="1.1.0", created=LATER, gates=(), policy=ruleless)
    words = "names no commit whose policy judged it, though there was one"
    town.repository.git("add", "--all")
    staged = town.repository.mlver("hook", "check")
    town.repository.commit("docs")
    checked = town.repository.mlver("hook", "check", "--from", base, "--to", "HEAD")
    for refused in (staged, checked):
        assert refused.code == 1
        assert words in " ".join(refused.out.split())
    assert words in [message for _, message in town.name_findings()]
