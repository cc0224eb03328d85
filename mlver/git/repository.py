"""One repository as mlver sees it: where it is, what HEAD is, which tags seal what, what history says.

Every name is passed as a full reference or an object id; every list is read NUL-separated in one process.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mlver.digest import Digest
from mlver.git import objects
from mlver.git.objects import GitObject
from mlver.git.places import find_places
from mlver.git.process import GitFailed, GitProcess

_TRAILER = re.compile(r"^Mlver-Record: (sha256:[0-9a-f]{64})$", re.MULTILINE)
# Where git takes a signature to begin; what stands behind that is signed by nobody (gitformat-signature(5)).
_SIGNATURE = re.compile(
    r"^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----", re.MULTILINE
)
_UNFINISHED = {
    "MERGE_HEAD": ("a merge", "git merge --continue"),
    "rebase-apply/applying": ("the applying of patches", "git am --continue"),
    "rebase-merge": ("a rebase", "git rebase --continue"),
    "rebase-apply": ("a rebase", "git rebase --continue"),
    "CHERRY_PICK_HEAD": ("a cherry-pick", "git cherry-pick --continue"),
    "REVERT_HEAD": ("a revert", "git revert --continue"),
}
# These run a program found on PATH, not one the repository brings.
_TRUSTED_FILTERS = frozenset(
    {"git-lfs clean -- %f", "git-lfs smudge -- %f", "git-lfs filter-process"}
)
# Pathspecs with magic: a call that uses them may not take its paths literally.
_BUT_RECORDS = (":/", ":(top,exclude).mlver")
_COMMIT_HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit")
# The tag object's own header: what it points at need not be here, and is never followed further than it says.
_TAG_FIELDS = "%(refname)%00%(objectname)%00%(objecttype)%00%(object)%00%(type)%00%(contents)%00"


class HeadState(NamedTuple):
    """Where HEAD is. `commit` is None before the first commit, `branch` is None when detached."""

    commit: str | None
    branch: str | None


class GitTag(NamedTuple):
    """A tag as git stores it. `commit` is None when it names anything but a commit; `seals` is its record's digest."""

    name: str
    object_id: str
    annotated: bool
    commit: str | None
    message: str

    @property
    def is_signed(self) -> bool:
        return self.annotated and _SIGNATURE.search(self.message) is not None

    @property
    def seals(self) -> str | None:
        unsigned = _SIGNATURE.split(self.message, maxsplit=1)[0]
        digests = _TRAILER.findall(unsigned)
        return digests[-1] if digests else None


@dataclass(frozen=True, slots=True)
class CommitSummary:
    id: str
    subject: str


