"""The data set that versions are measured on: what the settings pin, brought here."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectMissing, UsageError, printable_name, shell_command
from mlver.project.artifacts import measuring, storing
from mlver.project.artifacts.bringing import suggest_bringing
from mlver.project.project import Project
from mlver.project.remote.arrival import find_absent
from mlver.project.remote.fetching import FetchedAhead, fetch_objects
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.manifest import Listing
from mlver.records.sections.datasets import DatasetPin
from mlver.storage.digests import DigestSet


@dataclass(frozen=True, slots=True)
class Exam:
    """A data set as the settings pin it: `name` is what rules call it."""

    name: str
    path: str
    digest: Digest


def find_exam(project: Project, name: str) -> Exam:
    """Find the pin of a data set; raise UsageError where the settings have none of that name."""
    datasets = project.registry.read_config().datasets
    pin: DatasetPin | None = datasets.get(name)
    if pin is not None:
        return Exam(name, pin.path, pin.digest)
    known = f"; it pins {', '.join(datasets)}" if datasets else ""
    raise UsageError(
        f"{layout.CONFIG} pins no data set called {printable_name(name)}{known}",
        hint=shell_command("mlver", "config", "pin", name, "PATH"),
    )


def find_exam_objects(project: Project, exam: Exam) -> DigestSet:
    """Find out which objects a data set is; hold the lock.

    The work tree is asked before the remotes: what it has is in the store then.
    """
    digests = DigestSet.from_raw(
        bytes.fromhex(hexadecimal) for _, hexadecimal in _list_files(project, exam)
    )
    if find_absent(project, digests):
        _store_working(project, exam)
    return digests


def bring_exam(project: Project, exam: Exam, ahead: FetchedAhead) -> Artifact:
    """Bring the bytes of a data set into the store; hold the lock.

    `ahead` is what was fetched of it before. Raise ObjectMissing where nobody has them.
    """
    digests = find_exam_objects(project, exam)
    fetch_objects(project, find_absent(project, digests), ahead=ahead)
    absent = find_absent(project, digests)
    if absent:
        raise ObjectMissing(
            f"{len(absent):,} of {len(digests):,} files of the data set {exam.name}"
            f" ({printable_name(exam.path)}) are not here, and the work tree has others",
            hints=suggest_bringing(project),
        )
    return _pin_stored(project, exam)


def _list_files(project: Project, exam: Exam) -> Listing:
    return measuring.pinned_files(project, _pin_files(exam))


def _pin_files(exam: Exam, *, size: int = 0, files: int = 1) -> Artifact:
    return Artifact(path=exam.path, digest=exam.digest, size=size, files=files, stored=True)


def _store_working(project: Project, exam: Exam) -> None:
    """Store what lies in the work tree, where it is what the pin says."""
    measured = measuring.measure_at(project, exam.path, fresh=True, follow=True)
    if measured is None or measured.digest != exam.digest:
        return
    with storing.open_batch_deposit(project) as deposit:
        again = measuring.measure_into(project, exam.path, deposit, follow=True)
    if again.digest != exam.digest:
        raise MlverError(
            f"{printable_name(exam.path)} changed while it was read; run the same command again",
            hint="git status",
        )


def _pin_stored(project: Project, exam: Exam) -> Artifact:
    entries = [Digest(hexadecimal) for _, hexadecimal in _list_files(project, exam)]
    sizes = storing.open_store(project).read_sizes(set(entries))
    return _pin_files(exam, size=sum(sizes[digest] for digest in entries), files=len(entries))
