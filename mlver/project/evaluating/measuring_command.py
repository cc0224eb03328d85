"""The person's own command that measures a version: what it is told, and what it has to write.

It runs where mlver was called, with the rights of whoever called it. What it measures is a
read-only copy: that protects from accidents, and is no sandbox.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlver.errors import MlverError, printable_name
from mlver.policy.samples import SAMPLES_LIMIT, parse_samples
from mlver.project.evaluating.written import read_metrics
from mlver.project.worktree import value_files
from mlver.project.worktree.awaited_files import AwaitedFile, mark_time
from mlver.system.running import FinishedRun, RunCommand, run_command
from mlver.system.scratch import ScratchFolder

_PLACEHOLDER = re.compile(r"\{(weights|data|metrics|samples|output)\}")
# Only what mlver itself answers goes to stdout.
_STANDARD_ERROR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPaths:
    """What a command reads (`weights`, `data`), and where it writes.

    `output` is a folder for the time of the measurement; `metrics` and `samples` lie there, unless
    the person named other files.
    """

    weights: Path
    data: Path
    output: Path
    metrics: Path
    samples: Path

    def fill_in(self, words: Sequence[str]) -> list[str]:
        """Replace `{weights}` and the other placeholders in each word of a command."""
        return [_PLACEHOLDER.sub(self._find_path, word) for word in words]

    def name(self, file: str) -> str:
        """Name a file that a command writes as the person knows it."""
        path: Path = getattr(self, file)
        # Nobody will find the folder of a measurement afterwards.
        return f"$MLVER_{file.upper()}" if path.parent == self.output else os.fspath(path)

    def _find_path(self, placeholder: re.Match[str]) -> str:
        path: Path = getattr(self, placeholder[1])
        return os.fspath(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuringCommand:
    """A command, where it runs, and for how many seconds at most (None: as long as it takes).

    `on` is the name of the data set that it measures on.
    """

    words: tuple[str, ...]
    folder: Path
    on: str
    timeout: float | None

    def build_environment(self, model: str, version: str, paths: MeasuredPaths) -> dict[str, str]:
        """Build its variables: those of this process, and what it measures."""
        data_name = self.on.upper().replace("-", "_")
        return {
            **os.environ,
            "MLVER_MODEL": model,
            "MLVER_VERSION": version,
            "MLVER_WEIGHTS": os.fspath(paths.weights),
            f"MLVER_DATA_{data_name}": os.fspath(paths.data),
            "MLVER_METRICS": os.fspath(paths.metrics),
            "MLVER_SAMPLES": os.fspath(paths.samples),
            "MLVER_OUTPUT": os.fspath(paths.output),
        }

    def measure_version(
        self, model: str, version: str, paths: MeasuredPaths, scratch: ScratchFolder
    ) -> CommandOutput:
        """Run it, and read the metrics and the samples that it wrote.

        Raise MlverError where it fails, takes too long, or writes nothing that can be recorded.
        """
        mark = mark_time(scratch.path)
        metrics_file = AwaitedFile.before(paths.name("metrics"), paths.metrics, mark)
        samples_file = AwaitedFile.before(paths.name("samples"), paths.samples, mark)
        command = RunCommand(
            words=paths.fill_in(self.words),
            folder=self.folder,
            environment=self.build_environment(model, version, paths),
            output=_STANDARD_ERROR,
            timeout=self.timeout,
            keep_open=(scratch.descriptor,),
        )
        run = run_command(command)
        self._require_success(run)
        data = metrics_file.read_new("metrics", value_files.BYTE_LIMIT)
        metrics, count = read_metrics(data, paths.metrics, metrics_file.name)
        samples = None
        # Samples are asked for by naming their file; else whoever writes them may.
        if paths.samples.parent != paths.output or samples_file.is_new():
            samples = samples_file.read_new("samples", SAMPLES_LIMIT)
            count = _agree_count(count, samples, samples_file.name)
        return CommandOutput(metrics=metrics, count=count, samples=samples, run=run)

    def _require_success(self, run: FinishedRun) -> None:
        name = printable_name(self.words[0])
        if run.timed_out:
            raise MlverError(
                f"{name} took longer than {self.timeout:g} seconds (--timeout), and was ended"
            )
        if run.code < 0:
            raise MlverError(f"{name} was ended by {_name_signal(-run.code)}")
        if run.code:
            raise MlverError(f"{name} ended with exit code {run.code}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOutput:
    """What a command measured: `samples` are the bytes of that file, None where it wrote none."""

    metrics: Mapping[str, Any]
    count: int | None
    samples: bytes | None
    run: FinishedRun


def _agree_count(count: int | None, samples: bytes, name: str) -> int:
    """The number of rows; raise MlverError where the metrics count others than the samples."""
    rows = len(parse_samples(samples, name))
    if count not in (None, rows):
        raise MlverError(f"the metrics count {count:,} rows, and {name} has {rows:,}")
    return rows


def _name_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
