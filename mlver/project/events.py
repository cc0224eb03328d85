"""Promotion tags beside the promotions they tell of: `<model>@<stage>.<number>`.

They start pipelines, and decide nothing: what holds a stage stands in the records alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlver.digest import Digest
from mlver.policy.trust import Broken, events_due, judge_tag, promotion_tag_name
from mlver.project import sealing, seals
from mlver.project.project import Project


def broken(project: Project, model: str, stage: str, promotions: Mapping[int, Digest]) -> Iterator[Broken]:
    """Tags of a stage's promotions that seal another record, or are missing where the repository has such tags."""
    numbers = sorted(promotions)
    there = seals.events(project, model, stage, numbers)
    due = events_due(numbers, there) if sealing.has_events(project) else [n for n in numbers if n in there]
    for number in due:
        name = promotion_tag_name(model, stage, number)
        yield from judge_tag(name, f"{model} {stage} {number:04d}", promotions[number], there.get(number))
