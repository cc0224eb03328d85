"""Where git finds the repository that a folder is in."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from mlver.errors import MlverError, shell_command
from mlver.git.process import OLDEST, GitFailed, GitProcess
from mlver.system.regular import read_regular

# In the work tree, whose files may have come as an archive.
_READ_BY_GIT = (".gitattributes", ".gitignore", ".mlver/.gitattributes", ".mlver/.gitignore")
_ABSOLUTE = "--path-format=absolute"
# A file that holds a reference (gitrepository-layout(5)), and what HEAD is where none do
_SYMBOLIC = b"ref:"
_IN_TABLE = "refs/heads/.invalid"
_HEAD_BYTES = 4096


def find_places(process: GitProcess, options: Sequence[str]) -> list[Path]:
    """Ask `git rev-parse` for places by options such as `--show-toplevel`, each as a path.

    Raise MlverError outside any repository.
    """
    folders = _ask_git(process, options).split("\n")
    if len(folders) != len(options):  # a newline in a folder's name
        folders = [_ask_git(process, [option]) for option in options]
    return [Path(folder) for folder in folders]


def read_head_file(git_dir: Path, common_dir: Path) -> str | None:
    """Read the full reference that HEAD stands for; empty where it names a commit itself.

    None where only git can tell: HEAD is a symlink, references are kept in a table, or the one that
    HEAD names stands for another.
    """
    try:
        text = read_regular(git_dir / "HEAD", _HEAD_BYTES)
    except OSError:
        return None
    if not text.startswith(_SYMBOLIC):
        return ""
    reference = os.fsdecode(text.removeprefix(_SYMBOLIC).strip())
    try:
        branch = read_regular(common_dir / reference, _HEAD_BYTES)
    except FileNotFoundError:
        # packed, or before the first commit
        return None if reference == _IN_TABLE else reference
    except (OSError, ValueError):  # no file has a NUL in its name
        return None
    return None if branch.startswith(_SYMBOLIC) else reference


def refuse_irregular(top: Path, git_dir: Path) -> None:
    """Raise MlverError where git would read one of its own files and wait for ever.

    Only those are looked at that nearly every command of git reads.
    """
    inner = (f"{git_dir}/info/{name}" for name in ("attributes", "exclude"))
    for path in (*(f"{top}/{name}" for name in _READ_BY_GIT), *inner):
        try:
            # this is asked by every command, and pathlib would cost more than the call
            mode = os.stat(path).st_mode  # noqa: PTH116
        except OSError:
            continue
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise MlverError(
                f"{path} is no regular file, and git would wait for it; remove it",
                hint=shell_command("rm", "--", path),
            )


def _ask_git(process: GitProcess, options: Sequence[str]) -> str:
    finished = process.try_read(["rev-parse", _ABSOLUTE, *options])
    if finished.code != 0:
        raise _not_a_work_tree(process, finished.err.decode(errors="replace"))
    answer = os.fsdecode(finished.out).removesuffix("\n")
    # A git that does not know the option prints it; no absolute path begins like that.
    if answer.startswith(_ABSOLUTE):
        raise _refuse_old_git(process)
    return answer


def _refuse_old_git(process: GitProcess) -> MlverError:
    answer = process.read(["--version"]).decode(errors="replace").strip()
    return MlverError(
        f"git {answer.removeprefix('git version ')} is too old: mlver needs git {OLDEST} or newer",
        hint="git --version",
    )


def _not_a_work_tree(process: GitProcess, output: str) -> MlverError:
    start = process.directory
    if "must be run in a work tree" in output:
        return _build_no_files_error(process)
    if "not a git repository" in output:
        return _build_outside_error(start)
    owned = re.search(r"dubious ownership in repository at '(.+)'", output)
    if owned:
        hint = shell_command("git", "config", "--global", "--add", "safe.directory", owned[1])
        return GitFailed("open the repository, unless you trust its owner", output, hint=hint)
    return GitFailed("open the repository", output)


def _build_no_files_error(process: GitProcess) -> MlverError:
    """Build the error for a git directory, which may be that of a work tree."""
    start = process.directory
    if process.try_read(["rev-parse", "--is-bare-repository"]).out.strip() == b"false":
        return MlverError(
            f"{start} is inside .git, where git keeps its own files; run mlver in the work tree",
            hint=shell_command("git", "-C", start, "worktree", "list"),
        )
    return MlverError(
        f"{start} is a bare repository, which has no files to register; run mlver in a clone of it",
        hint=shell_command("git", "clone", start),
    )


def _build_outside_error(start: Path) -> MlverError:
    message = f"{start} is not in a git repository"
    git_dir = os.environ.get("GIT_DIR")
    if git_dir is None:
        return MlverError(message, hint="git init")
    # Git itself would take the repository from there, and `git init` would make that one again.
    folder = os.environ.get("GIT_WORK_TREE") or os.path.normpath(f"{git_dir}/..")
    return MlverError(
        f"{message}, and mlver does not go by GIT_DIR and GIT_WORK_TREE: it finds a repository"
        " from the folder it runs in",
        hint=shell_command("mlver", "-C", folder, "status"),
    )
