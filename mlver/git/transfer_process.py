"""Starts git by GitPython, to speak to others. Import it only after `import_gitpython`.

GitPython starts git in an environment and with settings of its own; here it gets those of
`mlver.git.process`, the descriptors of mlver's lock, and an end whenever the call that needed it
ends.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import IO, Any

from git import Git, Repo
from git.exc import GitCommandError, GitCommandNotFound, GitError

from mlver.errors import MlverError, refusal_error
from mlver.git.process import (
    GitFailed,
    hidden_environment,
    inherited_environment,
    unstartable,
    writing_options,
)
from mlver.git.repository import GitRepository
from mlver.git.transfer_progress import TransferProgress
from mlver.system.children import list_children
from mlver.system.parallel import delay_interrupt
from mlver.system.timings import STANDARD, Timings

# GitPython warns of what git printed, which the error says; without this, Python prints it, too.
logging.getLogger("git").addHandler(logging.NullHandler())
_CLOSING_S = 0.2
_PIECE_BYTES = 1 << 16


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


@contextmanager
def transferring(
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


def find_timings(repository: GitRepository) -> Timings:
    return repository.timings or STANDARD


def read_lines(
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
