"""Records and the tags that confirm them are judged together, as one push brings them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.features.hooks.checks import CommitRange, check_records
from mlver.findings import Finding
from mlver.records import layout
from tests.conftest import CHECKOUT, NOW, Repository
from tests.project.audit.forging import SECOND, Town

ALICE = "Alice <alice@example.org>"
PATH = layout.version_path("m", "1.2.0")
REFUSED = "names Alice"


@pytest.fixture
def server(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository that has what the town has until now, without its tags, and judges."""
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    bare = Repository(tmp_path / "server.git")
    bare.path.mkdir()
    bare.git("init", "--quiet", "--bare")
    town.repository.git("remote", "add", "origin", os.fspath(bare.path))
    town.repository.git("push", "--quiet", "origin", "main")
    assert bare.mlver("hook", "install", "--pre-receive").code == 0
    return bare


def register_for_alice(town: Town, **claims: Any) -> None:
    """Let a bot commit what Alice registered."""
    town.enter("Bot", day=1)
    last, _ = town.project.registry.read_version("m", "1.1.0")
    says: dict[str, Any] = {"author": ALICE, "created": "2026-01-03T03:04:05Z", **claims}
    record = replace(last, version="1.2.0", previous="1.1.0", **says)
    town.repository.write(PATH, codec.encode_document("version", record.to_document()))
    town.repository.commit("registered by the pipeline")


def promote_for_alice(town: Town) -> None:
    town.enter("Bot", day=1)
    town.write_forgery(author=ALICE, created="2026-01-03T03:04:05Z")
    town.repository.commit("promoted by the pipeline")


def seal(town: Town, path: str, name: str, heading: str) -> None:
    """Let Alice seal a record."""
    town.enter("Alice", day=2)
    digest = Digest.of_bytes((town.repository.path / path).read_bytes())
    words = ["-m", heading, "-m", "As agreed", "-m", f"Mlver-Record: {digest}"]
    town.repository.git("tag", "-a", name, *words)


def push(town: Town, *words: str) -> None:
    town.repository.git("push", "--quiet", "origin", *words)


def refuse_push(town: Town, *words: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=REFUSED):
        push(town, *words)


@pytest.mark.parametrize("words", [("--mirror",), ("--follow-tags", "main")], ids=" ".join)
def test_a_seal_in_the_same_push_confirms_a_version(
    town: Town, server: Repository, words: tuple[str, ...]
) -> None:
    register_for_alice(town)
    refuse_push(town, *words)
    seal(town, PATH, "m@v1.2.0", "m 1.2.0")
    refuse_push(town, "main")
    push(town, *words)
    assert server.git("rev-parse", "main") == town.repository.git("rev-parse", "main")


def test_a_seal_in_the_same_push_confirms_a_promotion(town: Town, server: Repository) -> None:
    promote_for_alice(town)
    refuse_push(town, "main")
    seal(town, SECOND, "m@production.2", "m 1.0.0 production 2: promote")
    push(town, "main", "m@production.2")


def test_a_tag_of_another_tool_in_the_same_push_is_the_origin(
    town: Town, server: Repository
) -> None:
    town.enter("Alice", day=0)
    git = town.repository.git
    git("tag", "-a", "-m", "By hand", "v1.2.0")
    commit = git("rev-parse", "HEAD")
    last, _ = town.project.registry.read_version("m", "1.1.0")
    origin = {"tag": "v1.2.0", "object": git("rev-parse", "refs/tags/v1.2.0"), "commit": commit}
    code = replace(last.code, commit=commit)
    register_for_alice(town, created=NOW, code=code, extra={"adopted": origin})
    with pytest.raises(pytest.fail.Exception, match=r"git push REMOTE refs/tags/v1\.2\.0"):
        push(town, "main")
    push(town, "main:next", "v1.2.0")
    # it does not go away in the push that needs it
    refuse_push(town, "main", ":v1.2.0", ":next")
    push(town, "main")


def test_hooks_judge_no_version_of_before_as_verify_does(
    town: Town, server: Repository, tmp_path: Path
) -> None:
    last, _ = town.project.registry.read_version("m", "1.1.0")
    old: dict[str, Any] = {"format": 1, "code": replace(last.code, tree=None), "environment": None}
    register_for_alice(town, **old)
    refuse_push(town, "main")
    git = town.repository.git
    git("checkout", "--quiet", "--orphan", "old")
    town.repository.commit("all at once")
    fresh = tmp_path / "fresh.git"
    git("init", "--quiet", "--bare", os.fspath(fresh))
    Repository(fresh).mlver("hook", "install", "--pre-receive")
    git("rm", "--quiet", "-r", "--cached", ".mlver/models/m/stages")
    for number in ("1.0.0", "1.1.0"):
        git("rm", "--quiet", "--cached", layout.version_path("m", number))
    git("commit", "--quiet", "--amend", "-m", "what was there before")
    git("push", "--quiet", os.fspath(fresh), "old:main")


def check_range(town: Town, base: str) -> Sequence[Finding]:
    return check_records(town.repository.path, CommitRange(base, "HEAD")).broken


@pytest.mark.parametrize("later", [False, True])
def test_a_bot_is_told_how_to_commit_for_somebody_else(town: Town, later: bool) -> None:
    base = town.repository.git("rev-parse", "HEAD")
    register_for_alice(town)
    if later:
        town.repository.write("later.txt", "x")
        town.repository.commit("Later")
    (finding,) = check_range(town, base)
    assert "; the trailer `Co-authored-by: Alice <alice@example.org>`" in finding.message
    show, again, tag = finding.hints
    assert show == shlex.join(["git", "log", "-p", "--", PATH])
    assert tag == "mlver tag"
    if later:
        assert again == f"git rebase -i '{town.repository.git('rev-parse', 'HEAD~1')[:10]}^'"
    else:
        town.repository.git(*shlex.split(again)[1:])
        assert check_range(town, base) == ()


def test_the_authors_own_seal_is_the_other_way(town: Town) -> None:
    base = town.repository.git("rev-parse", "HEAD")
    register_for_alice(town)
    town.enter("Alice", day=2)
    assert town.repository.mlver("tag").code == 0
    assert check_range(town, base) == ()
