"""Two branches claimed the same numbers: who gives way, what becomes of it, and that all is whole afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mlver.commands.promote import promote
from mlver.commands.resolve import ResolveResult, Side, resolve
from mlver.commands.tag import tag
from mlver.commands.verify import verify
from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError, UsageError
from mlver.project import intent, layout
from mlver.project.project import Project
from mlver.project.registry import Registry
from mlver.project.source import Tree
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import ApprovalReference
from tests.cli.conftest import copied
from tests.conftest import NOW, Repository
from tests.project.ground import begun, initialised, lay, registered

KIM = "Kim <kim@example.org>"


def next_version(project: Project, weights: str, bump: str = "minor", stage: str | None = "production") -> None:
    (project.top / "w").write_text(weights)
    made = registered(project, bump=bump, message=weights)
    if stage:
        promote(project, f"m@{made.version}", to=stage, message=f"promote {weights}")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """m 1.0.0 in production; `topic` and `main` each register a 1.1.0 and promote it, `topic` a 1.1.1 as well."""
    made = begun(tmp_path_factory.mktemp("resolve") / "repository")
    project = initialised(made)
    made.write(".gitignore", "/w\n")
    lay(made, "w", "1")
    made.commit("Ground")
    registered(project)
    promote(project, "m", to="production", message="release")
    made.git("branch", "start")
    made.git("switch", "--quiet", "-c", "topic")
    next_version(project, "topic")
    next_version(project, "topic fix", "patch")
    made.git("tag", "--delete", "m@v1.1.0", "m@v1.1.1")
    made.git("switch", "--quiet", "main")
    next_version(project, "main")
    return made


@pytest.fixture
def ground(template: Repository, tmp_path: Path) -> Repository:
    return copied(template, tmp_path / "repository")


def tried(ground: Repository, *words: str) -> int:
    """What a git that may stop at a conflict exits with."""
    done = subprocess.run(["git", "-c", "core.editor=:", *words], cwd=ground.path, capture_output=True, check=False)
    return done.returncode


def settled(ground: Repository, rewrite: Side | None = None, *, dry_run: bool = False) -> ResolveResult:
    return resolve(Project.open(ground.path), rewrite=rewrite, dry_run=dry_run)


_ELSEWHERE = {("tag", "seals a record that is not here")}


def whole(ground: Repository) -> None:
    """Everything can be sealed, and nothing is found wrong."""
    project = Project.open(ground.path)
    assert tag(project).refused == ()
    # what lies in the work tree is a person's own business; what branches have sealed that are not here, theirs
    broken = verify(project, everything=True).broken
    assert [link for link in broken if (link.kind, link.message) not in _ELSEWHERE and link.kind != "working"] == []


def told(ground: Repository, stage: str = "production") -> list[tuple[str, str | None]]:
    history = Project.open(ground.path).registry.history("m", stage)
    return [(record.version, record.previous) for record, _ in history]


CHAIN: list[tuple[str, str | None]] = [("1.0.0", None), ("1.1.0", "1.0.0"), ("1.2.0", "1.1.0"), ("1.2.1", "1.2.0")]
MOVED = [
    (layout.version("m", "1.1.0"), layout.version("m", "1.2.0")),
    (layout.version("m", "1.1.1"), layout.version("m", "1.2.1")),
    (layout.promotion("m", "production", 2), layout.promotion("m", "production", 3)),
    (layout.promotion("m", "production", 3), layout.promotion("m", "production", 4)),
]


@pytest.mark.parametrize(("on", "other", "side"), [("main", "topic", "theirs"), ("topic", "main", "ours")])
def test_a_merge_rewrites_the_side_that_is_not_on_main(ground: Repository, on: str, other: str, side: str) -> None:
    ground.git("switch", "--quiet", on)
    mains = ground.git("show", f"main:{layout.version('m', '1.1.0')}")
    assert tried(ground, "merge", "--quiet", other) == 1
    dry = settled(ground, dry_run=True)
    done = settled(ground)
    assert (done.during, done.rewrite, done.left, done.dropped) == ("merge", side, (), ())
    assert [(one.old, one.new) for one in done.rewritten] == MOVED
    assert (dry.rewritten, dry.written) == (done.rewritten, done.written)
    assert ground.git("ls-files", "--unmerged") == ground.git("diff", "--name-only") == ""
    assert (ground.path / layout.version("m", "1.1.0")).read_text() == mains + "\n"
    assert settled(ground).written == ()
    ground.git("commit", "--quiet", "--no-edit")
    assert told(ground) == CHAIN
    assert Project.open(ground.path).registry.version("m", "1.2.1")[0].parent == "1.2.0"
    whole(ground)
    if on == "topic":  # the pull request lands, with a merge commit or without
        ground.git("switch", "--quiet", "main")
        ground.git("merge", "--quiet", "--no-edit", "topic")
        whole(ground)


def test_a_squash_merge(ground: Repository) -> None:
    assert tried(ground, "merge", "--quiet", "--squash", "topic") == 1
    assert settled(ground).during == "squash"
    ground.git("commit", "--quiet", "--no-edit")
    assert told(ground) == CHAIN
    whole(ground)


def test_a_rebase_step_by_step(ground: Repository) -> None:
    """What no conflict stops at, such as a parent that moved, is mended commit by commit afterwards."""
    ground.git("switch", "--quiet", "topic")
    assert tried(ground, "rebase", "--quiet", "main") == 1
    steps = 0
    while (ground.path / ".git/rebase-merge").exists():
        assert settled(ground).during == "rebase"
        tried(ground, "rebase", "--continue")
        steps += 1
        assert steps < 9
    left = settled(ground)
    assert [one.path for one in left.left] == ["m 1.1.1"]
    assert left.left[0].hint.endswith(" main")
    words = left.left[0].hint
    start = ground.path.parent / "bin"
    start.mkdir()
    script = start / "mlver"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{Path(__file__).parents[2]}" exec "{_python()}" -m mlver "$@"\n')
    script.chmod(0o755)
    subprocess.run(["sh", "-c", f'PATH="{start}:$PATH"; {words}'], cwd=ground.path, check=True, capture_output=True)
    assert told(ground) == CHAIN
    assert Project.open(ground.path).registry.version("m", "1.2.1")[0].parent == "1.2.0"
    assert settled(ground).left == ()
    whole(ground)


def _python() -> str:
    import sys  # noqa: PLC0415 - only to start another

    return sys.executable


def test_a_cherry_pick(ground: Repository) -> None:
    first = ground.git("rev-list", "--reverse", "main..topic").split("\n")[0]
    assert tried(ground, "cherry-pick", first) == 1
    done = settled(ground)
    assert (done.during, [(one.old, one.new) for one in done.rewritten]) == ("cherry-pick", MOVED[:1])
    assert tried(ground, "cherry-pick", "--continue") == 0
    whole(ground)


def test_branches_that_claim_different_numbers_and_stages_merge_cleanly(ground: Repository) -> None:
    project = Project.open(ground.path)
    for branch, number, stage in (("a", "3.0.0", "staging"), ("b", "4.0.0", "production"), ("c", "5.0.0", None)):
        ground.git("switch", "--quiet", "-c", branch, "start")
        (ground.path / "w").write_text(branch)
        registered(project, version=number, message=branch)
        if stage:
            promote(project, f"m@{number}", to=stage, message=branch)
    ground.git("switch", "--quiet", "-c", "octopus", "start")
    ground.git("merge", "--quiet", "--no-edit", "a", "b", "c")
    assert ground.git("rev-list", "--parents", "-1", "HEAD").count(" ") == 3
    whole(ground)
    ground.git("switch", "--quiet", "-c", "rebased", "b")
    ground.git("rebase", "--quiet", "a")
    ground.git("cherry-pick", "c")
    whole(ground)


def remote(ground: Repository) -> Repository:
    """Main has landed on `origin`."""
    made = Repository(ground.path.parent / "remote.git")
    ground.git("init", "--quiet", "--bare", str(made.path))
    ground.git("remote", "add", "origin", str(made.path))
    ground.git("push", "--quiet", "origin", "main", "start")
    ground.git("remote", "set-head", "origin", "main")
    return made


def sealed_by_topic(ground: Repository) -> str:
    """The tag m@v1.1.0 seals topic's record here."""
    ground.git("tag", "--delete", "m@v1.1.0")
    ground.git("switch", "--quiet", "topic")
    tag(Project.open(ground.path))
    return ground.git("rev-parse", "refs/tags/m@v1.1.0")


