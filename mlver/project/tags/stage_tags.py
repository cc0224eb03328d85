"""What GTO reads of a model's tags, and which of its stage tags tell what a record says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlver.errors import MlverError
from mlver.git.annotations import TagAnnotation, read_annotations
from mlver.git.git_tag import GitTag
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.records import gto_tags
from mlver.records.promotion import PromotionRecord
from mlver.records.tags import TagName, read_tag_name, version_tag_name


@dataclass(frozen=True, slots=True)
class GtoStageTag:
    """A tag that says something of a stage to GTO; `mirrors` is the seal of the promotion that it
    tells of, None for a tag that mlver did not make, whatever its message says. `late`: a tag
    before it tells of a later promotion.
    """

    name: str
    object_id: str
    count: int
    withdrawn: bool
    commit: str | None
    seconds: int
    mirrors: str | None
    late: bool = False

    @property
    def is_ours(self) -> bool:
        return self.mirrors is not None and not self.late


@dataclass(frozen=True, slots=True)
class ModelTags:
    """What GTO reads of one model: the commit of each version, by its tag; and the tags of each
    stage, in their order. `names` are all tags of the model, as GTO counts them.
    """

    model: str
    names: Sequence[str]
    versions: Mapping[str, str]
    stages: Mapping[str, Sequence[GtoStageTag]]

    def find_highest_count(self, taken: Sequence[str]) -> int:
        """The highest number behind a tag of the model, here or among those `taken`."""
        highest = 0
        for name in (*self.names, *taken):
            named = gto_tags.GTO_TAG.fullmatch(name)
            if named is not None and named["model"] == self.model:
                highest = max(highest, gto_tags.read_count(name))
        return highest

    def find_last_date(self, stage: str) -> int:
        return max((tag.seconds for tag in self.stages.get(stage, ())), default=-1)


def read_model_tags(project: Project, model: str) -> ModelTags:
    """Read what GTO knows of a model."""
    repository = project.repository
    tags = repository.tags(f"refs/tags/{model}@v*", f"refs/tags/{model}#*")
    annotations: Mapping[str, TagAnnotation] = {}
    if any("#" in name for name in tags):
        annotations = read_annotations(repository)
    versions: dict[str, str] = {}
    found: dict[str, re.Match[str]] = {}
    for name, tag in tags.items():
        named = gto_tags.GTO_TAG.fullmatch(name)
        # GTO passes over lightweight tags
        if named is None or tag.commit is None or not tag.annotated:
            continue
        if named["version"] and not named["cancel"]:
            versions[name] = tag.commit
        elif named["stage"]:
            found[name] = named
    stages: dict[str, list[GtoStageTag]] = {}
    for name, named in found.items():
        stage_tag = _read_stage_tag(tags[name], named, annotations[name].seconds)
        mirrored = _find_mirrored(project, tags[name], named, versions)
        stages.setdefault(named["stage"], []).append(replace(stage_tag, mirrors=mirrored))
    ordered: dict[str, Sequence[GtoStageTag]] = {}
    for stage, stage_tags in stages.items():
        stage_tags.sort(key=lambda tag: (tag.count, tag.withdrawn))
        ordered[stage] = _mark_late(stage_tags)
    return ModelTags(model, list(tags), versions, ordered)


def _read_stage_tag(tag: GitTag, named: re.Match[str], seconds: int) -> GtoStageTag:
    return GtoStageTag(
        name=tag.name,
        object_id=tag.object_id,
        count=gto_tags.read_count(tag.name),
        withdrawn=bool(named["cancel"]),
        commit=tag.commit,
        seconds=seconds,
        mirrors=None,
    )


# -- which of them mlver made ----------------------------------------------------------------------


def _find_mirrored(
    project: Project, tag: GitTag, named: re.Match[str], versions: Mapping[str, str]
) -> str | None:
    """The seal of the promotion that a tag tells of, where the record says what the tag does.

    Anybody can write the name of a promotion into a message.
    """
    claimed = gto_tags.read_mirrored(tag.message)
    seal = read_tag_name(claimed) if claimed is not None else None
    if claimed is None or seal is None or not named["count"]:
        return None
    if (seal.model, seal.stage) != (named["model"], named["stage"]):
        return None
    record = _read_sealed(project, claimed, seal)
    # GTO knows an adopted promotion by the tag that it was adopted from
    if record is None or record.adopted is not None:
        return None
    empties = record.action == "retire"
    # an emptied stage is taken from every version that GTO has in it
    given = versions.values() if empties else (versions.get(_name_version(record)),)
    if empties != bool(named["cancel"]) or tag.commit not in given:
        return None
    return claimed


def _name_version(record: PromotionRecord) -> str:
    return version_tag_name(record.model, record.version)


def _read_sealed(project: Project, name: str, seal: TagName) -> PromotionRecord | None:
    """Read a promotion from the records, or from its seal's commit: another branch may have it."""
    try:
        return _read_record(project.registry, seal)
    except MlverError:
        tag = project.repository.tags(f"refs/tags/{name}").get(name)
    if tag is None or tag.commit is None:
        return None
    try:
        records = CommittedRecords.at_commit(project.repository, tag.commit)
        return _read_record(RecordRegistry(records), seal)
    except MlverError:
        return None


def _read_record(registry: RecordRegistry, seal: TagName) -> PromotionRecord:
    record, _ = registry.read_promotion(seal.model, seal.stage or "", seal.sequence or 0)
    return record


def _mark_late(stage_tags: Sequence[GtoStageTag]) -> list[GtoStageTag]:
    """Mark what tells of a promotion after a later one was told: that moves the stage back."""
    latest = 0
    marked: list[GtoStageTag] = []
    for tag in stage_tags:
        seal = read_tag_name(tag.mirrors) if tag.mirrors is not None else None
        sequence = seal.sequence or 0 if seal is not None else latest
        marked.append(replace(tag, late=sequence < latest))
        latest = max(latest, sequence)
    return marked