@dataclass(frozen=True, slots=True)
class GitRepository:
    """A git work tree. `git_dir` is this work tree's own; `common_dir` is shared by all its work trees.

    `keep_open` are descriptors (the lock's) that a git that writes here holds as long as it runs. `hooked`: this is a
    hook that git started, and the index and the objects are those it names.
    """

    top: Path
    git_dir: Path
    common_dir: Path
    keep_open: tuple[int, ...] = ()
    hooked: bool = False

    @classmethod
    def find(cls, start: Path, *, hooked: bool = False) -> GitRepository:
        """The repository `start` is in; raise MlverError where there is none, or none with a work tree."""
        asked = ["--show-toplevel", "--absolute-git-dir", "--git-common-dir"]
        top, git_dir, common_dir = find_places(GitProcess(start, hooked=hooked), asked)
        return cls(top, git_dir, common_dir, hooked=hooked)

    @classmethod
    def hosted(cls, start: Path) -> GitRepository:
        """The repository that others push to, as its hooks see it: no work tree, `top` is the git directory itself."""
        git_dir, common_dir = find_places(
            GitProcess(start, hooked=True), ["--absolute-git-dir", "--git-common-dir"]
        )
        return cls(git_dir, git_dir, common_dir, hooked=True)

    @property
    def process(self) -> GitProcess:
        return GitProcess(self.top, keep_open=self.keep_open, hooked=self.hooked)

    @property
    def own(self) -> str:
        """This work tree's git directory, relative to the common one: the same wherever the repository is moved to."""
        return os.fspath(self.git_dir.relative_to(self.common_dir))

    # -- where we stand ------------------------------------------------------------------------------------------

    def head(self) -> HeadState:
        arguments = ["rev-parse", "--quiet", "HEAD^{commit}", "--symbolic-full-name", "HEAD"]
        finished = self.process.try_read(arguments)
        if finished.code == 0:
            commit, reference = finished.out.decode().split("\n", 1)
            return HeadState(commit, _branch_name(reference))
        # before the first commit
        symbolic = self.process.try_read(["symbolic-ref", "--quiet", "HEAD"])
        return HeadState(None, _branch_name(symbolic.out.decode()))

    def unfinished(self) -> tuple[str, str] | None:
        """What is half done here (`a merge`) and the command that finishes it; None when nothing is."""
        for name, what in _UNFINISHED.items():
            if (self.git_dir / name).exists():
                return what
        return None

    def git_version(self) -> tuple[int, ...]:
        """git's own version, such as (2, 39, 5)."""
        text = self.process.read(["--version"]).decode()
        match = re.search(r"\d+(\.\d+)+", text)
        if match is None:
            return ()
        return tuple(int(part) for part in match[0].split("."))

    def ignores(self, path: str) -> bool:
        """Whether a rule of a .gitignore covers a path, tracked or not."""
        # check-ignore refuses literal pathspecs; behind `./` no path has magic
        options = ["--no-literal-pathspecs", "check-ignore", "--quiet", "--no-index"]
        finished = self.process.try_read([*options, "--", f"./{path}"])
        if finished.code > 1:
            raise GitFailed(f"say whether {path} is ignored", finished.err.decode(errors="replace"))
        return finished.code == 0

    def commit_hooks(self) -> list[tuple[Path, bool]]:
        """The hooks git runs on a commit, with whether each is executable."""
        folder = self._git_path("hooks")
        hooks = [folder / name for name in _COMMIT_HOOKS]
        return [(hook, os.access(hook, os.X_OK)) for hook in hooks if hook.exists()]

    def _git_path(self, name: str) -> Path:
        """Where git keeps something of this repository, whatever its settings say."""
        arguments = ["rev-parse", "--path-format=absolute", "--git-path", name]
        return Path(os.fsdecode(self.process.read(arguments).rstrip(b"\n")))

    def author(self) -> str:
        """`Name <mail>` as git would sign a commit; raise GitFailed with the command that sets it."""
        hint = 'git config user.name "Your Name" && git config user.email you@example.org'
        try:
            identity = self.process.read(["var", "GIT_AUTHOR_IDENT"], doing="say who you are")
        except GitFailed as failed:
            raise GitFailed("say who you are", failed.output, hint=hint) from None
        # behind the mail address stand the time and the time zone
        return identity.decode(errors="replace").rsplit(" ", 2)[0]

    def changes(self) -> tuple[list[str], list[str]]:
        """Paths that differ from HEAD (staged or not), and paths git does not know (directories end in `/`)."""
        arguments = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal"]
        arguments.append("--ignore-submodules=dirty")
        listing = self._disarmed.read(arguments, doing="compare the work tree with HEAD")
        changed_paths: list[str] = []
        unknown_paths: list[str] = []
        for line in _split_fields(listing):
            path = line[3:]
            if line.startswith("??"):
                unknown_paths.append(path)
            else:
                changed_paths.append(path)
        return changed_paths, unknown_paths

    def ignored_or_tracked(self, paths: Sequence[str]) -> set[str]:
        """Those of `paths` that git ignores or already holds: they cannot slip into a commit unseen."""
        known: set[str] = set()
        for path in paths:
            if self.ignores(path) or self.process.read(["ls-files", "-z", "--", path]):
                known.add(path)
        return known

    def tracked(self, paths: Sequence[str]) -> set[str]:
        """Those of `paths` that the index holds."""
        return set(_split_fields(self.process.read(["ls-files", "-z", "--", *paths])))

    @property
    def _disarmed(self) -> GitProcess:
        """For calls that compare file contents: the repository's own clean and smudge filters switched off."""
        switches: list[tuple[str, str]] = []
        for scope, name, value in self.settings(r"^filter\..*\.(clean|smudge|process)$"):
            if scope in ("local", "worktree") and value not in _TRUSTED_FILTERS:
                section = name.rsplit(".", 1)[0]
                switches += [(name, ""), (f"{section}.required", "false")]
        return GitProcess(self.top, tuple(switches))

    def settings(self, pattern: str) -> list[tuple[str, str, str]]:
        """git's settings whose names match, in the order that git reads them: scope (`local`, …), name and value."""
        arguments = ["config", "-z", "--show-scope", "--get-regexp", pattern]
        fields = iter(_split_fields(self.process.try_read(arguments).out))
        settings: list[tuple[str, str, str]] = []
        for scope, setting in zip(fields, fields, strict=False):
            name, _, value = setting.partition("\n")
            settings.append((scope, name, value))
        return settings

    # -- tags and blobs ------------------------------------------------------------------------------------------

    def tags(self, *patterns: str) -> dict[str, GitTag]:
        """Tags by name; `patterns` are full references or globs such as `refs/tags/digits@v*`."""
        arguments = ["for-each-ref", f"--format={_TAG_FIELDS}", *(patterns or ("refs/tags/",))]
        fields = self.process.read(arguments).decode(errors="replace").split("\0")
        tags: dict[str, GitTag] = {}
        for start in range(0, len(fields) - 6, 6):
            reference, object_id, kind, target, target_kind, message = fields[start : start + 6]
            name = reference.removeprefix("\n").removeprefix("refs/tags/")
            commit = None
            if kind == "commit":
                commit = object_id
            elif kind == "tag" and target_kind == "commit":
                commit = target
            tags[name] = GitTag(name, object_id, kind == "tag", commit, message)
        return tags

    def tags_named(self, names: Iterable[str]) -> dict[str, GitTag]:
        """Those of `names` that there are, read in one process that looks at no other tag, however many there are."""
        return self.tag_objects({name: f"refs/tags/{name}" for name in names})

    def tag_objects(self, ids: Mapping[str, str]) -> dict[str, GitTag]:
        """Tags by name, from the objects named beside them; those lacking here are left out."""
        tags: dict[str, GitTag] = {}
        for name, target in zip(ids, objects.read_objects(self.process, ids.values()), strict=True):
            if target is not None:
                tags[name] = _make_tag(name, target)
        return tags

    def blobs(self, specs: Iterable[str]) -> Iterator[bytes | None]:
        """The bytes behind each `<commit>:<path>` in turn, None where there is no such blob."""
        return objects.read_blobs(self.process, specs)

    def blob_digests(self, specs: Iterable[str]) -> Iterator[Digest | None]:
        """The same by their SHA-256, whatever their size; read it to its end."""
        return objects.hash_blobs(self.process, specs)

    def files_at(self, commit: str, *under: str) -> list[str]:
        """Paths of the files a commit holds below `under`."""
        options = ["-r", "-z", "--name-only", "--full-tree"]
        return _split_fields(self.process.read(["ls-tree", *options, commit, "--", *under]))

    # -- history -------------------------------------------------------------------------------------------------

    def has_commit(self, commit: str) -> bool:
        return self.process.try_read(["cat-file", "-e", f"{commit}^{{commit}}"]).code == 0

    def added_by(
        self, paths: Iterable[str], tip: str = "HEAD", *, main_line: bool = False
    ) -> dict[str, str]:
        """For each path, the commit of `tip`'s history that last added it; of its first parents alone where told."""
        options = ["--diff-filter=A"]
        if main_line:
            options += ["--first-parent", "--diff-merges=first-parent"]
        commits: dict[str, str] = {}
        for commit, _, path in self.log(*options, tip, "--", *paths):
            commits.setdefault(path, commit)
        return commits

    def log(self, *args: str) -> Iterator[tuple[str, str, str]]:
        """Each change of a file in history as (commit, kind, path); `args` are those of `git log`."""
        options = ["-z", "--format=%H", "--raw", "--no-renames", "--no-abbrev"]
        return parse_changes(self.process.read(["log", *options, *args]))

    def commits_between(self, old: str, new: str) -> list[CommitSummary]:
        """The commits `new` has and `old` has not, newest first; those that only wrote records are left out."""
        args = ["log", "-z", "--format=%H %s", f"{old}..{new}", "--", *_BUT_RECORDS]
        listing = self.process.read(["--no-literal-pathspecs", *args])
        commits: list[CommitSummary] = []
        for line in _split_fields(listing):
            object_id, subject = line.split(" ", 1)
            commits.append(CommitSummary(object_id, subject))
        return commits

    def count_between(self, old: str, new: str) -> int | None:
        """How many commits `new` has and `old` has not, those that only wrote records left out.

        None where this clone lacks one of them.
        """
        args = ["rev-list", "--count", f"{old}..{new}", "--", *_BUT_RECORDS]
        done = self.process.try_read(["--no-literal-pathspecs", *args])
        return int(done.out) if done.code == 0 else None

    def stat_between(self, old: str, new: str) -> str:
        """git's own `--stat` of two commits, mlver's records left out."""
        args = [
            "diff",
            "--stat=100",
            "--no-ext-diff",
            "--no-textconv",
            old,
            new,
            "--",
            *_BUT_RECORDS,
        ]
        done = self.process.try_read(["--no-literal-pathspecs", *args])
        return done.out.decode(errors="replace").rstrip("\n") if done.code == 0 else ""

    def is_shallow(self) -> bool:
        """Whether this clone was told that history begins later than it does, so that not all of it can be read."""
        return self.process.read(["rev-parse", "--is-shallow-repository"]).strip() == b"true"

    def boundary(self) -> set[str]:
        """The commits that a shallow clone's history begins with: it cannot tell what they did."""
        try:
            return set(self._git_path("shallow").read_text().split())
        except FileNotFoundError:
            return set()

    def left_out(self, folder: str) -> list[str]:
        """Files below a folder that a sparse checkout keeps from the work tree."""
        if not (self.git_dir / "info" / "sparse-checkout").exists():
            return []
        tagged = _split_fields(self.process.read(["ls-files", "-t", "-z", "--", folder]))
        return [line[2:] for line in tagged if line.startswith("S ")]