def test_a_pull_gives_way_to_what_has_landed_and_takes_its_own_seals_back(ground: Repository) -> None:
    """Both on `main`: the local commits are the first parents, so that line alone does not tell who was there first."""
    remote(ground)
    sealed_by_topic(ground)
    ground.git("branch", "--force", "main", "topic")
    ground.git("switch", "--quiet", "main")
    assert tried(ground, "merge", "--quiet", "origin/main") == 1
    done = settled(ground)
    assert (done.rewrite, done.why) == ("ours", "theirs has landed on origin/main")
    assert done.untagged == ("m@v1.1.0", "m@v1.1.1")
    assert ground.git("tag", "--list", "m@v1.1.*") == ""
    ground.git("commit", "--quiet", "--no-edit")
    whole(ground)
    assert told(ground) == CHAIN


def test_a_seal_that_was_pushed_keeps_its_number(ground: Repository) -> None:
    remote(ground)
    sealed = sealed_by_topic(ground)
    ground.git("push", "--quiet", "origin", "m@v1.1.0")
    assert tried(ground, "merge", "--quiet", "main") == 1
    before = ground.git("status", "--porcelain")
    with pytest.raises(MlverError, match=r"m@v1\.1\.0 is on origin: a version whose seal was pushed keeps its number"):
        settled(ground)
    assert ground.git("status", "--porcelain") == before
    assert ground.git("rev-parse", "refs/tags/m@v1.1.0") == sealed


