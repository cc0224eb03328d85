"""`mlver score --replay`: what another version answers to requests that were logged.

The person's own command answers them: it reads a JSON line a request (`id`, `features`) and writes
one (`id`, `prediction`). It runs where mlver was called, with the rights of whoever called it.
"""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from mlver import names
from mlver.errors import MlverError, UsageError, printable_name, refusal_error, shell_command
from mlver.features.scoring.comparing import ReplayedVersion, compare_version
from mlver.features.scoring.joining import (
    AnswerJoin,
    JoinableEvent,
    find_answer,
    joining_answers,
)
from mlver.features.scoring.known import TRUTH, find_request, list_rows, open_known
from mlver.features.scoring.measuring import guess_kind
from mlver.features.scoring.recording import MeasuredAnswers, record_answers
from mlver.features.scoring.request import HINT, check_kind
from mlver.project.edit.edit import require_branch
from mlver.project.edit.protected import refuse_protected
from mlver.project.predictions.files import combine_digests, find_logs, name_files
from mlver.project.predictions.log import PredictionLog
from mlver.project.predictions.truth import TruthFile
from mlver.project.project import Project
from mlver.project.remote.proven_weights import find_proven_weights
from mlver.project.tags import trust
from mlver.records.evaluation import ServedData
from mlver.records.version import VersionRecord
from mlver.system.running import RunCommand, run_command

_INPUT, _OUTPUT = "requests.jsonl", "answers.jsonl"
_REPLAYED = "replayed"
_DIGITS = 12
_INCONCLUSIVE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """What a person asked for: the requests of these logs, answered by `command` with the version
    `against`; with `record`, the agreement is an evaluation of that. Files of `truth` say who was
    right.
    """

    logs: tuple[str, ...]
    against: str | None
    command: tuple[str, ...]
    truth: tuple[str, ...] = ()
    on: str = "request_id"
    column: str | None = None
    stage: str | None = None
    kind: str | None = None
    timeout: float | None = None
    record: bool = False
    message: str = ""
    dry_run: bool = False

    def __post_init__(self) -> None:
        names.check_text(self.message, "the message")
        check_kind(self.kind)
        if self.against is None or not self.command or not self.command[0]:
            raise UsageError(
                "a replay needs the version that answers now, and behind `--` the command that asks"
                " it",
                hint="mlver score MODEL --replay log --against REF -- python answer.py",
            )
        for word in self.command:
            names.check_text(word, "the command")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """What `against` answered to logged requests, of which so many were `asked`.

    `skipped` events hold no features or no answer, and `repeated` ones came again. `unasked` are
    answers to no request.
    """

    model: str
    against: str
    logs: str
    command: str
    kind: str
    asked: int
    skipped: int
    repeated: int
    unasked: int
    versions: tuple[ReplayedVersion, ...]
    sequence: int | None = None
    path: str | None = None
    commit: str | None = None
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        is_open = not self.dry_run and not any(one.compared for one in self.versions)
        return _INCONCLUSIVE if is_open else 0


def replay_log(project: Project, model: str | None, request: ReplayRequest) -> ReplayResult:
    """Have a version answer logged requests, and compare; raise MlverError where it cannot."""
    resolved = project.resolve_model(model)
    chosen = project.resolve_ref(request.against, resolved)
    if chosen.model != resolved:
        raise UsageError(f"{request.against} is a version of another model than {resolved}")
    if request.record and not request.dry_run:
        refuse_protected(project)
        require_branch(project.repository, "")
    record, _ = trust.read_vouched_record(project, f"{resolved}@{chosen.version}")
    logs = find_logs(project.start, request.logs, HINT)
    with joining_answers() as join, tempfile.TemporaryDirectory(prefix="mlver-replay-") as folder:
        replay = _Replay(project, request, record, logs, join, Path(folder))
        return replay.carry_out()


