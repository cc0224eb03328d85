"""Fetch, push and ls-remote, run by GitPython. Import this module only after `import_gitpython`.

GitPython starts git in an environment and with settings of its own; here it gets those of
`mlver.git.process`, the descriptors of mlver's lock, and an end whenever the call that needed it
ends.
"""

from __future__ import annotations

import logging
import os
import re
import select
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import IO, Any, Protocol, cast

from git import FetchInfo, Git, RemoteProgress, Repo
from git.exc import GitCommandError, GitCommandNotFound, GitError
from git.refs import Reference, SymbolicReference

from mlver.errors import MlverError, refusal_error
from mlver.git.process import (
    GitFailed,
    hidden_environment,
    inherited_environment,
    memory_file,
    unstartable,
    writing_options,
)
from mlver.git.repository import GitRepository
from mlver.system.children import list_children
from mlver.system.parallel import delay_interrupt
from mlver.system.timings import STANDARD, Timings

# GitPython warns of what git printed, which the error says; without this, Python prints it, too.
logging.getLogger("git").addHandler(logging.NullHandler())
# What git tells of its work, which explains no failure.
_CHATTER = re.compile(
    r"(?:remote: )?"
    r"(?:[A-Z][a-z]+ (?:objects|deltas|sources|references): .*"
    r"|Total \d+ .*|Delta compression using .*)"
    r"|(?:To|From) .*|Everything up-to-date"
)
_AMOUNT = re.compile(r"([0-9.]+) (bytes|KiB|MiB|GiB)\b")
_CLOSING_S = 0.2
_PIECE_BYTES = 1 << 16
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
# A line of `git fetch`: a letter for what happened, a summary, then the names on both sides.
_FETCHED = re.compile(r" (.) (\[[^\]]+\]|\S+) +(\S+) +-> (\S+)(?: +\((.*)\))?")
_FETCH_FLAGS = {
    "!": FetchInfo.REJECTED,
    "+": FetchInfo.FORCED_UPDATE,
    "=": FetchInfo.HEAD_UPTODATE,
    " ": FetchInfo.FAST_FORWARD,
    "t": FetchInfo.TAG_UPDATE,
}


# A line of `git push --porcelain`: a letter for what happened, the names on both sides, a summary.
_PUSHED = re.compile(r"([ +\-*!=])\t([^\t]*):([^\t:]*)\t(.*)")
# A tag that came along of itself would be one too many, and no pipeline would start.
_PUSH_OPTIONS = ("--porcelain", "--progress", "--atomic", "--no-follow-tags")
# Nothing is fetched or written but what is named; see `fetch_references` on FETCH_HEAD.
_FETCH_OPTIONS = (
    "--progress",
    "--no-tags",
    "--no-write-fetch-head",
    "--refmap=",
    "--no-recurse-submodules",
)


class TransferReporter(Protocol):
    """The part of a reporter that shows how many bytes have come or gone."""

    def begin_work(self, what: str, total: int | None) -> None: ...

    def advance_work(self, count: int) -> None: ...

    def end_work(self) -> None: ...


class SilentTransfer:
    """Shows nothing."""

    def begin_work(self, what: str, total: int | None) -> None: ...

    def advance_work(self, count: int) -> None: ...

    def end_work(self) -> None: ...


class TransferProgress(RemoteProgress):
    """Shows the bytes of one transfer, and keeps what else git printed, to explain a failure."""

    def __init__(self, what: str, reporter: TransferReporter) -> None:
        super().__init__()
        self.what = what
        self.reporter = reporter
        self.lines: list[str] = []
        self.begun = False
        self.spoken = False
        self.shown = 0

    def new_message_handler(self) -> Callable[[str], None]:
        parse = super().new_message_handler()

        def handle(line: str) -> None:
            text = line.rstrip()
            self.spoken = self.spoken or bool(_CHATTER.fullmatch(text))
            if text and not _CHATTER.fullmatch(text):
                self.lines.append(text)
            parse(line)

        return handle

    def update(
        self, op_code: int, cur_count: Any, max_count: Any = None, message: str = ""
    ) -> None:
        amount = _AMOUNT.match(message)
        if amount is None or not op_code & (self.RECEIVING | self.WRITING):
            return
        size = round(float(amount[1]) * _UNITS[amount[2]])
        # a bar that cannot be drawn stops no transfer
        with suppress(OSError):
            if not self.begun:
                self.begun = True
                self.reporter.begin_work(self.what, None)
            # git rounds what it prints, so a later figure may be the smaller one
            self.reporter.advance_work(max(0, size - self.shown))
        self.shown = max(size, self.shown)

    def close(self) -> None:
        if self.begun:
            self.reporter.end_work()


