"""Which move of a stage a finding is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mlver.findings import Finding
from mlver.records import layout
from mlver.records.layout import PromotionPath
from mlver.records.tags import read_tag_name

# How `judge_tag` names a promotion: model, stage and number.
_NAMED = re.compile(r"(\S+) (\S+) ([0-9]{4,9})")
# How the chain names one: its path without the ending.
_NUMBERED = re.compile(r"/[0-9]{4,9}")


def sort_findings(findings: Iterable[Finding]) -> tuple[dict[str, list[Finding]], list[Finding]]:
    """Sort findings by the path of the promotion that each is about; the rest are about none."""
    by_path: dict[str, list[Finding]] = {}
    rest: list[Finding] = []
    for finding in findings:
        path = find_promotion(finding.subject)
        if path is None:
            rest.append(finding)
        elif finding not in by_path.setdefault(path, []):
            by_path[path].append(finding)
    return by_path, rest


def find_promotion(subject: str) -> str | None:
    """Find the path of the promotion that the subject of a finding names; None for another one."""
    named = _NAMED.fullmatch(subject)
    if named is not None:
        return _check_path(f"{layout.stage_folder(named[1], named[2])}/{named[3]}.yaml")
    tag = read_tag_name(subject)
    if tag is not None:
        return _check_path(layout.record_path(tag))
    if _NUMBERED.search(subject) and not subject.endswith(".yaml"):
        return _check_path(f"{subject}.yaml")
    return _check_path(subject)


def _check_path(path: str) -> str | None:
    return path if isinstance(layout.parse_path(path), PromotionPath) else None


def select_findings(
    by_path: Mapping[str, list[Finding]], paths: Iterable[str]
) -> tuple[Finding, ...]:
    """Select the findings about the promotions at these paths, in this order."""
    selected: list[Finding] = []
    for path in paths:
        selected += by_path.get(path, ())
    return tuple(dict.fromkeys(selected))
