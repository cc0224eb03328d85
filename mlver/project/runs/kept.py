"""Runs as git keeps them: each a commit under a reference of its own.

Others may have made the references that are here, so each record is checked as it is read: what it
says of itself, and the digest of what lies beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.document import codec, strict
from mlver.errors import MlverError, printable_name, shell_command, summarise_error
from mlver.git import loose_commits, objects, references
from mlver.git.repository import GitRepository
from mlver.names import LATEST
from mlver.project.project import Project
from mlver.records.curves import CURVES_LIMIT, Curves, parse_curves
from mlver.records.run import (
    CURVES_FILE,
    DIFF_FILE,
    RECORD_FILE,
    AttachedFile,
    RunRecord,
)
from mlver.records.run_references import (
    RUN_REFERENCES,
    RunName,
    build_run_id,
    list_run_folder,
    parse_run_reference,
)

DIFF_LIMIT = 4 << 20


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run, the commit that holds it, and the digest of its record's bytes."""

    record: RunRecord
    commit: str
    digest: Digest

    @property
    def name(self) -> RunName:
        return self.record.name


@dataclass(frozen=True, slots=True)
class KeptRuns:
    """The runs that could be read, newest first; `faults` are why others could not."""

    runs: tuple[KeptRun, ...]
    faults: tuple[str, ...] = ()


def keep_run(
    project: Project, record: RunRecord, data: bytes, curves: bytes | None, diff: bytes | None
) -> str:
    """Keep a record, whose bytes are `data`, and what lies beside it; return the commit.

    It is durable when this returns. Nothing is locked: however long another command writes, a
    training that has ended is recorded.
    """
    files = {RECORD_FILE: data}
    if curves is not None:
        files[CURVES_FILE] = curves
    if diff is not None:
        files[DIFF_FILE] = diff
    message = f"mlver: run of {record.model}: {record.outcome}\n\n{record.message}".strip() + "\n"
    return loose_commits.keep_commit(
        project.repository, record.name.reference, files, message, record.created
    )


def list_run_commits(project: Project, model: str | None = None) -> dict[str, str]:
    """List the references of the runs of a model, or of all, newest first, with their commits."""
    found = references.list_references(project.repository, list_run_folder(model))
    return dict(sorted(found.items(), key=_order_reference, reverse=True))


def _order_reference(item: tuple[str, str]) -> tuple[str, str]:
    model, _, run = item[0].rpartition("/")
    return run, model


def list_kept_runs(project: Project, model: str | None = None) -> KeptRuns:
    """Read the runs of a model, or of all; one that cannot be read hides no other."""
    commits = list_run_commits(project, model)
    runs: list[KeptRun] = []
    faults: list[str] = []
    for outcome in read_run_commits(project.repository, commits.items()):
        if isinstance(outcome, MlverError):
            faults.append(summarise_error(outcome))
        else:
            runs.append(outcome)
    return KeptRuns(tuple(runs), tuple(faults))


def read_run_commits(
    repository: GitRepository, commits: Iterable[tuple[str, str]]
) -> list[KeptRun | MlverError]:
    """Read the records of these references and commits, or say of each why it is none."""
    wanted = list(commits)
    # A byte more than a record can have shows that it is too long.
    specs = [(f"{commit}:{RECORD_FILE}", strict.MAX_BYTES + 1) for _, commit in wanted]
    outcomes: list[KeptRun | MlverError] = []
    for (reference, commit), data in zip(
        wanted, objects.read_beginnings(repository.process, specs), strict=True
    ):
        try:
            outcomes.append(_decode_run(reference, commit, data))
        except MlverError as error:
            error.hints = error.hints or (shell_command("git", "update-ref", "-d", reference),)
            outcomes.append(error)
    return outcomes


def _decode_run(reference: str, commit: str, data: bytes | None) -> KeptRun:
    """Decode a record; raise MlverError, with its reference, where it is no record of that run."""
    shown = printable_name(reference)
    name = parse_run_reference(reference)
    if name is None:
        raise MlverError(f"{shown} names no run: its name is none of a model and a run")
    if data is None:
        raise MlverError(f"{shown} holds no run: {RECORD_FILE} is not there")
    record = RunRecord.from_document(codec.decode_document("run", data, shown))
    if record.name != name:
        raise MlverError(f"{shown} holds the run {record.run} of {record.model}, not its own")
    if build_run_id(record.created, name.run[-6:]) != name.run:
        raise MlverError(f"{shown} says that it began at {record.created}, which its name does not")
    return KeptRun(record, commit, Digest.of_bytes(data))