def test_a_remote_that_does_not_answer_proves_nothing(ground: Repository) -> None:
    remote(ground)
    sealed_by_topic(ground)
    ground.git("remote", "set-url", "origin", str(ground.path / "gone"))
    assert tried(ground, "merge", "--quiet", "main") == 1
    with pytest.raises(MlverError, match="ask origin for its tags"):
        settled(ground)


def test_what_has_landed_is_not_rewritten_whatever_is_asked(ground: Repository) -> None:
    remote(ground)
    assert tried(ground, "merge", "--quiet", "topic") == 1
    with pytest.raises(MlverError, match="has landed on origin/main, and what has landed keeps its number"):
        settled(ground, "ours")


def test_without_a_main_branch_a_person_has_to_say(ground: Repository) -> None:
    ground.git("branch", "--move", "main", "trunk")
    assert tried(ground, "merge", "--quiet", "topic") == 1
    with pytest.raises(MlverError, match="which side gives way") as caught:
        settled(ground)
    assert "--rewrite ours" in (caught.value.hint or "")
    assert settled(ground, "ours").rewrite == "ours"
    ground.git("commit", "--quiet", "--no-edit")
    assert told(ground) == [("1.0.0", None), ("1.1.0", "1.0.0"), ("1.1.1", "1.1.0"), ("1.2.0", "1.1.1")]
    whole(ground)


def test_in_a_rebase_only_what_is_replayed_is_rewritten(ground: Repository) -> None:
    ground.git("switch", "--quiet", "topic")
    assert tried(ground, "rebase", "--quiet", "main") == 1
    with pytest.raises(UsageError, match="only what comes on top"):
        settled(ground, "ours")


def put(ground: Repository, path: str, data: bytes) -> Digest:
    ground.write(path, data)
    return Digest.of(data)


def judged(ground: Repository, version: str, who: str) -> Digest:
    """An evaluation and an approval of a version, as another mlver may write them; the approval's digest."""
    pinned, record = Project.open(ground.path).registry.version("m", version)
    evaluation = EvaluationRecord(
        model="m",
        version=version,
        sequence=1,
        created=NOW,
        author=who,
        message=who,
        record=record,
        data={"golden": pinned.weights},
        metrics={"accuracy": 0.5},
    )
    put(ground, layout.evaluation("m", version, 1), codec.encode("evaluation", evaluation.to_document()))
    approval = ApprovalRecord(
        model="m",
        version=version,
        stage="production",
        sequence=1,
        created=NOW,
        author=who,
        message=who,
        record=record,
    )
    path = layout.approval("m", version, "production", 1)
    found = put(ground, path, codec.encode("approval", approval.to_document()))
    ground.commit(f"Judge {version}")
    return found


