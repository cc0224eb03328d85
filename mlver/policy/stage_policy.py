"""What judges a stage: its rule, and what the settings say of whatever the rule names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlver.records.values import Document, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePolicy:
    """What judges one stage, in its canonical form.

    `rule` is what the stage asks for, `tags` what seals have to be. `datasets`, `groups` and
    `policy` are what those sections of the settings say of what the rule names: the pins of its
    data sets, the members of its groups, and whose settings judge. `drift` are the thresholds of a
    rule that asks for drift, and `verdict` what verdicts are decided by where it asks for one.
    """

    rule: Mapping[str, Value]
    tags: Mapping[str, Value] = field(default_factory=dict)
    datasets: Mapping[str, Value] = field(default_factory=dict)
    groups: Mapping[str, Value] = field(default_factory=dict)
    policy: Mapping[str, Value] = field(default_factory=dict)
    drift: Mapping[str, Value] = field(default_factory=dict)
    verdict: Mapping[str, Value] = field(default_factory=dict)

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
            "drift": self.drift,
            "verdict": self.verdict,
        }
        document: Document = {}
        for name, section in sections.items():
            if section:
                document[name] = section
        return document
