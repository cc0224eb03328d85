"""Two branches that claim the same numbers, and what a person types when they meet."""

from __future__ import annotations

import subprocess
from pathlib import Path

from mlver.digest import Digest
from mlver.document import codec
from mlver.features.checking.verify import verify_versions
from mlver.features.merging.outcomes import MergeSide
from mlver.features.merging.resolve import ResolveResult, resolve_conflicts
from mlver.features.releasing.tag import tag_records
from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from tests.conftest import NOW, Repository
from tests.project.helpers import initialise_project, new_repository, register_one, write_artifact


def diverge_branches(path: Path) -> Repository:
    """m 1.0.0 in production; `topic` and `main` each register a 1.1.0 and promote it, `topic` a
    1.1.1 as well.
    """
    ground = new_repository(path)
    project = initialise_project(ground)
    ground.write(".gitignore", "/w\n")
    write_artifact(ground, "w", "1")
    ground.commit("Ground")
    register_one(project)
    promote_version(project, "m", to="production", message="release")
    ground.git("branch", "start")
    ground.git("switch", "--quiet", "-c", "topic")
    register_next_version(project, "topic")
    register_next_version(project, "topic fix", "patch")
    promotion_tags = ("m@production.2", "m@production.3")
    ground.git("tag", "--delete", "m@v1.1.0", "m@v1.1.1", *promotion_tags)
    ground.git("switch", "--quiet", "main")
    register_next_version(project, "main")
    return ground


def register_next_version(
    project: Project, weights: str, bump: str = "minor", stage: str | None = "production"
) -> None:
    (project.top_folder / "w").write_text(weights)
    ground = register_one(project, bump=bump, message=weights)
    if stage:
        promote_version(project, f"m@{ground.version}", to=stage, message=f"promote {weights}")


def run_git(ground: Repository, *words: str) -> int:
    """What a git that may stop at a conflict exits with."""
    finished = subprocess.run(
        ["git", "-c", "core.editor=:", *words], cwd=ground.path, capture_output=True, check=False
    )
    return finished.returncode


def resolve_merge(
    ground: Repository, rewrite: MergeSide | None = None, *, dry_run: bool = False
) -> ResolveResult:
    return resolve_conflicts(Project.open_existing(ground.path), rewrite=rewrite, dry_run=dry_run)


_ELSEWHERE = {("tag", "seals a record that is not here")}


def assert_verifies(ground: Repository) -> None:
    """Everything can be sealed, and nothing is found wrong."""
    project = Project.open_existing(ground.path)
    assert tag_records(project).refused == ()
    # what lies in the work tree is a person's own business; what branches have sealed that are not
    # here, theirs
    broken = verify_versions(project, everything=True).broken
    own = [link for link in broken if (link.kind, link.message) not in _ELSEWHERE]
    assert own == []


def list_promotions(ground: Repository, stage: str = "production") -> list[tuple[str, str | None]]:
    history = Project.open_existing(ground.path).registry.read_history("m", stage)
    return [(record.version, record.previous) for record, _ in history]


CHAIN: list[tuple[str, str | None]] = [
    ("1.0.0", None),
    ("1.1.0", "1.0.0"),
    ("1.2.0", "1.1.0"),
    ("1.2.1", "1.2.0"),
]
MOVED = [
    (layout.version_path("m", "1.1.0"), layout.version_path("m", "1.2.0")),
    (layout.version_path("m", "1.1.1"), layout.version_path("m", "1.2.1")),
    (layout.promotion_path("m", "production", 2), layout.promotion_path("m", "production", 3)),
    (layout.promotion_path("m", "production", 3), layout.promotion_path("m", "production", 4)),
]


def add_remote(ground: Repository) -> Repository:
    """Main has landed on `origin`."""
    made = Repository(ground.path.parent / "remote.git")
    ground.git("init", "--quiet", "--bare", str(made.path))
    ground.git("remote", "add", "origin", str(made.path))
    ground.git("push", "--quiet", "origin", "main", "start")
    ground.git("remote", "set-head", "origin", "main")
    return made


def seal_on_topic(ground: Repository) -> str:
    """The tag m@v1.1.0 seals topic's record here."""
    ground.git("tag", "--delete", "m@v1.1.0")
    ground.git("switch", "--quiet", "topic")
    tag_records(Project.open_existing(ground.path))
    return ground.git("rev-parse", "refs/tags/m@v1.1.0")


def write_record(apart: Repository, path: str, data: bytes) -> Digest:
    apart.write(path, data)
    return Digest.of_bytes(data)


def judge_version(apart: Repository, version: str, who: str) -> Digest:
    """An evaluation and an approval of a version, as another mlver may write them; the approval's
    digest.
    """
    pinned, record = Project.open_existing(apart.path).registry.read_version("m", version)
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
    write_record(
        apart,
        layout.evaluation_path("m", version, 1),
        codec.encode_document("evaluation", evaluation.to_document()),
    )
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
    path = layout.approval_path("m", version, "production", 1)
    settings = write_record(apart, path, codec.encode_document("approval", approval.to_document()))
    apart.commit(f"Judge {version}")
    return settings
