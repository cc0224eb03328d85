"""GTO: versions and stage assignments are git tags; artifacts.yaml says what they are about.

The honest tags are what `gto register` and `gto assign` make, an hour apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.forgeries.peers.git_ground import (
    ALICE,
    KIM,
    OLD_DATE,
    ForgedTag,
    GitForgery,
    GitGround,
    commit_files,
    make_tag,
)
from tests.forgeries.peers.judging import ToolCommand

PURPOSE = "names versions and stages by git tags, so that pipelines start; git keeps the history"
ABSENT = {
    "invented gates": "it has no gates and no approvals",
}
# `gto show digits --json`, without the entry that it has for HEAD, whatever that is.
_REGISTERED = """\
import gto.api
rows = gto.api.show(".", "digits")
print([row for row in rows if row["version"].startswith("v")])
"""
COMMANDS = (
    ToolCommand("gto doctor", ("gto", "doctor")),
    ToolCommand("gto check-ref", ("gto", "check-ref", "digits@v1.0.0")),
    ToolCommand("gto check-ref", ("gto", "check-ref", "digits#production#2")),
    ToolCommand("gto check-ref", ("gto", "check-ref", "digits#production#4")),
    ToolCommand("gto print-state", ("gto", "print-state")),
    ToolCommand("gto show", ("python", _REGISTERED), check=False),
    ToolCommand("gto show", ("gto", "show", "--json"), check=False),
    ToolCommand("gto history", ("gto", "history", "digits", "--json"), check=False),
)
_ARTIFACTS = "digits:\n  type: model\n  path: model.bin\n"
_SETTINGS = "stages: [staging, production]\n"
_WEAK_SETTINGS = b"stages: [staging, production, live]\n"


def build_ground(top: Path, environment: Mapping[str, str]) -> GitGround:
    """Build two versions, each assigned to staging and then to production."""
    remote = top / "remote.git"
    work = top / "work"
    work.mkdir(parents=True)
    ground = GitGround(remote, {}, environment)
    ground.git(work, "init", "--quiet")
    (work / "artifacts.yaml").write_text(_ARTIFACTS)
    (work / ".gto").write_text(_SETTINGS)
    points: dict[str, str] = {}
    counter = 0
    for number, point in enumerate(("early", "second")):
        day = f"2026-03-{2 + 2 * number:02}"
        (work / "model.bin").write_text(f"weights {number}\n" * 100)
        points[point] = commit_files(ground, work, KIM, f"{day}T09:00:00Z")
        version = ForgedTag(name=f"digits@v1.{number}.0", tagger=KIM, date=f"{day}T10:00:00Z")
        make_tag(ground, work, version, points[point])
        for hour, stage in enumerate(("staging", "production"), start=11):
            counter += 1
            name = f"digits#{stage}#{counter}"
            date = f"{day}T{hour}:00:00Z"
            make_tag(ground, work, ForgedTag(name=name, tagger=KIM, date=date), points[point])
    (work / "notes.txt").write_text("other work\n")
    points["tip"] = commit_files(ground, work, KIM, "2026-03-05T09:00:00Z")
    ground.git(top, "clone", "--quiet", "--bare", str(work), str(remote))
    return GitGround(remote, points, environment)


def prepare_clone(clone: Path, storage: Path) -> None:
    """Do nothing: GTO keeps no bytes."""


def list_forgeries(ground: GitGround) -> Iterator[GitForgery]:
    weights = b"the forger's weights\n"
    artifacts = _ARTIFACTS.replace("model.bin", "other.bin").encode()
    yield GitForgery(
        kind="edited",
        forged="weights and artifacts.yaml on main",
        steps=[{"artifacts.yaml": artifacts, "other.bin": weights, "model.bin": weights}],
    )
    yield GitForgery(
        kind="edited",
        forged="a version's tag",
        tags=[ForgedTag(name="digits@v1.0.0", target="tip", date="2026-03-02T10:00:00Z")],
    )
    yield GitForgery(
        kind="inserted",
        forged="an assignment between two",
        tags=[
            ForgedTag(name="digits#production#5", target="early", date="2026-03-03T12:00:00Z"),
        ],
    )
    yield GitForgery(
        kind="inserted",
        forged="a version between two",
        steps=[{"model.bin": weights}],
        tags=[ForgedTag(name="digits@v1.0.5", target="step 0", date="2026-03-03T12:00:00Z")],
    )
    yield GitForgery(
        kind="removed",
        forged="the model in artifacts.yaml on main",
        steps=[{"artifacts.yaml": None}],
    )
    yield GitForgery(kind="removed", forged="an assignment's tag", deleted=["digits#production#2"])
    yield GitForgery(
        kind="removed",
        forged="a version's tag, and its assignments'",
        deleted=["digits@v1.0.0", "digits#staging#1", "digits#production#2"],
    )
    yield from _list_rewritten()


def _list_rewritten() -> Iterator[GitForgery]:
    yield GitForgery(
        kind="reordered",
        forged="two assignments' tags",
        tags=[
            ForgedTag(name="digits#production#2", target="second", date="2026-03-02T12:00:00Z"),
            ForgedTag(name="digits#production#4", target="early", date="2026-03-04T12:00:00Z"),
        ],
    )
    yield GitForgery(
        kind="backdated",
        forged="an assignment dated before its version",
        tags=[ForgedTag(name="digits#production#5", target="second", date=OLD_DATE)],
    )
    weaker = {".gto": _WEAK_SETTINGS}
    yield GitForgery(
        kind="rule weakened and restored",
        forged="the stages that .gto allows",
        steps=[weaker, {"notes.txt": b"more\n"}, {".gto": _SETTINGS.encode()}],
        tags=[ForgedTag(name="digits#live#5", target="second")],
    )
    yield GitForgery(
        kind="other author",
        forged="an assignment in another's name",
        tags=[ForgedTag(name="digits#production#5", target="early", tagger=ALICE)],
    )
