"""The tag to be made of one record: its name, its message, and what it seals."""

from __future__ import annotations

from dataclasses import replace

from mlver.digest import Digest
from mlver.project.edit.intent import PlannedTag
from mlver.project.registry.registry import decode_promotion, decode_version
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.tags import TagName
from mlver.records.version import VersionRecord

TRAILER = "Mlver-Record"


def plan_record_tag(path: str, data: bytes) -> PlannedTag:
    """Plan the tag of the record at a path; raise MlverError where it is no valid one."""
    if layout.is_version_path(path):
        return plan_version_tag(decode_version(data, path), data)
    return plan_promotion_tag(decode_promotion(data, path), data)


def plan_version_tag(record: VersionRecord, data: bytes) -> PlannedTag:
    """Plan the tag that seals a record whose bytes are `data`."""
    tag_name = TagName(record.model, record.version)
    title = f"{record.model} {record.version}"
    tag = _plan_tag(tag_name, title, record.message, data)
    # The tag that a version was adopted from keeps its commit.
    if record.adopted_tag is None:
        tag = replace(tag, code=record.code.commit)
    return tag


def plan_promotion_tag(record: PromotionRecord, data: bytes) -> PlannedTag:
    """Plan the tag that seals the record of a promotion, and tells pipelines of it."""
    tag_name = TagName(record.model, stage=record.stage, sequence=record.sequence)
    move = f"{record.stage} {record.sequence}: {record.action}"
    title = f"{record.model} {record.version} {move}"
    return _plan_tag(tag_name, title, record.message, data)


def _plan_tag(tag_name: TagName, title: str, message: str, data: bytes) -> PlannedTag:
    # git takes a trailer from the last paragraph alone.
    digest = Digest.of_bytes(data)
    text = f"{title}\n\n{message}\n\n{TRAILER}: {digest}\n"
    return PlannedTag(tag_name.full_name, text, layout.record_path(tag_name))
