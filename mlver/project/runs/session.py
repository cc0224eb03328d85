"""A training that a Python program has recorded: `with mlver.run("digits") as run:`."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

from mlver.document.objects import copy_plain
from mlver.errors import MlverError
from mlver.project.history.encryption import read_encryption
from mlver.project.history.secret_params import encrypt_params
from mlver.project.project import Project
from mlver.project.runs.beginning import BegunRun, begin_run
from mlver.project.runs.ending import RunEnding, finish_run
from mlver.project.runs.given import SessionValues, write_given
from mlver.project.runs.request import RunRequest, RunResult
from mlver.project.runs.training_command import (
    CURVES_VARIABLE,
    MODEL_VARIABLE,
    PIPELINE_VARIABLE,
    RUN_VARIABLE,
    read_written_curves,
    running_folder,
)
from mlver.project.worktree.awaited_files import mark_time
from mlver.project.worktree.value_files import merge_values
from mlver.records.curves import format_point
from mlver.records.run import CURVES_FILE, RunOutcome
from mlver.records.values import flatten_values
from mlver.system.machine import describe_loaded_blas
from mlver.system.running import measure_own_use


@dataclass(slots=True)
class RunSession:
    """A training: enter it, `log` what it measures on the way, and leave it.

    `result` says what was recorded, once the block has ended. A session belongs to one thread.
    """

    project: Project
    request: RunRequest
    result: RunResult | None = None
    _leaving: ExitStack = field(default_factory=ExitStack, repr=False)
    _curves: IO[bytes] | None = field(default=None, repr=False)
    _path: Path | None = field(default=None, repr=False)
    _begun: BegunRun | None = field(default=None, repr=False)
    _outer: str | None = None
    _metrics: dict[str, Any] = field(default_factory=dict, repr=False)
    _started: tuple[float, float] = (0.0, 0.0)
    _step: float = -1

    @property
    def id(self) -> str:
        """The ID of the run, such as `20261121T030405Z-1a2b3c`; RuntimeError before it begins."""
        if self._outer is not None:
            return self._outer.rpartition("/")[2]
        if self._begun is None:
            raise RuntimeError("the run has not begun: use it in a `with` block")
        return self._begun.record.run

    def log(
        self,
        step: float | Mapping[str, object] | None = None,
        values: Mapping[str, object] | None = None,
        /,
        **more: object,
    ) -> None:
        """Log numbers of one step, such as `run.log(3, loss=0.1)`; without a step, of the next one.

        `values` is for names that are no names in Python, such as `{"val/loss": 0.1}`, and may
        stand alone. What is not finite, such as a loss that is NaN, is logged as such. Raise
        TypeError for what is no number.
        """
        if self._curves is None:
            raise RuntimeError("log() is for within the `with` block of a run")
        if isinstance(step, Mapping):
            if values is not None:
                raise TypeError("log() takes one dict of values, behind the number of the step")
            step, values = None, step
        if values is not None and not isinstance(values, Mapping):
            raise TypeError(f"log() takes a dict of values behind the step, not {values!r:.80}")
        given = {**(values or {}), **more}
        numbers = flatten_values(copy_plain(given, "what is logged"))
        for name, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(f"log() takes numbers, and {name} is {value!r:.80}")
        self._step = self._step + 1 if step is None else _read_step(step)
        self._curves.write(format_point(self._step, numbers))
        self._curves.flush()

    def measure(self, values: Mapping[str, object] | None = None, /, **more: object) -> None:
        """Give metrics of the whole training, which stand beside those of its metrics files."""
        given = copy_plain({**(values or {}), **more}, "metrics of the run")
        self._metrics = merge_values(self._metrics, given)

    def __enter__(self) -> RunSession:
        if self._curves is not None or self.result is not None:
            raise RuntimeError("a run is entered once; make another one for another training")
        self._started = time.monotonic(), measure_own_use().cpu_seconds
        self._outer = self._find_outer()
        if self._outer is not None:
            self._path = Path(os.environ[CURVES_VARIABLE])
        else:
            pipeline = self.request.pipeline or os.environ.get(PIPELINE_VARIABLE) or None
            self.request = replace(self.request, pipeline=pipeline)
            with ExitStack() as stack:
                scratch = stack.enter_context(running_folder(self.project))
                self._begun = begin_run(
                    self.project, self.request, mark_time(scratch.path), os.environ
                )
                self._path = scratch.path / CURVES_FILE
                self._leaving = stack.pop_all()
        self._curves = self._path.open("ab")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Literal[False]:
        if self._curves is not None:
            self._curves.close()
            self._curves = None
        try:
            with self._leaving:
                self._finish(error)
        except (MlverError, OSError) as failed:
            # What went wrong in the training matters more.
            if error is None:
                raise
            logging.getLogger("mlver").warning("the run was not recorded: %s", failed)
        return False

    def _find_outer(self) -> str | None:
        """The run that this one is a part of: that of `mlver run`, of the same model."""
        outer = os.environ.get(RUN_VARIABLE)
        model = self.request.model
        is_same = model is None or model == os.environ.get(MODEL_VARIABLE)
        curves = os.environ.get(CURVES_VARIABLE)
        if outer and is_same and curves and Path(curves).parent.is_dir():
            return outer
        return None

    def _finish(self, error: BaseException | None) -> None:
        if self._begun is None:
            self._hand_over()
            return
        assert self._path is not None
        use = measure_own_use()
        outcome, exit_code = _judge_error(error)
        ending = RunEnding(
            outcome=outcome,
            exit_code=exit_code,
            duration=time.monotonic() - self._started[0],
            resources={
                "cpu_seconds": round(use.cpu_seconds - self._started[1], 3),
                "max_rss_bytes": use.max_rss_bytes,
            },
            curves=read_written_curves(self._path),
            given=SessionValues(metrics=self._metrics, blas=describe_loaded_blas()),
        )
        self.result = finish_run(self.project, self._begun, ending)

    def _hand_over(self) -> None:
        """Tell the outer run what was given here: it reads that in the end."""
        assert self._path is not None
        encryption = read_encryption(self.project)
        params, secret = encryption.split_params(self.request.param_values)
        # No secret is ever on the disk in plain text.
        secrets = encrypt_params(secret, encryption)
        given = SessionValues(params, self._metrics, secrets, describe_loaded_blas())
        try:
            write_given(self._path.parent, given)
        except OSError as error:
            # A training that came to its end is not ended by it.
            message = "params and metrics of the block were not recorded: %s"
            logging.getLogger("mlver").warning(message, error)


def _read_step(step: float) -> float:
    """A step as a number; a whole one as such. Raise TypeError for what is none."""
    try:
        number = math.nan if isinstance(step, str | bool) else float(step)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise TypeError(f"log() takes a number for the step, not {step!r:.80}")
    return int(number) if number.is_integer() else number


def _judge_error(error: BaseException | None) -> tuple[RunOutcome, int | None]:
    """How a training ended, and the exit code that its program has where nothing catches this."""
    if error is None:
        return "finished", 0
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", None
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        return ("failed" if code else "finished"), code
    return "failed", 1
