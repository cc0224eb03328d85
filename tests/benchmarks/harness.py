"""Timing processes against each other on a machine that is never quiet.

Each pair of runs (ours, theirs) gives one ratio; what is judged is the median of the ratios, never
seconds. Everything a run needs is prepared before its clock starts, in a directory of its own that
is removed after it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

# For openssl's programs and for Python's hashlib, which uses its library.
MASK = {"OPENSSL_ia32cap": ":~0x20000000"}
CHECKOUT = Path(__file__).resolve().parents[2]
GIT_CONFIG = """\
[user]
	name = Kim
	email = kim@example.org
[init]
	defaultBranch = main
[gc]
	auto = 0
"""


@dataclass(frozen=True, slots=True)
class Command:
    """What is timed: one process, and where it runs.

    `masked`: without the processor's SHA instructions.
    """

    argv: Sequence[str | Path]
    cwd: Path
    masked: bool = False


Prepare = Callable[[Path], Command]


@dataclass(frozen=True, slots=True, order=True)
class Cost:
    """`rss` is the peak, in bytes, of the largest process of the run: it and what it waited for."""

    seconds: float
    rss: int

    def without(self, start: Cost) -> Cost:
        return Cost(max(self.seconds - start.seconds, 0.0), self.rss)


@dataclass(frozen=True, slots=True)
class Race:
    ours: Sequence[Cost]
    theirs: Sequence[Cost]

    @property
    def ratios(self) -> list[float]:
        return [
            our.seconds / their.seconds for our, their in zip(self.ours, self.theirs, strict=True)
        ]

    @property
    def ratio(self) -> float:
        return median(self.ratios)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. `met` is None where there is no bar, only something to know."""

    workload: str
    ours: str
    peer: str
    theirs: str
    ratio: str
    bar: str = "—"
    met: bool | None = None

    @classmethod
    def of_race(cls, workload: str, peer: str, race: Race, bar: float | None = None) -> Row:
        spread = f"{race.ratio:.2f} ({min(race.ratios):.2f}–{max(race.ratios):.2f})"
        ours, theirs = (
            f"{median(cost.seconds for cost in side):.3f} s" for side in (race.ours, race.theirs)
        )
        if bar is None:
            return cls(workload, ours, peer, theirs, spread)
        return cls(workload, ours, peer, theirs, spread, f"≤ {bar:g} ×", race.ratio <= bar)

    @classmethod
    def of_seconds(cls, workload: str, costs: Sequence[Cost], most: float) -> Row:
        """What has no peer, and is to take no longer than that."""
        seconds = [cost.seconds for cost in costs]
        ours = f"{median(seconds):.3f} s"
        spread = f"({min(seconds):.3f}–{max(seconds):.3f})"
        return cls(workload, ours, "—", "—", spread, f"≤ {most:g} s", median(seconds) <= most)

    @classmethod
    def of_memory(
        cls,
        workload: str,
        race: Race,
        peer: str,
        *,
        tolerance: float = 0.1,
        most: int | None = None,
    ) -> Row:
        """The largest process of each, which is to be no larger than the other's, or than `most`
        bytes.
        """
        ratios = sorted(
            our.rss / their.rss for our, their in zip(race.ours, race.theirs, strict=True)
        )
        here, there = (median(cost.rss for cost in side) for side in (race.ours, race.theirs))
        spread = f"{median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})"
        bar = f"± {tolerance:.0%}" if most is None else f"≤ {most >> 20} MiB"
        met = abs(median(ratios) - 1) <= tolerance if most is None else here <= most
        return cls(
            workload,
            f"{here / (1 << 20):.1f} MiB",
            peer,
            f"{there / (1 << 20):.1f} MiB",
            spread,
            bar,
            met,
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """Where benchmarks run.

    `environments` are virtual environments, kept if they lie outside `root`.

    `repeat` replaces every workload's own number of runs.
    """

    root: Path
    environments: Path
    quick: bool
    repeat: int | None

    @classmethod
    @contextmanager
    def made(cls, *, environments: Path | None, quick: bool, repeat: int | None) -> Iterator[Bench]:
        """Everything below one temporary directory, gone at the end."""
        with tempfile.TemporaryDirectory(
            prefix="mlver-benchmarks-", ignore_cleanup_errors=True
        ) as name:
            root = Path(name)
            (root / "home").mkdir()
            (root / "home" / ".gitconfig").write_text(GIT_CONFIG)
            yield cls(root, environments or root / "environments", quick, repeat)

    # -- programs ----------------------------------------------------------------------------------

    @property
    def env(self) -> Mapping[str, str]:
        """The whole environment of every run.

        Settings of the person are not heeded, and peers send no telemetry.
        """
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.root / "home"),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "DVC_NO_ANALYTICS": "1",
        }

    def environment(self, name: str, lock: str) -> Path:
        """The `bin` of a virtual environment with the packages of a lock file (`locks/`)."""
        home = self.environments / name
        made = home / "made"
        if not made.exists():
            say(f"making the environment of {name}")
            shutil.rmtree(home, ignore_errors=True)
            self.run([sys.executable, "-m", "venv", home])
            packages = CHECKOUT / "locks" / f"{lock}.txt"
            install: list[str | Path] = [
                "-m",
                "pip",
                "install",
                "-q",
                "--require-hashes",
                "-r",
                packages,
            ]
            self.run([home / "bin" / "python", *install], env=os.environ)
            made.touch()
        return home / "bin"

    def install_checkout(self, name: str = "mlver", lock: str = "mlver") -> Path:
        """Install mlver as it is now beside a lock file's packages; return the `bin`."""
        programs = self.environment(name, lock)
        program = programs / "python"
        install: list[str | Path] = [
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--force-reinstall",
            CHECKOUT,
        ]
        self.run([program, *install], env=os.environ)
        return programs

    def run(
        self,
        argv: Sequence[str | Path],
        cwd: Path | None = None,
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> str:
        """Run what prepares; its output. A failure ends the benchmark with what was said."""
        done = subprocess.run(
            argv,
            cwd=cwd or self.root,
            input=stdin,
            capture_output=True,
            env=env or self.env,
            check=False,
        )
        if done.returncode:
            sys.exit(
                f"{' '.join(map(str, argv))} exited {done.returncode}:\n"
                f"{done.stderr.decode(errors='replace')}"
            )
        return done.stdout.decode(errors="replace")

    # -- measuring ---------------------------------------------------------------------------------

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A new empty directory, for one run."""
        directory = Path(tempfile.mkdtemp(dir=self.root))
        try:
            yield directory
        finally:
            shutil.rmtree(directory)

    def times(self, usual: int) -> int:
        return self.repeat or (max(3, usual // 4) if self.quick else usual)

    def cost(self, prepare: Prepare) -> Cost:
        """What one run costs, prepared in a scratch directory and begun with nothing left to write
        on the disk.
        """
        with self.scratch() as directory:
            command = prepare(directory)
            os.sync()
            return self._timed(command)

    def race(
        self, ours: Prepare, theirs: Prepare, usual: int, *, but: Prepare | None = None
    ) -> Race:
        """Run both in turn: A B A B …; what `but` costs, run beside them, is taken off ours."""
        costs = []
        for _ in range(self.times(usual)):
            our, their = self.cost(ours), self.cost(theirs)
            costs.append((our.without(self.cost(but)) if but else our, their))
        return Race([our for our, _ in costs], [their for _, their in costs])

    def once(self, ours: Prepare, theirs: Prepare) -> Race:
        """Both a single time, whatever `repeat` says: what cannot be done twice."""
        return Race([self.cost(ours)], [self.cost(theirs)])

    def slowest(self, ours: Prepare, theirs: Sequence[Prepare], usual: int) -> Race:
        """Ours against the slowest of several, in each round anew."""
        costs = [(self.cost(ours), max(map(self.cost, theirs))) for _ in range(self.times(usual))]
        return Race([our for our, _ in costs], [their for _, their in costs])

    def _timed(self, command: Command) -> Cost:
        with tempfile.TemporaryFile(dir=self.root) as errors:
            began = time.perf_counter()
            process = subprocess.Popen(
                command.argv,
                cwd=command.cwd,
                env={**self.env, **(MASK if command.masked else {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                errors.seek(0)
                said = errors.read().decode(errors="replace")
                sys.exit(f"{' '.join(map(str, command.argv))} exited {process.returncode}:\n{said}")
        return Cost(seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def has_sha() -> bool:
    """Whether the processor has SHA instructions; False where the system does not say."""
    try:
        return " sha_ni" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def always(command: Command) -> Prepare:
    """The same command each time, where a run leaves everything as it was."""
    return lambda _: command


def say(text: str) -> None:
    """What is going on, for whoever waits."""
    sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {text}\n")
