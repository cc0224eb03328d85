"""Promotion tags beside the promotions they tell of: `<model>@<stage>.<number>`.

They start pipelines, and decide nothing: what holds a stage stands in the records alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.findings import Finding
from mlver.policy.chain import events_due, judge_tag
from mlver.project.project import Project
from mlver.project.tags import seals
from mlver.records.tags import promotion_tag_name


def check_promotion_tags(
    project: Project, model: str, stage: str, promotions: Mapping[int, Digest]
) -> Iterator[Finding]:
    """Tags of a stage's promotions that seal another record, or are missing where the repository has such tags."""
    numbers = sorted(promotions)
    there = seals.read_promotion_seals(project, model, stage, numbers)
    due = (
        events_due(numbers, there)
        if has_promotion_tags(project)
        else [n for n in numbers if n in there]
    )
    for number in due:
        name = promotion_tag_name(model, stage, number)
        yield from judge_tag(
            name, f"{model} {stage} {number:04d}", promotions[number], there.get(number)
        )


def has_promotion_tags(project: Project) -> bool:
    """Whether promotions have tags here; settings that cannot be read say nothing, and stop no seal."""
    with suppress(MlverError):
        return project.registry.read_shown_config().tags.promotions
    return False
