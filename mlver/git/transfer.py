"""Fetch, push and ls-remote, run by GitPython. Import this module only after `import_gitpython`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import IO, cast

from git import FetchInfo, Git, Repo
from git.exc import GitCommandError
from git.refs import Reference, SymbolicReference

from mlver.git.process import GitFailed, memory_file, writing_options
from mlver.git.repository import GitRepository
from mlver.git.transfer_process import find_timings, read_lines, transferring
from mlver.git.transfer_progress import SilentTransfer, TransferProgress, TransferReporter

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


def list_references(
    repository: GitRepository, arguments: Sequence[str], *, doing: str, hint: str
) -> str:
    """Run `git ls-remote`; `arguments` end in `--`, the remote and full references.

    Raise MlverError where that takes longer than a server may stay silent.
    """
    with transferring(repository, doing, hint) as repo:
        process = repo.git.ls_remote("--quiet", *arguments, as_process=True)
        listing = cast("Git.AutoInterrupt", process)
        try:
            out, err = listing.communicate(timeout=find_timings(repository).git_silence)
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
    checked: bool = False,
) -> list[FetchInfo]:
    """Fetch full references or refspecs, and nothing beside them; return what git says of them.

    `shallow`: no commits before the named ones come. `checked`: git keeps nothing of what comes
    where one object of it is malformed, as `git fsck` would say.

    `Remote.fetch` would do, but it reads FETCH_HEAD, and so has it written: a `git pull` that runs
    at the same time would merge what mlver fetched.
    """
    doing = f"fetch from {remote}"
    progress = TransferProgress(f"fetching from {remote}", reporter or SilentTransfer())
    with transferring(repository, doing, hint, progress) as repo, memory_file() as wanted:
        if checked:
            options = writing_options()
            options["c"].append("fetch.fsckObjects=true")
            repo.git.set_persistent_git_options(**options)
        request = "".join(f"{reference}\n" for reference in references)
        wanted.write(request.encode())
        wanted.seek(0)
        process = _start_fetch(repo, remote, wanted, shallow=shallow)
        silence = find_timings(repository).git_silence
        with closing(process.stderr):
            handle = progress.new_message_handler()
            for _, line in read_lines(process, [process.stderr], lambda: silence):
                handle(line)
        process.wait()
    outcomes = [_parse_fetched(repo, line) for line in progress.lines]
    return [outcome for outcome in outcomes if outcome is not None]


def _start_fetch(repo: Repo, remote: str, wanted: IO[bytes], *, shallow: bool) -> Git.AutoInterrupt:
    Git.check_unsafe_protocols(remote)
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
    return cast("Git.AutoInterrupt", fetching)


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
    timings = find_timings(repository)

    def find_silence() -> float:
        return timings.git_silence if progress.spoken else timings.hook_silence

    with transferring(repository, doing, hint, progress) as repo:
        outcomes, is_done = _run_push(repo, remote, refspecs, progress, find_silence)
    refused = [f"! {outcome[3]} {outcome[4]}" for outcome in outcomes if outcome[1] == "!"]
    if not is_done or refused or len(outcomes) < len(refspecs):
        raise GitFailed(doing, "\n".join([*progress.lines, *refused]), hint=hint)


def _run_push(
    repo: Repo,
    remote: str,
    refspecs: Sequence[str],
    progress: TransferProgress,
    find_silence: Callable[[], float],
) -> tuple[list[re.Match[str]], bool]:
    """What git says of each reference, and whether it is content with all of them."""
    Git.check_unsafe_protocols(remote)
    pushing = repo.git.push(*_PUSH_OPTIONS, "--", remote, *refspecs, as_process=True)
    process = cast("Git.AutoInterrupt", pushing)
    outcomes: list[re.Match[str]] = []
    handle = progress.new_message_handler()
    with closing(process.stdout), closing(process.stderr):
        for pipe, line in read_lines(process, [process.stdout, process.stderr], find_silence):
            if pipe is process.stderr:
                handle(line)
            elif (outcome := _PUSHED.fullmatch(line)) is not None:
                outcomes.append(outcome)
    try:
        process.wait()
    except GitCommandError:
        return outcomes, False
    return outcomes, True
