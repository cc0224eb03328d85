"""What a clone lacks, so that an audit says what it could not look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlver.findings import Finding
from mlver.git.partial import ClonedContents
from mlver.git.process import FETCH_HINT
from mlver.project.project import Project
from mlver.project.tags import seals
from mlver.records import layout

_UNSHALLOW = "git fetch --unshallow --tags"
_FETCH_TAGS = "git fetch --tags"


def describe_gaps(
    project: Project, notes: Iterable[Finding]
) -> tuple[list[Finding], list[Finding]]:
    """Part what seals and judging noted: what this clone lacks, and what nothing confirms."""
    lacking: list[Finding] = list(_describe_clone(project))
    doubts: list[Finding] = []
    tagless: dict[str, bool] = {}
    unseen: dict[str, int] = {}
    for note in notes:
        model = note.subject.partition("@")[0]
        if note.kind == "clone":
            lacking.append(note)
            continue
        if model not in tagless:
            tagless[model] = seals.lacks_tags(project, model)
        if tagless[model]:
            unseen[model] = unseen.get(model, 0) + 1
        else:
            doubts.append(note)
    for model, count in unseen.items():
        message = f"no tag here seals {count:,} of its promotions; this clone lacks history or tags"
        lacking.append(Finding("unsealed", model, message, (_choose_fetch(project),)))
    return list(dict.fromkeys(lacking)), doubts


def _choose_fetch(project: Project) -> str:
    return _UNSHALLOW if project.repository.is_shallow() else _FETCH_TAGS


def _describe_clone(project: Project) -> Iterator[Finding]:
    if project.repository.is_shallow():
        message = (
            "this shallow clone lacks the beginning of the history: who landed the older records,"
            " under which rules and in which order, cannot be told here"
        )
        yield Finding("clone", layout.ROOT, message, (_UNSHALLOW,))
    if ClonedContents.find_in(project.repository).is_partial:
        message = "this partial clone may lack what records and rules were before"
        yield Finding("clone", layout.ROOT, message, (FETCH_HINT,))
