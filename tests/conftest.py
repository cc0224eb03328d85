"""Sealed surroundings: each test has a home, a git configuration, dates and a folder of its own.

A test that forgets a fixture cannot reach the real home or the real checkout: an audit hook fails
it on the spot.
"""

from __future__ import annotations

import gc
import io
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings

from mlver.cli.main import main
from mlver.system.state import close_all
from tests.copies import copy_folder

# As where mlver runs alone: to look for garbage among thousands of tests takes long.
gc.set_threshold(200_000)

# Here and not in a conftest of its own: where workers run the tests, the process that tells of them
# loads no other.
pytest_plugins = ("tests.faults.table", "tests.servers.fixtures")

CHECKOUT = Path(__file__).resolve().parent.parent
REAL_HOME = Path.home().resolve()
NOW = "2026-01-02T03:04:05Z"
NOW_EPOCH = "1767323045"  # NOW, in seconds

GIT_CONFIG = """\
[user]
	name = Kim
	email = kim@example.org
[init]
	defaultBranch = main
[commit]
	gpgSign = false
[tag]
	gpgSign = false
[gc]
	auto = 0
[maintenance]
	auto = false
[protocol "file"]
	allow = always
"""

# What a new repository begins with: as usual, but with one of the many samples of hooks.
GIT_TEMPLATE = ("description", "hooks/pre-commit.sample", "info/exclude")

# What a person, a terminal or a service may have set, and what git, rich or mlver would heed.
HEEDED = frozenset(
    "CI CLICOLOR CLICOLOR_FORCE FORCE_COLOR NO_COLOR PY_COLORS TTY_COMPATIBLE TTY_INTERACTIVE LINES"
    " LANG LANGUAGE EDITOR VISUAL PAGER LESS EMAIL SSH_ASKPASS".split()
)

# Their tests take up to a minute each. They come first: at the end of a run the other workers would
# have nothing left to do beside the last of them.
LENGTHY = ("tests/benchmarks/test_memory.py", "tests/faults/test_campaigns.py", "tests/forgeries/")

ORDINARY_EXAMPLES = 50
settings.register_profile(
    "every run",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=ORDINARY_EXAMPLES,
)
settings.register_profile("long", database=None, deadline=None, max_examples=2_000)


