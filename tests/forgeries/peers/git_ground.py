"""How a forgery comes to the git repository of a tool: pushed to main, or as a tag."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FileChanges = Mapping[str, bytes | None]

KIM = "Kim <kim@example.org>"
MALLORY = "Mallory <mallory@example.org>"
ALICE = "Alice Auditor <alice@example.org>"
FORGED_DATE = "2026-03-09T09:00:00Z"
OLD_DATE = "2020-01-01T09:00:00Z"

FAST_FORWARD = "fast-forward"
MERGE = "ordinary merge, the other side taken"
SWAPPED = "merge with swapped parents"
ARRIVALS = (FAST_FORWARD, MERGE, SWAPPED)
NEW_TAG = "new tag"
MOVED_TAG = "tag moved by force"
DELETED_TAG = "tag deleted at the remote"
STORAGE = "written into the remote storage"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgedTag:
    """A tag that the forger makes; `target` is a point of the ground, a step, or `main`."""

    name: str
    target: str = "main"
    message: str = "As agreed"
    tagger: str = MALLORY
    date: str = FORGED_DATE


@dataclass(frozen=True, slots=True, kw_only=True)
class GitForgery:
    """`steps` are the commits that a forger pushes to main; `tags` are made or moved, and those
    that are `deleted` are removed at the remote.

    `store` changes the storage that the repository points into, before the push.
    """

    kind: str
    forged: str
    steps: Sequence[FileChanges] = field(default_factory=tuple)
    tags: Sequence[ForgedTag] = field(default_factory=tuple)
    deleted: Sequence[str] = field(default_factory=tuple)
    author: str = MALLORY
    date: str = FORGED_DATE
    store: Callable[[Path], None] | None = None


@dataclass(frozen=True, slots=True)
class GitGround:
    """An honest repository. `points` are commits of main by a name: `early` is where branches begin
    and `tip` the last one. `environment` is that of every command.
    """

    remote: Path
    points: Mapping[str, str]
    environment: Mapping[str, str]

    def git(self, place: Path, *words: str, **variables: str) -> str:
        done = self.try_git(place, *words, **variables)
        if done.returncode:
            raise AssertionError(f"git {' '.join(words)}: {done.stderr}")
        return done.stdout.strip()

    def try_git(
        self, place: Path, *words: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *words],
            cwd=place,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )


def commit_files(ground: GitGround, work: Path, author: str, date: str) -> str:
    """Commit everything in a work tree."""
    ground.git(work, "add", "--all")
    ground.git(work, "commit", "--quiet", "-m", "Work", **_name_person(author, date))
    return ground.git(work, "rev-parse", "HEAD")


def make_tag(ground: GitGround, work: Path, tag: ForgedTag, target: str) -> None:
    words = ("tag", "--force", "--annotate", "--message", tag.message, tag.name, target)
    ground.git(work, *words, **_name_person(tag.tagger, tag.date))


def list_arrivals(ground: GitGround, forgery: GitForgery) -> Sequence[str]:
    """List the ways in which this forgery can come."""
    if forgery.steps:
        return ARRIVALS
    if forgery.deleted:
        return (DELETED_TAG,)
    if not forgery.tags:
        return (STORAGE,)
    existing = ground.git(ground.remote, "tag").splitlines()
    moved = any(tag.name in existing for tag in forgery.tags)
    return (MOVED_TAG,) if moved else (NEW_TAG,)


def bring_forgery(
    ground: GitGround, remote: Path, forger: Path, forgery: GitForgery, arrival: str
) -> list[str]:
    """Push a forgery from the forger's clone; the refusals that had to be overridden."""
    ground.git(remote.parent, "clone", "--quiet", str(remote), str(forger))
    refusals: list[str] = []
    pushed = {"main": ground.points["tip"]}
    if forgery.steps:
        pushed = _write_commits(ground, forger, forgery, arrival)
        ground.git(forger, "push", "--quiet", "origin", f"{pushed['main']}:refs/heads/main")
    for tag in forgery.tags:
        make_tag(ground, forger, tag, {**ground.points, **pushed}[tag.target])
        refusals = _push_tag(ground, forger, tag.name) or refusals
    for name in forgery.deleted:
        ground.git(forger, "push", "--quiet", "origin", f":refs/tags/{name}")
    return refusals


def _push_tag(ground: GitGround, forger: Path, name: str) -> list[str]:
    reference = f"refs/tags/{name}"
    if ground.try_git(forger, "push", "--quiet", "origin", reference).returncode == 0:
        return []
    ground.git(forger, "push", "--quiet", "--force", "origin", reference)
    return ["`git push` (until forced)"]


def _write_commits(
    ground: GitGround, forger: Path, forgery: GitForgery, arrival: str
) -> dict[str, str]:
    """Commit the steps on main, or on a branch that a merge takes whole; name what was made."""
    tip = ground.points["tip"]
    person = _name_person(forgery.author, forgery.date)
    begin = tip if arrival == FAST_FORWARD else ground.points["early"]
    commits = _commit_steps(ground, forger, begin, forgery.steps, person)
    made = {f"step {number}": commit for number, commit in enumerate(commits)}
    last = made[f"step {len(forgery.steps) - 1}"]
    if arrival == FAST_FORWARD:
        return {**made, "main": last}
    on_main = _commit_steps(ground, forger, tip, forgery.steps, person)[-1]
    parents = [tip, last] if arrival == MERGE else [last, tip]
    words = ["commit-tree", f"{on_main}^{{tree}}", "-m", "Merge branch 'side'"]
    for parent in parents:
        words += ["-p", parent]
    return {**made, "main": ground.git(forger, *words, **person)}


def _commit_steps(
    ground: GitGround,
    forger: Path,
    begin: str,
    steps: Sequence[FileChanges],
    person: Mapping[str, str],
) -> list[str]:
    ground.git(forger, "checkout", "--quiet", "--force", "--detach", begin)
    commits: list[str] = []
    for changes in steps:
        for name, data in changes.items():
            if data is None:
                (forger / name).unlink(missing_ok=True)
            else:
                (forger / name).write_bytes(data)
        ground.git(forger, "add", "--all")
        ground.git(forger, "commit", "--quiet", "--allow-empty", "-m", "More work", **person)
        commits.append(ground.git(forger, "rev-parse", "HEAD"))
    return commits


def _name_person(author: str, date: str) -> dict[str, str]:
    name, _, address = author.removesuffix(">").partition(" <")
    values: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        values[f"GIT_{role}_NAME"] = name
        values[f"GIT_{role}_EMAIL"] = address
        values[f"GIT_{role}_DATE"] = date
    return values


def update_kept(ground: GitGround, kept: Path) -> list[str]:
    """Update a clone that somebody kept; name what git refuses there."""
    refused: list[str] = []
    if ground.try_git(kept, "pull", "--quiet", "--ff-only").returncode:
        refused.append("`git pull` in a kept clone")
    if ground.try_git(kept, "fetch", "--quiet", "--tags").returncode:
        refused.append("`git fetch --tags` in a kept clone")
    return refused
