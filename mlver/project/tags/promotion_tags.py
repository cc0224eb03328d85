"""Promotion tags beside the promotions they tell of: `<model>@<stage>.<number>`.

They start pipelines and decide nothing: which version holds a stage stands in the records alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
    """Yield what is wrong with the tags of a stage's promotions.

    A tag may seal another record, or be missing where the repository has such tags.
    """
    sequences = sorted(promotions)
    tagged = seals.read_promotion_seals(project, model, stage, sequences)
    # Tags that somebody made are judged even where the settings ask for none.
    judged_sequences = [sequence for sequence in sequences if sequence in tagged]
    if has_promotion_tags(project):
        judged_sequences = events_due(sequences, tagged)
    for sequence in judged_sequences:
        tag_name = promotion_tag_name(model, stage, sequence)
        subject = f"{model} {stage} {sequence:04d}"
        seal = tagged.get(sequence)
        yield from judge_tag(tag_name, subject, promotions[sequence], seal)


def has_promotion_tags(project: Project) -> bool:
    """Say whether the settings ask for tags of promotions; unreadable settings ask for none."""
    try:
        settings = project.registry.read_shown_config()
    except MlverError:
        # They are checked where they decide; here they must not keep a seal from being made.
        return False
    return settings.tags.promotions