def try_examples(count: int) -> settings:
    """So many examples in an ordinary run; in a long one, as many times as others get there."""
    return settings(max_examples=count * settings().max_examples // ORDINARY_EXAMPLES)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the long campaigns")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("long" if config.getoption("--long") else "every run")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="a long campaign: run with --long"))
    items.sort(key=lambda item: not item.nodeid.startswith(LENGTHY))


def pytest_collection_finish() -> None:
    gc.freeze()  # what was collected stays to the end


class _WriteGuard:
    """Fails whatever writes below the real home or the checkout, or runs git in the checkout, while
    a test runs.
    """

    # Python and the test tools keep their caches where the code is.
    CACHES = frozenset(("__pycache__", ".hypothesis", ".mypy_cache", ".pytest_cache"))
    MUTATIONS = frozenset(
        "os.chmod os.chown os.link os.mkdir os.remove os.rename os.rmdir os.symlink os.truncate"
        " os.utime".split()
    )
    MOVES = frozenset(("os.link", "os.rename"))
    STARTS = frozenset(("os.exec", "os.posix_spawn", "subprocess.Popen"))
    LEADING = frozenset(("-C", "--git-dir", "--work-tree"))
    WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def __init__(self) -> None:
        self.armed = False
        self.free = {Path(tempfile.gettempdir()).resolve()}
        # A home of / (some containers) would be the whole machine.
        self.walled = {CHECKOUT, REAL_HOME} - {Path("/")}
        # Where folders really are, and whether they are walled: to find that out for each of their
        # files would be most of what a copy costs.
        self._folders: dict[str, tuple[str, bool]] = {}
        # Names whose bearers may be walled or free where their folder is not.
        self._borders: set[str] = set()
        # Each place that is free or walled by its name, and whether it is walled.
        self._places: dict[str, bool] = {}

    def arm(self) -> None:
        self._folders.clear()
        self._borders = {*self.CACHES, *(place.name for place in self.free | self.walled)}
        # Each process that is started is looked at, and there are tens of thousands: no Path here.
        self._places = dict.fromkeys(map(os.fspath, self.walled), True)
        self._places.update(dict.fromkeys(map(os.fspath, self.free), False))
        self.armed = True

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.armed:
            return
        if event == "open":
            self._check_open(*arguments)
        elif event in self.MUTATIONS:
            for name in arguments[:2]:
                self._check_write(name, event)
            if event == "os.symlink" or (event in self.MOVES and not _is_file(arguments[0])):
                self._folders.clear()  # a folder may be another one from now on
        elif event in self.STARTS:
            self._folders.clear()  # another process may make a link of a folder
            self._check_start(event, *arguments)

    def _check_open(self, name: object, mode: object, flags: object) -> None:
        if isinstance(flags, int) and flags & self.WRITES:
            self._check_write(name, f"open with mode {mode}")

    def _check_write(self, name: object, what: str) -> None:
        if isinstance(name, str | bytes | os.PathLike) and self._is_walled(os.fsdecode(name)):
            self._fail_test(f"a test must not write there: {what} of {os.fsdecode(name)}")

    def _check_start(self, event: str, _executable: object, command: object, *more: object) -> None:
        words = [command] if isinstance(command, str | bytes) else command
        if (
            not isinstance(words, Sequence)
            or not words
            or os.path.basename(os.fsdecode(words[0])) != "git"  # noqa: PTH119 - see `arm`
        ):
            return
        directory = more[0] if event == "subprocess.Popen" else None
        where = os.curdir
        if isinstance(directory, str | bytes | os.PathLike):
            where = os.fsdecode(directory)
        words = [part for word in words for part in os.fsdecode(word).split("=", 1)]
        for option, value in pairwise(words):
            if option in self.LEADING:
                where = os.path.join(where, value)  # noqa: PTH118 - see `arm`
        if self._is_walled(where):
            self._fail_test(f"a test must not run git there: {words} in {where}")

    def _is_walled(self, name: str) -> bool:
        # Not Path.resolve(): the guard must not be able to trip over what a test does to os
        # functions.
        folder, base = os.path.split(name)
        if base in ("", ".", "..") or not folder.startswith(os.sep) or _is_link(name):
            return self._judge_place(os.path.realpath(name))
        known = self._folders.get(folder)  # asked once: another thread may forget it meanwhile
        if known is None:
            real = os.path.realpath(folder)
            known = self._folders[folder] = (real, self._judge_place(real))
        real, walled = known
        return self._judge_place(f"{real}/{base}") if base in self._borders else walled

    def _judge_place(self, real: str) -> bool:
        if not self.CACHES.isdisjoint(real.split(os.sep)):  # noqa: PTH206 - see `arm`
            return False
        # The nearest decides: a checkout below /tmp is walled, a TMPDIR below the home is free.
        place = real
        while place not in self._places:
            place, _, name = place.rpartition(os.sep)
            if not name:
                return False
        return self._places[place]

    def _fail_test(self, message: str) -> None:
        # pytest's failure is no Exception, so that no `except Exception` under test can swallow it.
        pytest.fail(message)


def _is_file(name: object) -> bool:
    return stat.S_ISREG(_read_mode(name))


def _is_link(name: object) -> bool:
    return stat.S_ISLNK(_read_mode(name))


def _read_mode(name: object) -> int:
    if isinstance(name, str | bytes | os.PathLike):
        with suppress(OSError, ValueError):
            return os.lstat(name).st_mode
    return 0


_guard = _WriteGuard()
sys.addaudithook(_guard)


@pytest.fixture(scope="session", autouse=True)
def _sealed_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("home")
    templates = f"[init]\n\ttemplateDir = {home}/template\n"
    (home / ".gitconfig").write_text(GIT_CONFIG + templates)
    for name in GIT_TEMPLATE:
        (home / "template" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "template" / name).write_text("# A sample\n")
    _guard.free.add(tmp_path_factory.getbasetemp().resolve())
    with pytest.MonkeyPatch.context() as patch:
        for name in tuple(os.environ):
            if name.startswith(("GIT_", "LC_", "XDG_", "MLVER_", "SSH_", "GPG_")) or name in HEEDED:
                patch.delenv(name)
        for name, value in {
            "HOME": str(home),
            "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_DATE": NOW,
            "GIT_COMMITTER_DATE": NOW,
            "SOURCE_DATE_EPOCH": NOW_EPOCH,
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "COLUMNS": "120",
        }.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(autouse=True)
def _sealed_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    _guard.arm()
    yield
    close_all()  # as where a command ends
    _guard.armed = False


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """What a run of mlver answered: its exit code and everything it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A real git repository, and the commands a person would type in it."""

    path: Path

    def git(self, *arguments: str) -> str:
        """Run git here; its output without the last newline.

        A failure of git fails the test with what git said.
        """
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(
                f"git {' '.join(arguments)} exited {done.returncode}:"
                f" {done.stderr.decode(errors='replace')}"
            )
        return done.stdout.decode().removesuffix("\n")

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file, and the directories it needs; text as UTF-8, newlines as given."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def commit(self, message: str = "More work") -> str:
        """Commit everything that is not ignored; the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def pack(self) -> None:
        """Bring what git keeps here into a few files, for a template that many tests copy."""
        self.git("repack", "-a", "-d", "--quiet")
        self.git("pack-refs", "--all")

    def mlver(self, *arguments: str) -> CommandOutcome:
        """Run `mlver -C <here> …` in this process, through its one error boundary."""
        with (
            io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") as out,
            io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") as err,
        ):
            with redirect_stdout(out), redirect_stderr(err):
                code = main(["-C", str(self.path), *arguments])
            return CommandOutcome(code, _read_printed(out), _read_printed(err))


def _read_printed(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


@pytest.fixture(scope="session")
def _prepared_repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """What `repository` is a copy of."""
    made = Repository(tmp_path_factory.mktemp("new") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write("README.md", "# A project\n")
    made.commit("First")
    return made


@pytest.fixture
def repository(_prepared_repository: Repository, tmp_path: Path) -> Repository:
    """A git repository on `main` with one commit."""
    return Repository(copy_folder(_prepared_repository.path, tmp_path / "repository"))
