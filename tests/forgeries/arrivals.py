"""How a forger's commits come to main: each a fast-forward of it that moves no tag."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mlver.records import layout
from tests.conftest import Repository
from tests.forgeries.commits import (
    FORGE,
    MALLORY,
    FileChanges,
    Identity,
    PlannedCommit,
    PlannedSeal,
    write_commits,
)
from tests.forgeries.ground import (
    HOUR,
    WEAK_SETTINGS,
    Ground,
    describe_policy,
    edit_record,
    name_digest,
    read_record,
    read_tree,
)
from tests.forgeries.kinds import Forgery

HEAD = "refs/heads/main"
_CODE: FileChanges = {"tool.py": b"print('useful')\n"}


@dataclass(frozen=True, slots=True)
class CaseBuilder:
    """Plans the commits of one forgery, after the last of the ground.

    `trees` holds the files of each point of main that a branch may begin at.
    """

    ground: Ground
    trees: Mapping[str, Mapping[str, bytes]]
    forgery: Forgery

    def plan_commit(
        self,
        name: str,
        parents: Sequence[str],
        changes: FileChanges,
        *,
        hours: int,
        authored: int | None = None,
        committer: Identity = MALLORY,
    ) -> PlannedCommit:
        committed = self.ground.now + (hours + 1) * HOUR
        return PlannedCommit(
            name=name,
            parents=parents,
            changes=changes,
            committer=committer,
            authored=authored or committed,
            committed=committed,
        )

    def plan_steps(self, parent: str, *, late: int = 0) -> list[PlannedCommit]:
        """Plan a commit for each step, one after the other."""
        commits: list[PlannedCommit] = []
        for number, changes in enumerate(self.forgery.steps):
            name = f"step {number}"
            authored = self.ground.now + HOUR if late else None
            parents = [parent]
            if number == 0 and self.forgery.merging is not None:
                commits.append(self._plan_old_branch(self.forgery.merging))
                parents.append(commits[0].name)
            commits.append(
                self.plan_commit(name, parents, changes, hours=1 + late + number, authored=authored)
            )
            parent = name
        return commits

    def _plan_old_branch(self, point: str) -> PlannedCommit:
        return self.plan_commit("old", [self.ground.points[point]], {"old.py": b"pass\n"}, hours=0)

    def join_changes(self) -> dict[str, bytes | None]:
        """Join what all steps do to the files of main."""
        changes: dict[str, bytes | None] = {}
        for step in self.forgery.steps:
            changes.update(step)
        return changes

    def plan_branch(self, point: str) -> list[PlannedCommit]:
        """Plan a branch from a point of main, whose steps change what is there by then."""
        begin = self.plan_commit("begin", [self.ground.points[point]], _CODE, hours=0)
        return [begin, *self.plan_steps("begin")]

    def change_from_branch(self, point: str) -> dict[str, bytes | None]:
        """List what turns the branch's files into main's with the forgery."""
        wanted: dict[str, bytes | None] = dict(self.trees["tip"])
        wanted.update(_CODE)
        wanted.update(self.join_changes())
        return wanted


def arrive_fast_forward(builder: CaseBuilder) -> list[PlannedCommit]:
    return builder.plan_steps(builder.ground.tip)


def arrive_squash(builder: CaseBuilder) -> list[PlannedCommit]:
    changes = {**_CODE, **builder.join_changes()}
    return [builder.plan_commit("squash", [builder.ground.tip], changes, hours=5, committer=FORGE)]


def arrive_rebase(builder: CaseBuilder) -> list[PlannedCommit]:
    begin = builder.plan_commit("begin", [builder.ground.tip], _CODE, hours=0)
    return [begin, *builder.plan_steps("begin", late=24)]


def arrive_merge(builder: CaseBuilder) -> list[PlannedCommit]:
    return _merge_branch(builder, builder.forgery.early)


def arrive_late_merge(builder: CaseBuilder) -> list[PlannedCommit]:
    return _merge_branch(builder, "tip")


def arrive_octopus(builder: CaseBuilder) -> list[PlannedCommit]:
    *branch, merge = _merge_branch(builder, builder.forgery.early)
    other = builder.ground.points["other"]
    tip, side = merge.parents
    changes = {**merge.changes, "notes.txt": builder.trees["other"]["notes.txt"]}
    return [*branch, replace(merge, parents=[tip, other, side], changes=changes)]


def arrive_swapped(builder: CaseBuilder) -> list[PlannedCommit]:
    """The forger's branch is the merge's first parent, and main its second."""
    branch = builder.plan_branch(builder.forgery.early)
    changes = builder.change_from_branch(builder.forgery.early)
    parents = [branch[-1].name, builder.ground.tip]
    return [*branch, builder.plan_commit("merge", parents, changes, hours=30)]


def _merge_branch(builder: CaseBuilder, point: str) -> list[PlannedCommit]:
    branch = builder.plan_branch(point)
    changes = {**_CODE, **builder.join_changes()}
    parents = [builder.ground.tip, branch[-1].name]
    return [*branch, builder.plan_commit("merge", parents, changes, hours=30)]


ARRIVALS: Mapping[str, Callable[[CaseBuilder], list[PlannedCommit]]] = {
    "fast-forward": arrive_fast_forward,
    "squash": arrive_squash,
    "rebase": arrive_rebase,
    "ordinary merge": arrive_merge,
    "late merge": arrive_late_merge,
    "swapped parents": arrive_swapped,
    "octopus": arrive_octopus,
}
# In so many of these ways each forgery arrives in an ordinary run: in others with each commit. A
# long run tries them all.
ORDINARY_ARRIVALS = 3


def choose_arrivals(number: int, turn: int) -> frozenset[str]:
    """Choose how the forgery of this number arrives in an ordinary run.

    The forgery after it arrives in the next ways, so that those of a kind share the ways out.
    """
    names = tuple(ARRIVALS)
    start = number * ORDINARY_ARRIVALS + turn
    return frozenset(names[(start + step) % len(names)] for step in range(ORDINARY_ARRIVALS))


def read_trees(ground: Ground) -> dict[str, dict[str, bytes]]:
    return {point: read_tree(ground.repository, commit) for point, commit in ground.points.items()}


def bring_forgery(
    repository: Repository,
    ground: Ground,
    trees: Mapping[str, Mapping[str, bytes]],
    forgery: Forgery,
    arrival: str,
) -> None:
    """Bring a forgery to `main` of a bare repository that holds the ground."""
    builder = CaseBuilder(ground, trees, forgery)
    commits = ARRIVALS[arrival](builder)
    if forgery.naming:
        commits = _name_policy(repository, forgery, commits)
    seals: list[PlannedSeal] = []
    for name, message in forgery.sealed:
        target = _find_target(commits, forgery.subject)
        text = _seal_again(message, commits, forgery.subject)
        seals.append(PlannedSeal(name, target, text, MALLORY, ground.now + 40 * HOUR))
    write_commits(repository, commits, seals, branch=HEAD)
    for tag in forgery.assigned:
        repository.git("tag", tag, ground.tip)


def _find_target(commits: Sequence[PlannedCommit], subject: str) -> str:
    """Find a commit that holds the forged record: where it came in, else the last."""
    data = _find_last(commits, subject)
    for commit in commits:
        if data is not None and commit.changes.get(subject) == data:
            return commit.name
    return commits[-1].name


def _find_last(commits: Sequence[PlannedCommit], subject: str) -> bytes | None:
    """Find what the forged record is in the end."""
    versions = [commit.changes.get(subject) for commit in commits]
    return next((data for data in reversed(versions) if data is not None), None)


def _name_policy(
    repository: Repository, forgery: Forgery, commits: Sequence[PlannedCommit]
) -> list[PlannedCommit]:
    """Let the forged promotion name the commit that weakened the rule, and what it says there."""
    weak = [
        position
        for position, commit in enumerate(commits)
        if commit.changes.get(layout.CONFIG) == WEAK_SETTINGS
    ]
    if not weak:
        return list(commits)
    until = list(commits[: weak[0] + 1])
    write_commits(repository, until, branch="refs/made/weak")
    weak_commit = repository.git("rev-parse", "refs/made/weak")
    repository.git("update-ref", "-d", "refs/made/weak")
    renewed: list[PlannedCommit] = []
    for commit in commits:
        changes = dict(commit.changes)
        data = changes.get(forgery.subject)
        if data is not None:
            changes[forgery.subject] = _judge_under(repository, data, weak_commit)
        renewed.append(replace(commit, changes=changes))
    return renewed


def _judge_under(repository: Repository, data: bytes, commit: str) -> bytes:
    """Write into a promotion that the rule of `commit` judged it, as mlver would."""
    document = read_record(data)
    policy = document.get("policy")
    if policy is None:
        return data
    return edit_record(data, policy=describe_policy(repository, commit, policy))


def _seal_again(message: str, commits: Sequence[PlannedCommit], subject: str) -> str:
    data = _find_last(commits, subject)
    if data is None:
        return message
    head, _, _ = message.rpartition("Mlver-Record: ")
    return f"{head}Mlver-Record: {name_digest(data)}\n"
