"""How a git process is started: with which environment and configuration, and how it may fail.

Two kinds of call. `read` never runs code that a repository names: its local filters, monitors and
pagers are switched off, no object is fetched behind its back, no lock is taken; and it reads
history as it was committed, whatever replacements and grafts this clone has set up. `write` is the
user's own git, with their hooks and signing, and with every object, reference and index write
synced to disk.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

from mlver.errors import MlverError

# git's own location and the person's identity, credentials and tracing pass through; everything
# that could point git at another repository, index or object directory (as inside a hook) does not.
_KEPT = frozenset(
    {
        "GIT_ASKPASS",
        "GIT_AUTHOR_DATE",
        "GIT_AUTHOR_EMAIL",
        "GIT_AUTHOR_NAME",
        "GIT_CEILING_DIRECTORIES",
        "GIT_COMMITTER_DATE",
        "GIT_COMMITTER_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_SYSTEM",
        "GIT_EXEC_PATH",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSL_CAINFO",
    }
)
# Within a hook these say what is judged: the index of `commit -a`, the objects of a push that is
# still in quarantine.
_HOOKED_PATHS = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_COMMON_DIR",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_QUARANTINE_PATH",
    }
)
_HOOKED = _HOOKED_PATHS | {"GIT_ALTERNATE_OBJECT_DIRECTORIES"}
_KEPT_PREFIXES = ("GIT_TRACE", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_", "GIT_CONFIG_COUNT")

_ALWAYS = (
    "--no-pager",
    "--literal-pathspecs",
    # a replacement reference would let a tag show another record than the one it seals
    "--no-replace-objects",
    # it repeats the parents of commits, unproven, and so could hide one that edited a record
    *("-c", "core.commitGraph=false"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.quotePath=false"),
    *("-c", "color.ui=false"),
    *("-c", "advice.graftFileDeprecated=false"),
    *("-c", "protocol.ext.allow=never"),
    # settings that change what `log` and `diff` print; the first runs a program, too
    *("-c", "log.showSignature=false"),
    *("-c", "log.showRoot=true"),
    *("-c", "log.follow=false"),
    *("-c", "log.diffMerges=separate"),
    *("-c", "diff.relative=false"),
)
READING = ("git", *_ALWAYS, "--no-optional-locks")  # how each git begins that holds no lock
_WRITE = (
    *("-c", "core.fsync=all"),
    *("-c", "core.fsyncMethod=fsync"),
    # a detached repack would outlive us and hold files we are about to judge
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    # hints for who typed the git command; a line of a hook may look like one
    *("-c", "advice.pushUpdateRejected=false"),
    *("-c", "advice.resolveConflict=false"),
    *("-c", "advice.ignoredHook=false"),
)
# A partial clone fetches an object when something first asks for it; looking at all of the records'
# history fetches what it lacks.
_PROMISED = re.compile(r"could not fetch [0-9a-f]{40,64} from promisor remote")
FETCH_HINT = "git log --all --patch -- .mlver >/dev/null"
# A few megabytes are usual; what is read of it takes several times as much memory.
LISTING_BYTES = 256 << 20
_PIECE_BYTES = 1 << 16
OLDEST = "2.31"  # the first whose `rev-parse` gives absolute paths
# One thread must not take what another one hides for all there is.
_HIDING = threading.RLock()
_NOT_FOUND = (
    f"git is not installed, or not on PATH; install git {OLDEST} or newer,"
    " then run the same command again"
)
_Source = int | IO[bytes]


class FinishedProcess(NamedTuple):
    """A git process that ended: its exit code and its raw output."""

    code: int
    out: bytes
    err: bytes


class GitFailed(MlverError):
    """git ended with an error; `output` is what it, or a hook it ran, printed."""

    def __init__(self, doing: str, output: str, *, hint: str | None = None) -> None:
        lines = output.strip().splitlines() or ["(it printed nothing)"]
        listing = "\n".join(f"  {line}" for line in lines)
        super().__init__(f"git could not {doing}; it said:\n{listing}", hint=hint)
        self.output = output


@dataclass(frozen=True, slots=True)
class GitProcess:
    """Starts git in one directory.

    `disarm` are settings that switch a repository's own filters off; `keep_open` are descriptors
    that a git that writes holds as long as it runs; `hooked`: git started us as its hook, and the
    index and objects it names are the ones to use.
    """

    directory: Path
    disarm: tuple[tuple[str, str], ...] = ()
    keep_open: tuple[int, ...] = ()
    hooked: bool = False

    def read(
        self,
        args: Sequence[str],
        *,
        stdin: bytes = b"",
        doing: str | None = None,
        limit: int | None = LISTING_BYTES,
    ) -> bytes:
        """Run a call that changes nothing, for its output; raise GitFailed when `doing` failed.

        Raise MlverError where the output is longer than `limit`: a few small trees can be made to
        list files without end.
        """
        finished = self.try_read(args, stdin=stdin, limit=limit)
        return check_finished(finished, doing or f"answer `git {args[0]}`")

    def try_read(
        self, args: Sequence[str], *, stdin: bytes = b"", limit: int | None = LISTING_BYTES
    ) -> FinishedProcess:
        """Run such a call where a non-zero exit is an answer."""
        with self._open_reading(args, stdin) as (git, complaints):
            output = bytearray()
            with git:
                while piece := cast(BufferedReader, git.stdout).read1(_PIECE_BYTES):
                    output += piece
                    if limit is not None and len(output) > limit:
                        git.kill()
                        raise build_endless_error(args[0], limit)
            complaints.seek(0)
            return FinishedProcess(git.returncode, bytes(output), complaints.read())

    @contextmanager
    def streamed(self, args: Sequence[str], *, stdin: bytes = b"") -> Iterator[BinaryIO]:
        """Stream the output of a `read` as it comes, for what no memory should hold at once.

        Read it to its end: git's failure is raised there.
        """
        with self._open_reading(args, stdin) as (git, complaints):
            with git:
                yield cast(BinaryIO, git.stdout)
            complaints.seek(0)
            finished = FinishedProcess(git.returncode, b"", complaints.read())
            check_finished(finished, f"answer `git {args[0]}`")

    @contextmanager
    def _open_reading(
        self, args: Sequence[str], stdin: bytes
    ) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
        """Start a git that only reads; yield it with the file of its complaints."""
        with memory_file() as request, memory_file() as complaints:
            request.write(stdin)
            request.seek(0)
            yield self.start_reading(args, request, complaints), complaints

    def start_reading(
        self, args: Sequence[str], stdin: _Source, complaints: IO[bytes], group: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a git that only reads, with the caller's pipes; `group` 0 is one of its own."""
        try:
            return subprocess.Popen(
                [*READING, *args],
                cwd=self.directory,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=self._environment(self._quiet()),
                process_group=group,
            )
        except FileNotFoundError:
            raise unstartable(self.directory) from None

    def _quiet(self) -> Mapping[str, str]:
        return {
            # An object that a partial clone lacks ends git with an error then. GIT_NO_LAZY_FETCH
            # won't do: with it, git 2.53 answers as if the object had never been there.
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_TERMINAL_PROMPT": "0",
            # a graft would cut the commit out that edited or deleted a record
            "GIT_GRAFT_FILE": os.devnull,
            **_number_settings(self.disarm),
        }

    def _environment(self, env: Mapping[str, str]) -> Mapping[str, str]:
        environment = _environment()
        if self.hooked:
            environment.update(inherited_environment())
        environment.update(env)
        return environment

    def write(
        self,
        args: Sequence[str],
        *,
        doing: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        hint: str | None = None,
    ) -> bytes:
        """Run a call that changes the repository; raise GitFailed when it failed."""
        arguments = (*_WRITE, *args)
        variables = {"GIT_EDITOR": ":"}
        if env is not None:
            variables.update(env)
        # A file, whole before git starts: a pipe that breaks when mlver is killed would end a list
        # or a message early, and git would carry on with what it has.
        with memory_file() as request:
            request.write(stdin)
            request.seek(0)
            finished = self._run(arguments, request, variables, self.keep_open)
        return check_finished(finished, doing, hint)

    def _run(
        self,
        args: Sequence[str],
        stdin: IO[bytes],
        env: Mapping[str, str],
        keep_open: tuple[int, ...] = (),
    ) -> FinishedProcess:
        try:
            finished = subprocess.run(
                ["git", *_ALWAYS, *args],
                cwd=self.directory,
                stdin=stdin,
                capture_output=True,
                env=self._environment(env),
                pass_fds=keep_open,
                check=False,
            )
        except FileNotFoundError:
            raise unstartable(self.directory) from None
        return FinishedProcess(finished.returncode, finished.stdout, finished.stderr)