def refuse_unsound(project: Project, run: KeptRun, object_id: str) -> None:
    """Raise MlverError for a run with more or less in it than a run has, or that follows others.

    `object_id` is what its reference names. Whatever is in the history of a reference is looked at
    by those who judge records, and git sends all of it to whoever fetches it.
    """
    shown = printable_name(run.name.reference)
    found = loose_commits.inspect_commit(project.repository, object_id)
    if found.kind != "commit":
        raise MlverError(f"{shown} names a {found.kind}, and a run is a commit")
    if found.parents:
        raise MlverError(f"{shown} follows other commits, which no run does")
    if found.files is None:
        raise MlverError(f"{shown} holds more than plain files, which no run does")
    for name, count in Counter(found.files).items():
        if name not in (RECORD_FILE, CURVES_FILE, DIFF_FILE):
            raise MlverError(f"{shown} holds {printable_name(name)}, which no run does")
        if count > 1:
            raise MlverError(f"{shown} holds {name} {count} times")
    for name, attached in ((CURVES_FILE, run.record.curves), (DIFF_FILE, run.record.diff)):
        if attached is None and name in found.files:
            raise MlverError(f"{shown} holds a {name} that its record does not name")
    if len(read_kept_curves(project, run)) != run.record.points:
        raise MlverError(
            f"{shown} has curves of other than the {run.record.points:,} points it says"
        )
    read_kept_diff(project, run)


def read_kept_curves(project: Project, run: KeptRun) -> Curves:
    """Read the curves of a run; none where it has none.

    Raise MlverError where they are others than its record says, InvalidDocument for what are none.
    """
    shown = f"{printable_name(run.name.reference)}:{CURVES_FILE}"
    data = _read_attached(project, run, CURVES_FILE, run.record.curves, CURVES_LIMIT)
    return Curves() if data is None else parse_curves(data, shown)


def read_kept_diff(project: Project, run: KeptRun) -> bytes | None:
    """Read the uncommitted changes of the code of a run; None where it has none."""
    return _read_attached(project, run, DIFF_FILE, run.record.diff, DIFF_LIMIT)


def _read_attached(
    project: Project, run: KeptRun, file: str, attached: AttachedFile | None, limit: int
) -> bytes | None:
    if attached is None:
        return None
    process = project.repository.process
    (data,) = objects.read_beginnings(process, [(f"{run.commit}:{file}", limit + 1)])
    if data is None or AttachedFile.of_bytes(data) != attached:
        raise MlverError(
            f"{printable_name(run.name.reference)} does not hold the {file} that its record names",
            hint=shell_command("git", "ls-tree", "-l", run.commit),
        )
    return data


def find_run(project: Project, text: str, model: str | None = None) -> KeptRun:
    """Find the run that a text names; raise MlverError where none or several are meant, and for
    one that cannot be read.
    """
    reference, commit = find_run_commit(project, text, model)
    (outcome,) = read_run_commits(project.repository, [(reference, commit)])
    if isinstance(outcome, MlverError):
        raise outcome
    return outcome


def find_run_commit(project: Project, text: str, model: str | None = None) -> tuple[str, str]:
    """Find the reference and the commit that a text names: a run's ID, `MODEL/ID`, its reference,
    `latest`, or as much of its end or its beginning as no other has.

    Raise MlverError where none or several are meant.
    """
    folder, _, typed = text.removeprefix(f"{RUN_REFERENCES}/").rpartition("/")
    commits = list_run_commits(project, folder or model)
    named = {reference: reference.rpartition("/")[2] for reference in commits}
    if typed == LATEST:
        # An ID begins with the time. What was fetched by git itself may have any name.
        runs = [reference for reference in named if parse_run_reference(reference)]
        if runs:
            newest = max(runs, key=lambda reference: named[reference])
            return newest, commits[newest]
    exact = [reference for reference, run in named.items() if run == typed]
    meant = exact or [
        reference
        for reference, run in named.items()
        if typed and (run.startswith(typed) or (len(typed) >= 4 and run.endswith(typed)))
    ]
    if len(meant) != 1:
        raise _build_unclear_error(text, folder or model, meant)
    return meant[0], commits[meant[0]]


def _build_unclear_error(text: str, model: str | None, meant: Sequence[str]) -> MlverError:
    shown = printable_name(text)
    whose = "" if model is None else f" of {printable_name(model)}"
    words = ["mlver", "runs"] if model is None else ["mlver", "runs", model]
    hint = shell_command(*words)
    if meant:
        several = ", ".join(printable_name(name.rpartition("/")[2]) for name in meant[:4])
        return MlverError(f"`{shown}` may be any of {len(meant)} runs{whose}: {several}", hint=hint)
    return MlverError(f"there is no run `{shown}`{whose} here", hint=hint)