def test_evaluations_come_along_and_approvals_do_not(ground: Repository) -> None:
    """Bytes that were measured are the same bytes; a yes was said to one record."""
    ground.git("switch", "--quiet", "topic")
    given = judged(ground, "1.1.1", KIM)
    path = layout.promotion("m", "production", 3)
    promotion, _ = Project.open(ground.path).registry.promotion("m", "production", 3)
    counted = replace(promotion, approvals=(ApprovalReference(approver=KIM, record=given),))
    ground.git("reset", "--quiet", "--soft", "HEAD~2")  # as if it had been promoted with it
    put(ground, path, codec.encode("promotion", counted.to_document()))
    ground.commit("Promote with an approval")
    ground.git("switch", "--quiet", "main")
    assert tried(ground, "merge", "--quiet", "topic") == 1
    done = settled(ground)
    moved = {one.old: one.new for one in done.rewritten}
    assert moved[layout.evaluation("m", "1.1.1", 1)] == layout.evaluation("m", "1.2.1", 1)
    assert {one.path for one in done.dropped} == {layout.approval("m", "1.1.1", "production", 1), path}
    assert all("1.1.1" in one.why and "1.2.1" in one.why for one in done.dropped)
    ground.git("commit", "--quiet", "--no-edit")
    assert told(ground) == CHAIN[:3]
    whole(ground)


def test_judgements_of_one_version_by_two_branches_are_counted_on(ground: Repository) -> None:
    for branch in ("mine", "yours"):
        ground.git("switch", "--quiet", "-c", branch, "start")
        judged(ground, "1.0.0", f"{branch} <{branch}@example.org>")
    assert tried(ground, "merge", "--quiet", "mine") == 1
    done = settled(ground, "ours")
    assert [(one.old[-9:], one.new[-9:]) for one in done.rewritten] == [("0001.yaml", "0002.yaml")] * 2
    ground.git("commit", "--quiet", "--no-edit")
    authors = [one.author for one in Project.open(ground.path).registry.approvals("m", "1.0.0")]
    assert authors == ["mine <mine@example.org>", "yours <yours@example.org>"]
    whole(ground)


def test_a_promotion_that_changes_nothing_any_more_is_left_out(ground: Repository) -> None:
    project = Project.open(ground.path)
    for branch in ("mine", "yours"):
        ground.git("switch", "--quiet", "-c", branch, "start")
        promote(project, "m@1.0.0", to="staging", message=f"{branch} try")
    assert tried(ground, "merge", "--quiet", "mine") == 1
    done = settled(ground, "ours")
    assert [(one.path, one.why) for one in done.dropped] == [
        (layout.promotion("m", "staging", 1), "staging holds 1.0.0 already")
    ]
    ground.git("commit", "--quiet", "--no-edit")
    assert told(ground, "staging") == [("1.0.0", None)]
    whole(ground)


def settings(ground: Repository, lines: str) -> None:
    path = layout.settings("m")
    ground.write(path, f"{(ground.path / path).read_text()}{lines}")
    ground.commit("Settings")


@pytest.mark.parametrize(
    ("mine", "yours", "clash"),
    [
        ("owner: kim\n", "directions: {loss: lower}\n", None),
        ("owner: kim\n", "owner: lee\n", "both sides set owner"),
        ("directions: {loss: lower}\n", "directions: {accuracy: higher}\n", None),
    ],
)
def test_settings_are_merged_key_by_key_and_a_clash_is_a_persons(
    ground: Repository, mine: str, yours: str, clash: str | None
) -> None:
    for branch, lines in (("mine", mine), ("yours", yours)):
        ground.git("switch", "--quiet", "-c", branch, "start")
        settings(ground, lines)
    assert tried(ground, "merge", "--quiet", "mine") == 1
    done = settled(ground, "ours")
    if clash:
        assert (done.exit_code, [one.why for one in done.left], done.settled) == (1, [clash], ())
        assert b"<<<<<<<" in (ground.path / layout.settings("m")).read_bytes()
    else:
        assert (done.exit_code, done.left, done.settled) == (0, (), (layout.settings("m"),))
        ground.git("commit", "--quiet", "--no-edit")
        found = Project.open(ground.path).registry.settings("m")
        assert found is not None
        assert dict(found.directions).keys() <= {"loss", "accuracy"}
        assert found.directions["loss"] == "lower"