def build_lacking_error() -> MlverError:
    """Build the error for contents that a partial clone lacks."""
    message = "this partial clone lacks something of the history that mlver needs"
    return MlverError(message, hint=FETCH_HINT)


def build_endless_error(command: str, limit: int) -> MlverError:
    """Build the error for a list that is longer than any that people make."""
    return MlverError(
        f"`git {command}` lists more than {limit >> 20} MiB here, far more than the records and"
        " the code of a project; somebody may have made trees that contain each other many times",
        hint="git count-objects -vH",
    )


def unstartable(directory: Path) -> MlverError:
    """Build the error for a git that could not be started in a directory."""
    if not directory.is_dir():
        return MlverError(f"{directory} is not a directory")
    return MlverError(_NOT_FOUND, hint="git --version")


def memory_file() -> IO[bytes]:
    """Open a file that needs no disk, which may be full, where the system has such files."""
    if hasattr(os, "memfd_create"):
        # it has no path, and the caller closes it
        return open(os.memfd_create("mlver"), "w+b")  # noqa: PTH123
    # imported here: it costs some 3 ms, and few systems need it
    import tempfile

    return tempfile.TemporaryFile()


def _environment() -> dict[str, str]:
    """Copy the variables that a git of ours gets."""
    return {name: value for name, value in os.environ.items() if _passes_through(name)}