class TransferGit(Git):
    """GitPython's way to start git, as `mlver.git.process` starts it."""

    GIT_PYTHON_GIT_EXECUTABLE = "git"

    def __init__(self, working_dir: Any = None) -> None:
        # a path that is text has its `$NAMES` replaced
        super().__init__(None if working_dir is None else Path(working_dir))
        self.keep_open: tuple[int, ...] = ()
        self.started: list[Git.AutoInterrupt] = []

    def execute(self, command: Any, *args: Any, **options: Any) -> Any:
        if options.get("universal_newlines"):
            # another repository may print any bytes
            options["errors"] = "replace"
        # A Ctrl-C between the start of git and its entry in this list would leave it running. One
        # that is waited for here is short, and ends of itself.
        delayed = delay_interrupt() if options.get("as_process") else nullcontext()
        with hidden_environment(), delayed:
            outcome = super().execute(command, *args, pass_fds=self.keep_open, **options)
            if isinstance(outcome, Git.AutoInterrupt):
                self.started.append(outcome)
        return outcome

    def stop(self) -> None:
        """End what still runs, as where a person pressed Ctrl-C."""
        for started in self.started:
            process = started.proc
            if process is None or process.poll() is not None:
                continue
            children = list_children(process.pid)
            process.terminate()
            process.wait()
            # git leaves its ssh running, which waits for the server.
            for child in children:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGTERM)
            # GitPython would close the pipes itself, and wait for whoever holds their other ends
            started.proc = None
            closer = threading.Thread(target=_close_pipes, args=(process,), daemon=True)
            closer.start()
            closer.join(timeout=_CLOSING_S)


def _close_pipes(process: Popen[Any]) -> None:
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


class WorkTreeRepo(Repo):
    """A `git.Repo` that takes the path of its work tree as it is."""

    class GitCommandWrapperType(Git):
        def __init__(self, working_dir: Any = None) -> None:
            super().__init__(None if working_dir is None else Path(working_dir))


def open_repo(folder: Path) -> Repo:
    """Open a `git.Repo` of the work tree at `folder`."""
    try:
        with hidden_environment():
            return WorkTreeRepo(folder, expand_vars=False)
    except GitError as error:
        raise MlverError(f"GitPython cannot open {folder}: {type(error).__name__}") from None


def list_references(
    repository: GitRepository, arguments: Sequence[str], *, doing: str, hint: str
) -> str:
    """Run `git ls-remote`; `arguments` end in `--`, the remote and full references.

    Raise MlverError where that takes longer than a server may stay silent.
    """
    with _transferring(repository, doing, hint) as repo:
        process = repo.git.ls_remote("--quiet", *arguments, as_process=True)
        listing = cast("Git.AutoInterrupt", process)
        try:
            out, err = listing.communicate(timeout=_find_timings(repository).git_silence)
        finally:
            listing.stdout.close()
            listing.stderr.close()
    if listing.returncode != 0:
        output = err or out
        raise GitFailed(doing, output.decode(errors="replace"), hint=hint)
    return str(out.decode(errors="replace"))


def fetch_references(
    repository: GitRepository,
    remote: str,
    references: Sequence[str],
    *,
    hint: str,
    reporter: TransferReporter | None = None,
    shallow: bool = False,
) -> list[FetchInfo]:
    """Fetch full references or refspecs, and nothing beside them; return what git says of them.

    `shallow`: no commits before the named ones come.

    `Remote.fetch` would do, but it reads FETCH_HEAD, and so has it written: a `git pull` that runs
    at the same time would merge what mlver fetched.
    """
    doing = f"fetch from {remote}"
    progress = TransferProgress(f"fetching from {remote}", reporter or SilentTransfer())
    with _transferring(repository, doing, hint, progress) as repo, memory_file() as wanted:
        Git.check_unsafe_protocols(remote)
        request = "".join(f"{reference}\n" for reference in references)
        wanted.write(request.encode())
        wanted.seek(0)
        fetching = repo.git.fetch(
            *_FETCH_OPTIONS,
            *(["--depth=1"] if shallow else []),
            "--stdin",
            "--",
            remote,
            istream=wanted,
            as_process=True,
            with_stdout=False,
        )
        process = cast("Git.AutoInterrupt", fetching)
        silence = _find_timings(repository).git_silence
        with closing(process.stderr):
            handle = progress.new_message_handler()
            for _, line in _read_lines(process, [process.stderr], lambda: silence):
                handle(line)
        process.wait()
    outcomes = [_parse_fetched(repo, line) for line in progress.lines]
    return [outcome for outcome in outcomes if outcome is not None]


def _find_timings(repository: GitRepository) -> Timings:
    return repository.timings or STANDARD


