"""The last verdict on what each stage holds, for what only looks."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.project.registry.attached import VERDICTS, list_judged_stages
from mlver.project.registry.registry import RecordRegistry
from mlver.records.promotion import Result


def read_last_answers(
    registry: RecordRegistry, model: str, holders: Mapping[str, str]
) -> dict[str, Result]:
    """Read what the last verdict says of the versions that hold stages; `holders` are by stage.

    A stage whose holder was never judged there is left out. Raise MlverError where a verdict cannot
    be read.
    """
    answers: dict[str, Result] = {}
    for stage in list_judged_stages(registry, model):
        if stage not in holders:
            continue
        for verdict in reversed(VERDICTS.read_all(registry, model, stage)):
            if verdict.version == holders[stage]:
                answers[stage] = verdict.answer
                break
    return answers