def build_environment(more: Mapping[str, str]) -> dict[str, str]:
    """Build the environment of a git of ours, with more variables."""
    return {**_environment(), **more}


def _passes_through(name: str) -> bool:
    if not name.startswith("GIT_"):
        return True
    return name in _KEPT or name.startswith(_KEPT_PREFIXES)


@contextmanager
def hidden_environment() -> Iterator[None]:
    """Hide the variables that no git of ours gets from a library that passes on `os.environ`."""
    with _HIDING:
        hidden = {name: value for name, value in os.environ.items() if not _passes_through(name)}
        try:
            for name in hidden:
                del os.environ[name]
            yield
        finally:
            os.environ.update(hidden)


def writing_options() -> dict[str, Any]:
    """List the options of a git that writes, by name, as GitPython takes them."""
    words = iter((*_ALWAYS, *_WRITE))
    options: dict[str, Any] = {"c": []}
    for word in words:
        if word == "-c":
            options["c"].append(next(words))
        else:
            options[word.removeprefix("--").replace("-", "_")] = True
    return options


def inherited_environment() -> dict[str, str]:
    """Read git's own pointers, as they were meant where it started the hook."""
    pointers: dict[str, str] = {}
    for name in _HOOKED:
        value = os.environ.get(name)
        if value is None:
            continue
        if name in _HOOKED_PATHS:
            value = str(Path.cwd() / value)
        pointers[name] = value
    return pointers


def _number_settings(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Pass settings by the environment, after those it holds already.

    `-c` cannot name a filter with a `=` in its name.
    """
    if not pairs:
        return {}
    count = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(count) if count.isdecimal() else 0
    variables = {"GIT_CONFIG_COUNT": str(first + len(pairs))}
    for number, (key, value) in enumerate(pairs, first):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables


def check_finished(finished: FinishedProcess, doing: str, hint: str | None = None) -> bytes:
    """Return what a git printed; raise GitFailed where it ended with an error."""
    if finished.code == 0:
        return finished.out
    if _PROMISED.search(finished.err.decode(errors="replace")):
        raise build_lacking_error()
    output = finished.err or finished.out
    raise GitFailed(doing, output.decode(errors="replace"), hint=hint)