@dataclass(slots=True)
class _Replay:
    """One replay; files of it lie in `folder`, and are gone afterwards."""

    project: Project
    request: ReplayRequest
    record: VersionRecord
    logs: Sequence[PredictionLog]
    join: AnswerJoin
    folder: Path
    skipped: int = 0

    def carry_out(self) -> ReplayResult:
        try:
            with (self.folder / _INPUT).open("wb") as asked:
                self.join.add_predictions(self._list_requests(asked))
        except OSError as error:
            raise refusal_error("writing the requests", error, outcome="") from error
        if not self.join.versions:
            raise MlverError(
                f"no event of {self.record.model} holds `features`, which applications log only"
                " where they are told to",
                hint=HINT,
            )
        if self.request.dry_run:
            return self._build_result("class", unasked=0)
        self._run_command()
        totals = self.join.add_known(self._open_answers().read_rows())
        request = self.request
        known = open_known(self.project, TRUTH, request.truth, on=request.on, column=request.column)
        self.join.add_labels(list_rows(known))
        kind = self.request.kind or guess_kind(self.join)
        return self._keep(self._build_result(kind, unasked=totals.unmatched))

    def _list_requests(self, asked: IO[bytes]) -> Iterator[JoinableEvent]:
        """List the events that can be asked again, each by an id, and write what is asked.

        One that comes again has the same id; it is asked twice, and counts once.
        """
        number = 0
        for log in self.logs:
            for event in log.read_events(self.record.model):
                if self.request.stage not in (None, event.stage):
                    continue
                features = event.data.get("features")
                if features is None or find_answer(event) is None:
                    self.skipped += 1
                    continue
                number += 1
                name = f"r{number}" if event.key is None else f"{event.key:016x}"
                line = json.dumps({"id": name, "features": features})
                asked.write(line.encode() + b"\n")
                label = find_request(event, self.request.on) if self.request.truth else None
                yield JoinableEvent(event, name, label)

    def _run_command(self) -> None:
        words = self.request.command
        weights = find_proven_weights(self.project, self.record)
        with (
            (self.folder / _INPUT).open("rb") as asked,
            (self.folder / _OUTPUT).open("wb") as answered,
        ):
            run = run_command(
                RunCommand(
                    words=words,
                    folder=self.project.start,
                    environment={
                        **os.environ,
                        "MLVER_MODEL": self.record.model,
                        "MLVER_VERSION": self.record.version,
                        "MLVER_WEIGHTS": os.fspath(weights),
                    },
                    input=asked,
                    output=answered,
                    timeout=self.request.timeout,
                )
            )
        name = printable_name(words[0])
        if run.timed_out:
            raise MlverError(f"{name} took longer than {self.request.timeout:g} seconds")
        if run.code:
            raise MlverError(
                f"{name} ended with {run.code}, so nothing was compared",
                hint=shell_command("mlver", "score", "--help"),
            )

    def _open_answers(self) -> TruthFile:
        shown = f"what {printable_name(self.request.command[0])} printed"
        return TruthFile(self.folder / _OUTPUT, shown, HINT, "id", ("prediction",))

    def _build_result(self, kind: str, *, unasked: int) -> ReplayResult:
        versions: list[ReplayedVersion] = []
        if not self.request.dry_run:
            versions = [compare_version(self.join, name, kind) for name in self.join.versions]
        return ReplayResult(
            model=self.record.model,
            against=self.record.version,
            logs=name_files(self.request.logs),
            command=shlex.join(self.request.command),
            kind=kind,
            asked=self.join.logged.answers - self.join.logged.repeated,
            skipped=self.skipped,
            repeated=self.join.logged.repeated,
            unasked=unasked,
            versions=tuple(versions),
            dry_run=self.request.dry_run,
        )

    def _keep(self, result: ReplayResult) -> ReplayResult:
        """Record how far the answers agree, where that is asked for and there are any."""
        compared = sum(one.compared for one in result.versions)
        if not (self.request.record and compared):
            return result
        agreed = sum(one.agreed for one in result.versions)
        answers = sum(one.answers for one in result.versions)
        served = ServedData(served=result.logs, digest=combine_digests(self.logs))
        measured = MeasuredAnswers(
            model=result.model,
            version=result.against,
            data={_REPLAYED: served},
            metrics={"agreement": round(agreed / compared, _DIGITS)},
            count=compared,
            coverage=round(compared / answers, _DIGITS),
            command=result.command,
        )
        recorded = record_answers(self.project, measured, self.request.message)
        return replace(
            result, sequence=recorded.sequence, path=recorded.path, commit=recorded.commit
        )
