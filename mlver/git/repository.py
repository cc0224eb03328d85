"""One repository as mlver sees it: where it is, what HEAD is, which tags and history it holds.

Every name is passed as a full reference or an object id; every list is read NUL-separated in one
process.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mlver.digest import Digest
from mlver.git import filters, objects
from mlver.git.git_tag import TAG_FIELD_COUNT, TAG_FIELDS, GitTag, make_tag, parse_tag
from mlver.git.kept import read_once
from mlver.git.listings import parse_changes, read_branch, split_fields
from mlver.git.places import find_places, read_head_file, refuse_irregular
from mlver.git.process import GitFailed, GitProcess
from mlver.system.regular import read_regular

if TYPE_CHECKING:
    from mlver.system.timings import Timings

_UNFINISHED = {
    "MERGE_HEAD": ("a merge", "git merge --continue"),
    "rebase-apply/applying": ("the applying of patches", "git am --continue"),
    "rebase-merge": ("a rebase", "git rebase --continue"),
    "rebase-apply": ("a rebase", "git rebase --continue"),
    "CHERRY_PICK_HEAD": ("a cherry-pick", "git cherry-pick --continue"),
    "REVERT_HEAD": ("a revert", "git revert --continue"),
}
# Pathspecs with magic: a call that uses them may not take its paths literally.
_MAGIC = "--no-literal-pathspecs"
_BUT_RECORDS = ("--", ":/", ":(top,exclude).mlver")
# The commits that a shallow clone begins with (gitformat-shallow): git has no other place for them.
_SHALLOW = "shallow"
_COMMIT_HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit")


class HeadState(NamedTuple):
    """Where HEAD is. `commit` is None before the first commit, `branch` is None when detached."""

    commit: str | None
    branch: str | None


@dataclass(frozen=True, slots=True)
class CommitSummary:
    id: str
    subject: str


@dataclass(frozen=True, slots=True)
class GitRepository:
    """A git work tree: `git_dir` is its own, `common_dir` is shared by all of the repository.

    `keep_open` are descriptors (the lock's) that a git that writes here holds as long as it runs.
    `hooked`: this is a hook that git started, and the index and the objects are those it names.
    `timings` say how long another repository may stay silent, None the standard ones.
    """

    top: Path
    git_dir: Path
    common_dir: Path
    keep_open: tuple[int, ...] = ()
    hooked: bool = False
    timings: Timings | None = None

    @classmethod
    def find(cls, start: Path, *, hooked: bool = False) -> GitRepository:
        """Find the repository of `start`; raise MlverError where there is none with a work tree."""
        options = ["--show-toplevel", "--absolute-git-dir", "--git-common-dir"]
        process = GitProcess(start, hooked=hooked)
        top, git_dir, common_dir = find_places(process, options)
        refuse_irregular(top, common_dir)
        return cls(top, git_dir, common_dir, hooked=hooked)

    @classmethod
    def hosted(cls, start: Path) -> GitRepository:
        """Find the repository that others push to; `top` is its git directory."""
        options = ["--absolute-git-dir", "--git-common-dir"]
        process = GitProcess(start, hooked=True)
        git_dir, common_dir = find_places(process, options)
        return cls(git_dir, git_dir, common_dir, hooked=True)

    @property
    def process(self) -> GitProcess:
        return GitProcess(self.top, keep_open=self.keep_open, hooked=self.hooked)

    @property
    def own(self) -> str:
        """This work tree's git directory, relative to the common one: moving both keeps it."""
        return os.fspath(self.git_dir.relative_to(self.common_dir))

    # -- where we stand ----------------------------------------------------------------------------

    def head(self) -> HeadState:
        """Read where HEAD is now."""
        commit = objects.find_object_id(self.process, "HEAD^{commit}")
        reference = read_head_file(self.git_dir, self.common_dir)
        if reference is None:
            symbolic = self.process.try_read(["symbolic-ref", "--quiet", "HEAD"])
            reference = os.fsdecode(symbolic.out)
        return HeadState(commit, read_branch(reference))

    def unfinished(self) -> tuple[str, str] | None:
        """Name what is half done here (`a merge`) and the command that finishes it, or None."""
        for name, operation in _UNFINISHED.items():
            if (self.git_dir / name).exists():
                return operation
        return None

    def git_version(self) -> tuple[int, ...]:
        """Read git's own version, such as (2, 39, 5)."""
        text = self.process.read(["--version"]).decode()
        match = re.search(r"\d+(\.\d+)+", text)
        if match is None:
            return ()
        return tuple(int(number) for number in match[0].split("."))

    def ignores(self, path: str) -> bool:
        """Say whether a rule of a .gitignore covers a path, tracked or not."""
        # check-ignore refuses literal pathspecs; behind `./` no path has magic
        arguments = [_MAGIC, "check-ignore", "--quiet", "--no-index", "--", f"./{path}"]
        finished = self.process.try_read(arguments)
        if finished.code > 1:
            output = finished.err.decode(errors="replace")
            raise GitFailed(f"say whether {path} is ignored", output)
        return finished.code == 0

    def commit_hooks(self) -> list[tuple[Path, bool]]:
        """List the hooks git runs on a commit, with whether each is executable."""
        folder = self._git_path("hooks")
        hooks: list[tuple[Path, bool]] = []
        for name in _COMMIT_HOOKS:
            hook = folder / name
            if hook.exists():
                hooks.append((hook, os.access(hook, os.X_OK)))
        return hooks

    def _git_path(self, name: str) -> Path:
        """Ask where git keeps something of this repository, whatever its settings say."""
        arguments = ["rev-parse", "--path-format=absolute", "--git-path", name]
        answer = self.process.read(arguments)
        return Path(os.fsdecode(answer.rstrip(b"\n")))

    def author(self) -> str:
        """Ask git for a commit's author, as `Name <mail>`; raise GitFailed where it is not set."""
        hint = 'git config user.name "Your Name" && git config user.email you@example.org'
        doing = "say who you are"
        try:
            identity = self.process.read(["var", "GIT_AUTHOR_IDENT"], doing=doing)
        except GitFailed as failed:
            raise GitFailed(doing, failed.output, hint=hint) from None
        # behind the mail address stand the time and the time zone
        return identity.decode(errors="replace").rsplit(" ", 2)[0]

    def changes(self) -> tuple[list[str], list[str]]:
        """List the paths that differ from HEAD (staged or not), and paths git does not know.

        Directories that git does not know end in `/`.
        """
        arguments = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal"]
        arguments.append("--ignore-submodules=dirty")
        listing = self.disarmed.read(arguments, doing="compare the work tree with HEAD")
        changed_paths: list[str] = []
        unknown_paths: list[str] = []
        for line in split_fields(listing):
            path = line[3:]
            if line.startswith("??"):
                unknown_paths.append(path)
            else:
                changed_paths.append(path)
        return changed_paths, unknown_paths

    def ignored_or_tracked(self, paths: Sequence[str]) -> set[str]:
        """Find those of `paths` that git ignores or holds: no commit takes them in unseen."""
        known: set[str] = set()
        for path in paths:
            if self.ignores(path) or self.tracked([path]):
                known.add(path)
        return known

    def tracked(self, paths: Sequence[str]) -> set[str]:
        """Find those of `paths` that the index holds."""
        listing = self.process.read(["ls-files", "-z", "--", *paths])
        return set(split_fields(listing))

    @property
    def disarmed(self) -> GitProcess:
        """For calls that compare file contents: the repository's own filters are switched off."""
        switches = filters.switch_off(self.settings(filters.FILTERS))
        return GitProcess(self.top, switches)

    def settings(self, pattern: str) -> list[tuple[str, str, str]]:
        """Read git's settings whose names match, in its order: scope (`local`), name, value."""
        listing = read_once(self.process, ["config", "-z", "--show-scope", "--list"])
        fields = iter(split_fields(listing))
        settings: list[tuple[str, str, str]] = []
        for scope, setting in zip(fields, fields, strict=False):
            name, _, value = setting.partition("\n")
            if re.search(pattern, name):
                settings.append((scope, name, value))
        return settings

    def find_setting(self, name: str) -> str | None:
        """Find the value of one of git's settings; the last one counts.

        `name` is as git lists it: lower case, but for what stands between two dots.
        """
        settings = self.settings(f"^{re.escape(name)}$")
        return settings[-1][2] if settings else None

    # -- tags and blobs ----------------------------------------------------------------------------

    def tags(self, *patterns: str) -> dict[str, GitTag]:
        """Read tags by name; `patterns` are full references or globs like `refs/tags/digits@v*`."""
        chosen = patterns or ("refs/tags/",)
        listing = self.process.read(["for-each-ref", f"--format={TAG_FIELDS}", *chosen])
        fields = listing.decode(errors="replace").split("\0")
        tags: dict[str, GitTag] = {}
        for start in range(0, len(fields) - TAG_FIELD_COUNT, TAG_FIELD_COUNT):
            tag = parse_tag(fields[start : start + TAG_FIELD_COUNT])
            tags[tag.name] = tag
        return tags

    def tags_named(self, names: Iterable[str]) -> dict[str, GitTag]:
        """Read those of `names` that exist, in one process that looks at no other tag."""
        return self.tag_objects({name: f"refs/tags/{name}" for name in names})

    def tag_objects(self, ids: Mapping[str, str]) -> dict[str, GitTag]:
        """Read tags, by name, from the objects beside them; those lacking here are left out."""
        targets = objects.read_objects(self.process, ids.values())
        tags: dict[str, GitTag] = {}
        for name, target in zip(ids, targets, strict=True):
            if target is not None:
                tags[name] = make_tag(name, target)
        return tags

    def blobs(self, specs: Iterable[str]) -> Iterator[bytes | None]:
        """Read the bytes behind each `<commit>:<path>` in turn, None where there is no blob.

        Of a blob that is longer than a file of mlver's can be, only one byte more is read.
        """
        return objects.read_own_blobs(self.process, specs)

    def whole_blobs(self, specs: Iterable[str]) -> Iterator[bytes | None]:
        """Read the same, whatever their size: contents of artifacts, which can be large."""
        return objects.read_blobs(self.process, specs)

    def blob_digests(self, specs: Iterable[str]) -> Iterator[Digest | None]:
        """Hash the same bytes (SHA-256), whatever their size; read the digests to their end."""
        return objects.hash_blobs(self.process, specs)

    def files_at(self, commit: str, *under: str) -> list[str]:
        """List the files that a commit holds below `under`."""
        options = ["-r", "-z", "--name-only", "--full-tree"]
        listing = self.process.read(["ls-tree", *options, commit, "--", *under])
        return split_fields(listing)

    # -- history -----------------------------------------------------------------------------------

    def has_commit(self, commit: str) -> bool:
        arguments = ["cat-file", "-e", f"{commit}^{{commit}}"]
        return self.process.try_read(arguments).code == 0

    def added_by(
        self, paths: Iterable[str], tip: str = "HEAD", *, main_line: bool = False
    ) -> dict[str, str]:
        """Find, for each path, the commit of `tip`'s history that last added it.

        With `main_line`, only commits reached from first parent to first parent are looked at.
        """
        options = ["--diff-filter=A"]
        if main_line:
            options += ["--first-parent", "--diff-merges=first-parent"]
        commits: dict[str, str] = {}
        for commit, _, path in self.log(*options, tip, "--", *paths):
            # the newest commit comes first
            commits.setdefault(path, commit)
        return commits

    def log(self, *args: str) -> Iterator[tuple[str, str, str]]:
        """Yield each change of a file as (commit, kind, path); `args` are those of `git log`."""
        options = ["-z", "--format=%H", "--raw", "--no-renames", "--no-abbrev"]
        listing = self.process.read(["log", *options, *args])
        return parse_changes(listing)

    def commits_between(self, old: str, new: str) -> list[CommitSummary]:
        """List the commits `new` has and `old` has not, newest first.

        Commits that only wrote records are left out.
        """
        arguments = [_MAGIC, "log", "-z", "--format=%H %s", f"{old}..{new}", *_BUT_RECORDS]
        listing = self.process.read(arguments)
        commits: list[CommitSummary] = []
        for line in split_fields(listing):
            object_id, subject = line.split(" ", 1)
            commits.append(CommitSummary(object_id, subject))
        return commits

    def count_between(self, old: str, new: str) -> int | None:
        """Count the commits `new` has and `old` has not, without those that only wrote records.

        None where this clone lacks one of the two.
        """
        arguments = [_MAGIC, "rev-list", "--count", f"{old}..{new}", *_BUT_RECORDS]
        finished = self.process.try_read(arguments)
        if finished.code != 0:
            return None
        return int(finished.out)

    def stat_between(self, old: str, new: str) -> str:
        """Ask git for the `--stat` of two commits, mlver's records left out."""
        options = ["--stat=100", "--no-ext-diff", "--no-textconv"]
        finished = self.process.try_read([_MAGIC, "diff", *options, old, new, *_BUT_RECORDS])
        if finished.code != 0:
            return ""
        return finished.out.decode(errors="replace").rstrip("\n")

    def is_shallow(self) -> bool:
        """Say whether this clone holds only the end of the history."""
        return (self.common_dir / _SHALLOW).exists()

    def boundary(self) -> set[str]:
        """Read the commits that a shallow clone begins with: it cannot tell what they did."""
        try:
            return set(read_regular(self.common_dir / _SHALLOW, follow=True).decode().split())
        except FileNotFoundError:
            return set()

    def left_out(self, folder: str) -> list[str]:
        """List the files below a folder that a sparse checkout keeps from the work tree."""
        if not (self.git_dir / "info" / "sparse-checkout").exists():
            return []
        listing = self.process.read(["ls-files", "-t", "-z", "--", folder])
        return [line[2:] for line in split_fields(listing) if line.startswith("S ")]