def _make_tag(name: str, target: GitObject) -> GitTag:
    """The tag that a reference to this object is; what a tag object points at is never followed further."""
    header, _, message = target.data.partition(b"\n\n")
    is_annotated = target.kind == b"tag"
    commit: str | None = None
    if target.kind == b"commit":
        commit = target.id
    elif is_annotated and (match := re.match(rb"object ([0-9a-f]+)\ntype commit\n", header)):
        commit = match[1].decode()
    return GitTag(name, target.id, is_annotated, commit, message.decode(errors="replace"))


def parse_changes(out: bytes) -> Iterator[tuple[str, str, str]]:
    """Read `git log -z --format=%H --raw` as (commit, kind, path).

    A path is told by its place alone: whatever bytes it is made of, it is taken for nothing else.
    """
    fields = iter(out.split(b"\0"))
    commit = ""
    for field in fields:
        text = field.strip(b"\n")
        if text.startswith(b":"):
            yield commit, chr(text[-1]), os.fsdecode(next(fields))
        elif text:
            commit = text.decode()


def _branch_name(reference: str) -> str | None:
    """The branch a full reference names; None for one that is no branch, such as a detached HEAD."""
    name = reference.strip()
    if not name.startswith("refs/heads/"):
        return None
    return name.removeprefix("refs/heads/")


def _split_fields(out: bytes) -> list[str]:
    return [os.fsdecode(field) for field in out.split(b"\0") if field]
