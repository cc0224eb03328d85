"""The `git lfs` program: it knows the servers, the credentials and when to try again.

It works in a repository of its own (`scratch.py`), where no `.lfsconfig` counts, and with a storage
that nobody else uses. So nothing is left in `.git/lfs`, and nothing there is believed. The endpoint
is given to each call: what was shown to the person is what is used.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mlver.errors import MlverError, shell_command
from mlver.git import lfs_sizes
from mlver.git.lfs_endpoint import LfsEndpoint, build_absent_error
from mlver.git.process import check_finished
from mlver.git.repository import GitRepository
from mlver.git.scratch import ScratchRepository, open_scratch

STALL_S = 30.0
# git-lfs 3.3 waits for four times what `lfs.activitytimeout` says.
_WAITS = 4
# The wanted contents are named by a commit; the branch itself stands on a later, empty one, so that
# `prune` asks the server about all of them.
_BRANCH = "wanted"
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"
# What the person set for their own pointers, and what would keep contents from being asked for.
_SETTINGS = (
    ("lfs.locksverify", "false"),
    ("lfs.fetchinclude", ""),
    ("lfs.fetchexclude", ""),
    ("lfs.fetchrecentalways", "false"),
    ("lfs.fetchrecentrefsdays", "0"),
    ("lfs.fetchrecentcommitsdays", "0"),
    ("lfs.pruneoffsetdays", "0"),
    ("lfs.skipdownloaderrors", "false"),
    ("lfs.allowincompletepush", "false"),
    ("lfs.transfer.maxretries", "1"),
)
# What it says of one content, https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
_REFUSED = re.compile(r"^\[([0-9a-f]{64})\] .*\[(\d{3})\]", re.MULTILINE)
_OTHER_BYTES = re.compile(r"^expected OID ([0-9a-f]{64}), got ", re.MULTILINE)
_LISTED = re.compile(r"^ \* ([0-9a-f]{64})$", re.MULTILINE)
_VERIFIED = re.compile(r"(\d+) verified with remote")
# Giftless answers so where one of these is true of all contents of a request.
_NONE_FOUND = "Cannot find any of the requested objects"
_NONE_VALID = "Cannot validate any of the requested objects"
# What may be over soon, though git-lfs gives up at once.
_PASSING = re.compile(r"HTTP (429|50[0234])|connection reset|broken pipe|\bEOF\b|invalid character")
_PAUSES_S = (0.5, 2.0)
_NOISE = ("fetch: ", "Errors logged to ", "Use `git lfs logs last`")
_ABSENT = frozenset({"404", "410"})
_UNFIT = frozenset({"422"})


class LfsBatchAnswer(NamedTuple):
    """What became of contents that were asked for: the others arrived.

    `wrong` are on the server with another size or with other bytes.
    """

    missing: frozenset[str]
    wrong: frozenset[str]


@dataclass(frozen=True, slots=True)
class GitLfs:
    """git-lfs for one remote of a repository; `folder` is where exchanges take place."""

    repository: GitRepository
    remote: str
    endpoint: LfsEndpoint
    folder: Path

    @property
    def address(self) -> str:
        """The endpoint, without credentials."""
        return self.endpoint.describe()

    @contextmanager
    def open_exchange(self, stall: float = STALL_S) -> Iterator[LfsBatchExchange]:
        """Prepare a repository for the block; what earlier ones left is removed.

        A connection that no byte came through for `stall` seconds is tried again once.
        """
        with open_scratch(self.repository, self.folder) as scratch:
            yield LfsBatchExchange(self, scratch, stall)


@dataclass(frozen=True, slots=True)
class LfsBatchExchange:
    """Contents on their way. All are named by 64 hexadecimal digits."""

    program: GitLfs
    scratch: ScratchRepository
    stall: float

    def empty_storage(self) -> None:
        """Forget the contents that lie here."""
        self.scratch.empty_storage()

    def locate_object(self, oid: str) -> Path:
        """Where a content is put to be sent, or lies once it has come; its folder is made."""
        folder = self.scratch.storage / "objects" / oid[:2] / oid[2:4]
        folder.mkdir(parents=True, exist_ok=True)
        return folder / oid

    def send_objects(self, oids: Sequence[str]) -> None:
        """Send those of these contents, which lie here, that the server says it lacks."""
        arguments = ["push", "--object-id", self.program.remote, *oids]
        code, output = self._run_lfs(arguments, self.program.endpoint.upload)
        if code:
            raise self._failure("sent to", output)

    def fetch_objects(self, sizes: Mapping[str, int]) -> LfsBatchAnswer:
        """Have contents brought here; raise MlverError where that failed for another reason."""
        commit = self._name_wanted(sizes)
        code, output = self._run_lfs(["fetch", self.program.remote, commit])
        lacking = set()
        for oid in sizes:
            if not self.locate_object(oid).is_file():
                lacking.add(oid)
        if not lacking and not code:
            return LfsBatchAnswer(frozenset(), frozenset())
        answer = _parse_refusals(output, lacking)
        if answer.missing | answer.wrong != lacking:
            raise self._failure("fetched from", output)
        return answer

    def ask_objects(self, sizes: Mapping[str, int]) -> LfsBatchAnswer:
        """Ask which contents the server has, of this size; nothing is sent or brought.

        `prune` asks it by a batch of downloads, and takes every failure for "no": of what it did
        not find, `fetch` says why. Raises MlverError where the server did not answer.
        """
        self._name_wanted(sizes)
        self._place_holes(sizes)
        arguments = ["prune", "--dry-run", "--verify-remote", "--verbose"]
        code, output = self._run_lfs(arguments)
        self.empty_storage()
        unconfirmed = set(_LISTED.findall(output)) & sizes.keys()
        verified = _VERIFIED.findall(output)
        if not code and verified and int(verified[-1]) == len(sizes):
            return LfsBatchAnswer(frozenset(), frozenset())
        if not unconfirmed:
            raise self._failure("asked for at", output)
        asked_again = {oid: sizes[oid] for oid in sorted(unconfirmed)}
        answer = self.fetch_objects(asked_again)
        self.empty_storage()
        return answer

    def _place_holes(self, sizes: Mapping[str, int]) -> None:
        """Put files of the right sizes here, which take no room: `prune` is about local files."""
        self.empty_storage()
        for oid, size in sizes.items():
            with self.locate_object(oid).open("xb") as hole:
                hole.truncate(size)

    def _name_wanted(self, sizes: Mapping[str, int]) -> str:
        """Make a commit with a pointer for each content; return its id."""
        remote = self.program.remote
        lines = [_begin_commit(0)]
        for oid, size in sizes.items():
            pointer = _POINTER.format(oid=oid, size=size)
            lines.append(f"M 100644 inline {oid}\ndata {len(pointer)}\n{pointer}\n")
        lines.append(f"\n{_begin_commit(1)}deleteall\n\n")
        lines.append(f"reset refs/remotes/{remote}/{_BRANCH}\nfrom refs/heads/{_BRANCH}\n\n")
        shutil.rmtree(self.scratch.git_dir / "refs")
        (self.scratch.git_dir / "refs").mkdir()
        command = ["fast-import", "--quiet", "--force"]
        finished = self.scratch.run_git(command, "".join(lines).encode())
        if finished.code == 0:
            finished = self.scratch.run_git(["rev-parse", "--verify", f"refs/heads/{_BRANCH}^"])
        check_finished(finished, "name the contents for git-lfs")
        return finished.out.decode().strip()

    def _run_lfs(self, arguments: Sequence[str], url: str | None = None) -> tuple[int, str]:
        """Run git-lfs; return its exit code and what it printed."""
        url = url or self.program.endpoint.download
        settings = [
            *_SETTINGS,
            ("lfs.storage", str(self.scratch.storage)),
            ("lfs.url", url),
            ("lfs.pushurl", url),
            ("lfs.pruneremotetocheck", self.program.remote),
            ("lfs.activitytimeout", str(max(1, round(min(self.stall, STALL_S) / _WAITS)))),
        ]
        words = []
        for name, value in settings:
            words += ["-c", f"{name}={value}"]
        code, output = self._run_once([*words, "lfs", *arguments])
        for pause in _PAUSES_S:
            if not code or not _PASSING.search(output):
                break
            time.sleep(pause)
            code, output = self._run_once([*words, "lfs", *arguments])
        return code, output

    def _run_once(self, arguments: Sequence[str]) -> tuple[int, str]:
        finished = self.scratch.run_git(arguments)
        return finished.code, (finished.out + finished.err).decode(errors="replace")

    def read_sizes(self) -> dict[str, int]:
        """Read the sizes that pushes of others, and of ours, left at the git remote."""
        return lfs_sizes.fetch_sizes(self.scratch, self.program.remote)

    def publish_sizes(self, sizes: Mapping[str, int]) -> None:
        """Add sizes to those at the git remote."""
        lfs_sizes.publish_sizes(self.scratch, self.program.remote, sizes)

    def _failure(self, doing: str, output: str) -> MlverError:
        """Build the error for a git-lfs that failed, or that is not there at all."""
        if not self.is_installed():
            return build_absent_error()
        said = [line for line in output.splitlines() if line and not line.startswith(_NOISE)]
        listing = "\n".join(f"  {line}" for line in said[-10:] or ["(it printed nothing)"])
        return MlverError(
            f"objects could not be {doing} {self.program.address}; git-lfs said:\n{listing}\n"
            "When the server answers again, run the same command again",
            hint=shell_command("git", "lfs", "env"),
        )

    def is_installed(self) -> bool:
        """Whether git finds git-lfs."""
        return self.scratch.run_git(["lfs", "version"]).code == 0


def _parse_refusals(output: str, lacking: set[str]) -> LfsBatchAnswer:
    """What git-lfs said of contents that did not come."""
    if not _REFUSED.search(output):
        if _NONE_FOUND in output:
            return LfsBatchAnswer(frozenset(lacking), frozenset())
        if _NONE_VALID in output:
            return LfsBatchAnswer(frozenset(), frozenset(lacking))
    missing: set[str] = set()
    wrong = set(_OTHER_BYTES.findall(output))
    for oid, code in _REFUSED.findall(output):
        if code in _ABSENT:
            missing.add(oid)
        elif code in _UNFIT:
            wrong.add(oid)
    return LfsBatchAnswer(frozenset(missing & lacking), frozenset(wrong & lacking))


def _begin_commit(seconds: int) -> str:
    """A commit for `git fast-import`, by nobody; years apart, so that none of them is recent."""
    moment = seconds * 100_000_000
    return f"commit refs/heads/{_BRANCH}\ncommitter mlver <mlver> {moment} +0000\ndata 0\n"
