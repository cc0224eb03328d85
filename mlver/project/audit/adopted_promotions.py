"""Promotions that were adopted from the tags of another tool: no gate was asked for them.

The author of a record can write that it was adopted. That is believed only of what `mlver adopt`
does: a stage's history begins with such promotions, all of them landed in one commit, and each has
a tag of its own that gives this stage, is dated like the record, and is by the same person. Their
order is that of the numbers of these tags: the clocks of those who made them may have differed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mlver.errors import MlverError
from mlver.git.git_tag import GitTag
from mlver.project.audit.record_history import RecordHistory
from mlver.project.history.stage_history import StageHistory
from mlver.project.tags.seen_tags import AnnotatedTag, SeenTags
from mlver.records.gto_tags import GTO_TAG
from mlver.records.promotion import PromotionRecord
from mlver.records.references import AdoptedTag


def find_adopted(
    tags: SeenTags, history: RecordHistory, chains: Sequence[StageHistory]
) -> set[str]:
    """Find, by path, the promotions that were adopted from another tool's tag, which is unchanged.

    In a clone that was made without tags, nobody can tell of a tag that is missing.
    """
    claiming: list[StageHistory] = []
    for chain in chains:
        if chain and chain[0][0].adopted is not None:
            claiming.append(chain)
    if not claiming:
        return set()
    judge = _OriginJudge(tags, history, tags.read_all())
    adopted: set[str] = set()
    for chain in claiming:
        adopted.update(judge.list_adopted([record for record, _ in chain]))
    return adopted


@dataclass(frozen=True, slots=True)
class _OriginJudge:
    """Judges what records say of the tags that they were adopted from."""

    seen: SeenTags
    history: RecordHistory
    tags: Mapping[str, AnnotatedTag]

    def list_adopted(self, records: Sequence[PromotionRecord]) -> Iterator[str]:
        """List the paths of the adopted promotions with which a stage's history begins."""
        first = records[0]
        last_number = 0
        used: set[str] = set()
        for record in records:
            origin = record.adopted
            if origin is None or record.gates or origin.tag in used:
                return
            if not self._names_stage(record, origin) or not self._landed_together(first, record):
                return
            tag = self.tags.get(origin.tag)
            if tag is None and not self.seen.may_lack_some():
                return
            if tag is not None and not self._is_origin(record, origin, tag):
                return
            number = _read_number(origin)
            if number < last_number:
                return
            used.add(origin.tag)
            last_number = number
            yield record.record_path

    def _names_stage(self, record: PromotionRecord, origin: AdoptedTag) -> bool:
        """Say whether a tag's name is of this stage and model, whatever prefix the model has."""
        name_match = GTO_TAG.fullmatch(origin.tag)
        if name_match is None or name_match["stage"] != record.stage:
            return False
        models = {record.model}
        version_tag = self._read_version_tag(record)
        if version_tag is not None:
            # A pattern may have read the model's name out of a longer one.
            models.add(version_tag.tag.rpartition("@v")[0])
        return name_match["model"] in models

    def _landed_together(self, first: PromotionRecord, record: PromotionRecord) -> bool:
        """Say whether one commit added both, or none that is known added either."""
        first_commits = self._list_commits(first)
        commits = self._list_commits(record)
        return first_commits == commits or bool(first_commits & commits)

    def _list_commits(self, record: PromotionRecord) -> set[str]:
        return {entry.commit for entry in self.history.additions.get(record.record_path, ())}

    def _is_origin(
        self, record: PromotionRecord, origin: AdoptedTag, origin_tag: AnnotatedTag
    ) -> bool:
        """Say whether a tag tells of the promotion what the record says of it."""
        tag, annotation = origin_tag.tag, origin_tag.annotation
        if tag.seals is not None or tag.object_id != origin.object:
            return False
        if (
            record.created != annotation.recorded_date
            or record.author != annotation.recorded_author
        ):
            return False
        return record.action == "rollback" or self._is_on_version(record, tag)

    def _is_on_version(self, record: PromotionRecord, tag: GitTag) -> bool:
        """Say whether a tag is on the commit of the version that the record names.

        A rollback is to another version than the one whose assignment was taken back.
        """
        version_tag = self._read_version_tag(record)
        if version_tag is not None:
            return tag.commit in (None, version_tag.commit)
        # It was registered here, and another tool's tag names it as well.
        for annotated in self.tags.values():
            other = annotated.tag
            if other.commit == tag.commit and other.seals is None and record.version in other.name:
                return True
        return False

    def _read_version_tag(self, record: PromotionRecord) -> AdoptedTag | None:
        """Read which tag the version was adopted from; None where it was registered."""
        with suppress(MlverError):  # named for what it is already
            version, _ = self.seen.project.registry.read_version(record.model, record.version)
            return version.adopted_tag
        return None


def _read_number(origin: AdoptedTag) -> int:
    """Read which of a model's tags of stages one is; 0 where they are not counted."""
    name_match = GTO_TAG.fullmatch(origin.tag)
    return int(name_match["count"] or 0) if name_match else 0