def test_other_conflicts_are_left_alone_and_counted(ground: Repository) -> None:
    for branch in ("topic", "main"):
        ground.git("switch", "--quiet", branch)
        ground.write("code.py", f"{branch}\n")
        ground.commit("Code")
    assert tried(ground, "merge", "--quiet", "topic") == 1
    done = settled(ground)
    assert (done.conflicts, done.exit_code) == (1, 0)
    assert ground.git("ls-files", "--unmerged").count("code.py") == 2


def test_where_nothing_stopped_there_is_nothing_to_do(ground: Repository) -> None:
    done = settled(ground)
    assert (done.during, done.rewritten, done.written, done.left) == ("commit", (), (), ())


def test_a_record_that_is_a_symlink_is_not_followed(ground: Repository) -> None:
    ground.git("switch", "--quiet", "topic")
    path = ground.path / layout.version("m", "1.1.0")
    path.unlink()
    path.symlink_to("/etc/passwd")
    ground.commit("Hostile")
    ground.git("switch", "--quiet", "main")
    assert tried(ground, "merge", "--quiet", "topic") == 1
    before = ground.git("status", "--porcelain")
    with pytest.raises(MlverError, match="is a symlink"):
        settled(ground)
    assert ground.git("status", "--porcelain") == before


# -- killed, and what a person did before the next command ------------------------------------------------------------


def killed(ground: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is staged, and the old seals are deleted; then it is killed, its intent still on the disk."""
    remote(ground)
    sealed_by_topic(ground)
    assert tried(ground, "merge", "--quiet", "origin/main") == 1

    def die(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(intent, "drop", die)
        with pytest.raises(KeyboardInterrupt):
            settled(ground)
    assert intent.pending(Project.open(ground.path).directory) is not None


def test_killed_and_then_committed_it_is_completed(ground: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(ground, monkeypatch)
    ground.git("commit", "--quiet", "--no-edit")
    whole(ground)
    assert told(ground) == CHAIN
    assert ground.git("status", "--porcelain") == ""


def test_killed_and_then_given_up_it_is_undone(ground: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(ground, monkeypatch)
    ground.git("merge", "--abort")
    whole(ground)
    assert told(ground) == [("1.0.0", None), ("1.1.0", "1.0.0"), ("1.1.1", "1.1.0")]
    assert ground.git("status", "--porcelain") == ""
    assert ground.git("tag", "--list", "m@v1.1.*").split() == ["m@v1.1.0", "m@v1.1.1"]


def test_killed_and_run_again(ground: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(ground, monkeypatch)
    done = settled(ground)
    assert (len(done.written), done.untagged) == (7, ("m@v1.1.0", "m@v1.1.1"))
    ground.git("commit", "--quiet", "--no-edit")
    whole(ground)


# -- what history may not do all the same ----------------------------------------------------------------------------


def forged(ground: Repository, files: Sequence[tuple[str, str]]) -> None:
    """A merge of topic that says what a person made up."""
    tried(ground, "merge", "--quiet", "--no-commit", "-s", "ours", "topic")
    for path, text in files:
        ground.write(path, text)
    ground.commit("Forged merge")


def test_a_merge_that_edits_what_it_moves_is_still_told(ground: Repository) -> None:
    side = Registry(Tree.at(Project.open(ground.path).repository, "refs/heads/topic"), None)
    mains, topics = layout.version("m", "1.1.0"), side.read(layout.version("m", "1.1.0"))
    assert topics is not None
    lost = (ground.path / mains).read_text()
    moved = lost.replace('version: "1.1.0"', 'version: "1.3.0"').replace("message: main", "message: better")
    forged(ground, [(mains, topics.decode()), (layout.version("m", "1.3.0"), moved)])
    broken = verify(Project.open(ground.path), everything=True).broken
    assert any(link.kind == "history" and link.subject == mains for link in broken)
