"""A repository's settings by section, `.mlver/config.yaml` (`schemas/config.schema.json`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

from mlver.records.sections.datasets import DatasetPin, read_datasets, write_datasets
from mlver.records.sections.encrypt import EncryptSettings
from mlver.records.sections.groups import read_groups, write_groups
from mlver.records.sections.guard import GuardSettings
from mlver.records.sections.insight import InsightSettings
from mlver.records.sections.policy import PolicySettings
from mlver.records.sections.remotes import RemoteSettings, read_remotes, write_remotes
from mlver.records.sections.retention import RetentionSettings
from mlver.records.sections.stages import StageSettings, read_stages, write_stages
from mlver.records.sections.tags import TagSettings
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.values import Document

if TYPE_CHECKING:
    from mlver.records.sections.auto_rollback import AutoRollbackSettings
    from mlver.records.sections.deploy import TargetSettings
    from mlver.records.sections.due import DueSettings


def describe_section(
    read: Callable[[Mapping[str, Any]], Any], write: Callable[[Any], Document]
) -> Mapping[str, Any]:
    """What makes a field of `ProjectConfig` a section: how it is read and written."""
    return {"read": read, "write": write}


# The modules of sections that few repositories have are imported where such a section is there:
# `list` need not pay for them.


def _read_deploy(document: Mapping[str, Any]) -> Mapping[str, TargetSettings]:
    if not document:
        return {}
    from mlver.records.sections.deploy import read_targets

    return read_targets(document)


def _write_deploy(targets: Mapping[str, TargetSettings]) -> Document:
    from mlver.records.sections.deploy import write_targets

    return write_targets(targets)


def _read_due(document: Mapping[str, Any]) -> Mapping[str, DueSettings]:
    if not document:
        return {}
    from mlver.records.sections.due import read_due

    return read_due(document)


def _write_due(models: Mapping[str, DueSettings]) -> Document:
    from mlver.records.sections.due import write_due

    return write_due(models)


def _read_auto_rollback(
    document: Mapping[str, Any] | Sequence[str],
) -> Mapping[str, AutoRollbackSettings]:
    if not document:
        return {}
    from mlver.records.sections.auto_rollback import read_auto_rollback

    return read_auto_rollback(document)


def _write_auto_rollback(models: Mapping[str, AutoRollbackSettings]) -> Document:
    from mlver.records.sections.auto_rollback import write_auto_rollback

    return write_auto_rollback(models)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """The sections, a field each. `unknown_sections` names those that this mlver does not know.

    A newer mlver may have written them, and they may forbid what this one would do.
    """

    schema: ClassVar[str] = "mlver/config/1"

    stages: Mapping[str, StageSettings] = field(
        default_factory=dict, metadata=describe_section(read_stages, write_stages)
    )
    tags: TagSettings = field(
        default_factory=TagSettings,
        metadata=describe_section(TagSettings.from_document, TagSettings.to_document),
    )
    guard: GuardSettings = field(
        default_factory=GuardSettings,
        metadata=describe_section(GuardSettings.from_document, GuardSettings.to_document),
    )
    remotes: Mapping[str, RemoteSettings] = field(
        default_factory=dict, metadata=describe_section(read_remotes, write_remotes)
    )
    retention: RetentionSettings = field(
        default_factory=RetentionSettings,
        metadata=describe_section(RetentionSettings.from_document, RetentionSettings.to_document),
    )
    datasets: Mapping[str, DatasetPin] = field(
        default_factory=dict, metadata=describe_section(read_datasets, write_datasets)
    )
    groups: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict, metadata=describe_section(read_groups, write_groups)
    )
    policy: PolicySettings = field(
        default_factory=PolicySettings,
        metadata=describe_section(PolicySettings.from_document, PolicySettings.to_document),
    )
    encrypt: EncryptSettings = field(
        default_factory=EncryptSettings,
        metadata=describe_section(EncryptSettings.from_document, EncryptSettings.to_document),
    )
    insight: InsightSettings = field(
        default_factory=InsightSettings,
        metadata=describe_section(InsightSettings.from_document, InsightSettings.to_document),
    )
    verdict: VerdictSettings = field(
        default_factory=VerdictSettings,
        metadata=describe_section(VerdictSettings.from_document, VerdictSettings.to_document),
    )
    deploy: Mapping[str, TargetSettings] = field(
        default_factory=dict, metadata=describe_section(_read_deploy, _write_deploy)
    )
    due: Mapping[str, DueSettings] = field(
        default_factory=dict, metadata=describe_section(_read_due, _write_due)
    )
    auto_rollback: Mapping[str, AutoRollbackSettings] = field(
        default_factory=dict, metadata=describe_section(_read_auto_rollback, _write_auto_rollback)
    )
    unknown_sections: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ProjectConfig:
        sections = {}
        for section in list_sections():
            sections[section.name] = section.metadata["read"](document.get(section.name, {}))
        unknown = document.keys() - sections.keys() - {"schema"}
        return cls(**sections, unknown_sections=tuple(sorted(unknown)))

    def to_document(self) -> Document:
        """Its document; a section in which everything is as by default is left out."""
        document: Document = {"schema": self.schema}
        for section in list_sections():
            settings = getattr(self, section.name)
            if settings != section.metadata["read"]({}):
                document[section.name] = section.metadata["write"](settings)
        return document


def list_sections() -> Iterator[Field[Any]]:
    """The sections that this mlver knows, in the order they are written."""
    return (section for section in fields(ProjectConfig) if section.metadata)
