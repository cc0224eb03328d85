"""Who sealed a promotion: the tagger that its tag names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlver.git import objects
from mlver.project.project import Project
from mlver.records.promotion import PromotionRecord
from mlver.records.tags import promotion_tag_name

_TAGGER = re.compile(rb"^tagger (.*>) [0-9]+ [+-][0-9]+$", re.MULTILINE)


def find_taggers(project: Project, records: Sequence[PromotionRecord]) -> dict[str, list[str]]:
    """Find who made the tag of each promotion, by path; promotions without a tag are left out.

    Whether the tag seals the promotion is judged elsewhere.
    """
    if not records:
        return {}
    names: list[str] = []
    for record in records:
        tag_name = promotion_tag_name(record.model, record.stage, record.sequence)
        names.append(f"refs/tags/{tag_name}")
    taggers: dict[str, list[str]] = {}
    tags = objects.read_objects(project.repository.process, names)
    for record, tag in zip(records, tags, strict=True):
        if tag is None or tag.kind != b"tag":
            continue
        header, _, _ = tag.data.partition(b"\n\n")
        match = _TAGGER.search(header)
        if match is not None:
            taggers[record.record_path] = [match[1].decode(errors="replace")]
    return taggers
