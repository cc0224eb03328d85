"""The tag to be made of one record: its name, its message, and what it seals."""

from __future__ import annotations

from mlver.digest import Digest
from mlver.project.edit.intent import PlannedTag
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.tags import TagName
from mlver.records.version import VersionRecord

TRAILER = "Mlver-Record"


def plan_version_tag(record: VersionRecord, data: bytes) -> PlannedTag:
    """The tag that seals a record whose bytes are `data`."""
    named = TagName(record.model, record.version)
    return _plan_tag(named, f"{record.model} {record.version}", record.message, data)


def plan_promotion_tag(record: PromotionRecord, data: bytes) -> PlannedTag:
    """The tag that tells pipelines of a promotion, and seals its record, whose bytes are `data`."""
    named = TagName(record.model, stage=record.stage, sequence=record.sequence)
    title = f"{record.model} {record.stage} {record.sequence}: {record.action} {record.version}"
    return _plan_tag(named, title, record.message, data)


def _plan_tag(named: TagName, title: str, message: str, data: bytes) -> PlannedTag:
    text = f"{title}\n\n{message}\n\n{TRAILER}: {Digest.of_bytes(data)}\n"
    return PlannedTag(named.full_name, text, layout.record_path(named))
