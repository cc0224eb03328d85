"""Files of what came to be known, and what an event is joined with them on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlver.errors import MlverError, printable_name
from mlver.features.scoring.request import HINT
from mlver.project.predictions.log import PredictionEvent
from mlver.project.predictions.truth import KnownAnswer, TruthFile
from mlver.project.project import Project

TRUTH, FEEDBACK = "truth", "feedback"
_VALUE_COLUMNS = {
    TRUTH: ("truth", "label", "actual", "y_true"),
    FEEDBACK: ("feedback", "accepted", "rating"),
}


def open_known(
    project: Project, kind: str, words: Sequence[str], *, on: str, column: str | None
) -> tuple[TruthFile, ...]:
    """Open the files that words mean; `column`, or one of the usual ones, holds what is known."""
    names = _VALUE_COLUMNS[kind] if column is None else (column,)
    return tuple(TruthFile(project.start / word, word, HINT, on, names) for word in words)


def list_rows(files: Sequence[TruthFile]) -> Iterator[KnownAnswer]:
    """List the rows of all files."""
    for file in files:
        yield from file.read_rows()


def find_request(event: PredictionEvent, name: str) -> str:
    """Find the value that an event is joined on: a label of that name, else its id.

    Raise MlverError where it has neither.
    """
    value = event.data.get(name, event.request)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MlverError(
            f"{event.place} has neither an `id` nor a label {printable_name(name)}", hint=HINT
        )
    return str(value)