def _read_lines(
    process: Git.AutoInterrupt, pipes: Sequence[IO[bytes]], find_silence: Callable[[], float]
) -> Iterator[tuple[IO[bytes], str]]:
    """The lines of what git says while it works, each with its pipe; git ends each report of its
    progress with a CR.

    Raise TimeoutExpired once it said nothing for too long, in seconds.
    """
    unended = dict.fromkeys(pipes, b"")
    open_pipes = list(pipes)
    while open_pipes:
        silence = find_silence()
        ready, _, _ = select.select(open_pipes, [], [], silence)
        if not ready:
            # What git started may hold the pipe for longer than git itself runs.
            if process.poll() is None:
                raise TimeoutExpired(process.args, silence)
            break
        for pipe in ready:
            piece = os.read(pipe.fileno(), _PIECE_BYTES)
            text = (unended[pipe] + piece).replace(b"\r", b"\n")
            *lines, unended[pipe] = text.split(b"\n")
            yield from ((pipe, line.decode(errors="replace")) for line in lines)
            if not piece:
                open_pipes.remove(pipe)
    for pipe, text in unended.items():
        if text:
            yield pipe, text.decode(errors="replace")


def _parse_fetched(repo: Repo, line: str) -> FetchInfo | None:
    match = _FETCHED.fullmatch(line)
    if match is None:
        return None
    letter, summary, source, target, note = match.groups("")
    flags = _FETCH_FLAGS.get(letter, 0)
    path = target
    if summary == "[new tag]":
        flags |= FetchInfo.NEW_TAG
        path = f"refs/tags/{target}"
    reference: SymbolicReference = Reference(repo, path, check_path=False)
    if target == "FETCH_HEAD":
        reference = SymbolicReference(repo, target)
    return FetchInfo(reference, flags, note, remote_ref_path=source)


def push_references(
    repository: GitRepository,
    remote: str,
    refspecs: Sequence[str],
    *,
    hint: str,
    doing: str,
    reporter: TransferReporter | None = None,
) -> None:
    """Push full refspecs and nothing else, all or none; raise GitFailed where one was refused.

    Raise MlverError where the other side says nothing for too long: `Remote.push` would wait for
    ever. What it had been sent by then it may still take.
    """
    progress = TransferProgress(f"pushing to {remote}", reporter or SilentTransfer())
    timings = _find_timings(repository)

    def find_silence() -> float:
        return timings.git_silence if progress.spoken else timings.hook_silence

    outcomes: list[re.Match[str]] = []
    is_done = True
    with _transferring(repository, doing, hint, progress) as repo:
        Git.check_unsafe_protocols(remote)
        pushing = repo.git.push(*_PUSH_OPTIONS, "--", remote, *refspecs, as_process=True)
        process = cast("Git.AutoInterrupt", pushing)
        handle = progress.new_message_handler()
        with closing(process.stdout), closing(process.stderr):
            pipes = [process.stdout, process.stderr]
            for pipe, line in _read_lines(process, pipes, find_silence):
                if pipe is process.stderr:
                    handle(line)
                elif (outcome := _PUSHED.fullmatch(line)) is not None:
                    outcomes.append(outcome)
        try:
            process.wait()
        except GitCommandError:
            is_done = False
    refused = [f"! {outcome[3]} {outcome[4]}" for outcome in outcomes if outcome[1] == "!"]
    if not is_done or refused or len(outcomes) < len(refspecs):
        raise GitFailed(doing, "\n".join([*progress.lines, *refused]), hint=hint)


@contextmanager
def _transferring(
    repository: GitRepository, doing: str, hint: str, progress: TransferProgress | None = None
) -> Iterator[Repo]:
    """Open a repository to speak to others; GitPython's errors become ours, no process stays."""
    if not repository.top.is_dir():
        raise unstartable(repository.top)
    git = TransferGit(repository.top)
    git.keep_open = repository.keep_open
    git.set_persistent_git_options(**writing_options())
    git.update_environment(GIT_EDITOR=":")
    if repository.hooked:
        git.update_environment(**inherited_environment())
    # a folder that is some repository's work tree by its settings alone has no `.git`
    folder = repository.top
    if not (folder / ".git").exists():
        folder = repository.git_dir
    try:
        with hidden_environment():
            repo = WorkTreeRepo(folder, expand_vars=False)
        with repo:
            repo.git = git
            yield repo
    except GitCommandNotFound:
        raise unstartable(repository.top) from None
    except GitCommandError as error:
        output = str(error.stderr)
        if progress is not None:
            output = "\n".join(progress.lines)
        raise GitFailed(doing, output, hint=hint) from None
    except (GitError, TimeoutExpired) as error:
        raise _translate_error(error, doing, hint) from None
    except OSError as error:
        # What the command did before this, such as making tags, may well stand.
        raise refusal_error(f"starting git to {doing}", error, outcome="") from error
    finally:
        git.stop()
        if progress is not None:
            progress.close()


def _translate_error(error: GitError | TimeoutExpired, doing: str, hint: str) -> MlverError:
    if isinstance(error, TimeoutExpired):
        return MlverError(
            f"git could not {doing}: nothing came from there for {error.timeout:g} seconds, so the"
            " server may be stalled; check the connection",
            hint=hint,
        )
    return GitFailed(doing, str(error) or type(error).__name__, hint=hint)
