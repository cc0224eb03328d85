"""The policy of a stage: what judges a promotion to it, and the digest that names it in a record.

The digest is the SHA-256 of the policy's canonical JSON. What judges another stage has no part in
it, nor has a description, so that an edit that judges nothing here changes nothing here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlver.digest import Digest
from mlver.policy.gates.table import ALWAYS, join_settings
from mlver.records.config import ProjectConfig
from mlver.records.sections.stages import StageSettings
from mlver.records.values import Document, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePolicy:
    """What judges one stage, in its canonical form.

    `rule` is what the stage asks for, `tags` what seals have to be. `datasets`, `groups` and
    `policy` are what those sections of the settings say of what the rule names: the pins of its
    data sets, the members of its groups, and how approvals count.
    """

    rule: Mapping[str, Value]
    tags: Mapping[str, Value] = field(default_factory=dict)
    datasets: Mapping[str, Value] = field(default_factory=dict)
    groups: Mapping[str, Value] = field(default_factory=dict)
    policy: Mapping[str, Value] = field(default_factory=dict)

    @property
    def document(self) -> Document:
        """The policy as a document; a section that asks for nothing is left out.

        So a section or a gate that a later mlver adds leaves the digests of older records as they
        are.
        """
        sections = {
            "rule": self.rule,
            "tags": self.tags,
            "datasets": self.datasets,
            "groups": self.groups,
            "policy": self.policy,
        }
        document: Document = {}
        for name, section in sections.items():
            if section:
                document[name] = section
        return document


def build_policy(config: ProjectConfig, stage: str) -> StagePolicy | None:
    """Build the policy of a stage from the settings; None where they have no such stage."""
    settings = resolve_rule(config, stage)
    if settings is None:
        return None
    tags = drop_unasked({"signed": config.tags.signed})
    return StagePolicy(rule=drop_unasked({**settings.gates, **ALWAYS}), tags=tags)


def resolve_rule(config: ProjectConfig, stage: str) -> StageSettings | None:
    """Find what judges a stage, with what the settings ask of every stage; None without a stage.

    Where there are remotes, every stage asks for `recoverable`, unless it says that it does not.
    """
    settings = config.stages.get(stage)
    if settings is None:
        return None
    asked = join_settings(settings)
    if config.remotes:
        asked.setdefault("recoverable", True)
    return replace(settings, gates=asked)


def drop_unasked(settings: Mapping[str, Value]) -> dict[str, Value]:
    """Keep the settings that ask for something: none is false, zero or empty.

    The rest is the same for every way to write it.
    """
    asked: dict[str, Value] = {}
    for name, setting in settings.items():
        if setting:
            asked[name] = _sort_names(setting)
    return asked


def _sort_names(setting: Value) -> Value:
    """Sort a list of names, each once: their order asks for nothing."""
    if not isinstance(setting, Sequence) or isinstance(setting, str):
        return setting
    names: set[str] = set()
    for entry in setting:
        if not isinstance(entry, str):
            return setting
        names.add(entry)
    return sorted(names)


def digest_policy(policy: StagePolicy) -> Digest:
    """Digest a policy: the SHA-256 of its canonical JSON."""
    return Digest.of_bytes(encode_canonical(policy.document))


def encode_canonical(document: Document) -> bytes:
    """Encode a document as canonical JSON.

    That is UTF-8 with nothing escaped that JSON does not ask to escape, keys sorted by code points,
    and neither spaces nor a newline at the end.
    """
    text = json.dumps(
        document, allow_nan=False, ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )
    return text.encode()
