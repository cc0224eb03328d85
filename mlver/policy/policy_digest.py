"""The policy of a stage: what judges a promotion to it, and the digest that names it in a record.

The digest is the SHA-256 of the policy's canonical JSON. What judges another stage has no part in
it, nor has a description, so that an edit that judges nothing here changes nothing here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlver.digest import Digest
from mlver.policy.gates.table import ALWAYS, join_settings
from mlver.policy.named_settings import find_named
from mlver.policy.stage_policy import StagePolicy
from mlver.records.config import ProjectConfig
from mlver.records.sections.stages import StageSettings
from mlver.records.values import Document, Value


def build_policy(config: ProjectConfig, stage: str) -> StagePolicy | None:
    """Build the policy of a stage from the settings; None where they have no such stage."""
    settings = resolve_rule(config, stage)
    if settings is None:
        return None
    rule = drop_unasked({**settings.gates, **ALWAYS})
    return StagePolicy(
        rule=rule,
        tags=drop_unasked({"signed": config.tags.signed}),
        datasets=_list_pins(config, rule),
        groups=_expand_groups(config, rule),
        policy=drop_unasked(config.policy.to_document()),
        # Whole, as a threshold of 0 asks for most.
        drift=config.insight.drift.to_document() if rule.get("drift") else {},
        verdict=config.verdict.to_document() if rule.get("verdict") else {},
    )


def _list_pins(config: ProjectConfig, rule: Mapping[str, Value]) -> dict[str, Value]:
    """The digests of the data sets that a rule names; one that nobody pinned is left out.

    Where they lie judges nothing.
    """
    pins: dict[str, Value] = {}
    for name in sorted(find_named(rule, "on")):
        if name in config.datasets:
            pins[name] = str(config.datasets[name].digest)
    return pins


def _expand_groups(config: ProjectConfig, rule: Mapping[str, Value]) -> dict[str, Value]:
    """The members of the groups that a rule names."""
    groups: dict[str, Value] = {}
    for name in sorted(find_named(rule, "from")):
        if name in config.groups:
            groups[name] = sorted(set(config.groups[name]))
    return groups


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
    """Sort what is listed, each once: its order asks for nothing.

    A map that is asked for is sorted inside, and its keys are as they are.
    """
    if isinstance(setting, Mapping):
        return {key: _sort_names(inner) for key, inner in setting.items()}
    if not isinstance(setting, Sequence) or isinstance(setting, str):
        return setting
    names = [entry for entry in setting if isinstance(entry, str)]
    if len(names) == len(setting):
        return sorted(set(names))
    entries = {_encode_value(entry): entry for entry in setting}
    return [entries[encoded] for encoded in sorted(entries)]


def digest_policy(policy: StagePolicy) -> Digest:
    """Digest a policy: the SHA-256 of its canonical JSON."""
    return Digest.of_bytes(encode_canonical(policy.document))


def encode_canonical(document: Document) -> bytes:
    """Encode a document as canonical JSON.

    That is UTF-8 with nothing escaped that JSON does not ask to escape, keys sorted by code points,
    and neither spaces nor a newline at the end.
    """
    return _encode_value(document)


def _encode_value(value: Value) -> bytes:
    text = json.dumps(
        value, allow_nan=False, ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )
    return text.encode()
