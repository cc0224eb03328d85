from __future__ import annotations

from collections import Counter

from mlver.commands.doctor import DoctorResult, Finding, Level
from mlver.render.screen import Part, Screen, Style, cells

_SIGNS: dict[Level, tuple[str, Style]] = {"good": ("ok", "good"), "remark": ("note", "warn"), "wrong": ("wrong", "bad")}
_SHOWN = 5
_Kind = tuple[str, str, str | None]


def text(result: DoctorResult, screen: Screen) -> None:
    subjects = max((cells(finding.subject) for finding in result.findings), default=0)
    signs = max((len(_sign(finding, result)[0]) for finding in result.findings), default=0)
    kinds = Counter(_kind(finding, result) for finding in result.findings)
    told: Counter[_Kind] = Counter()
    for finding in result.findings:
        kind = _kind(finding, result)
        told[kind] += 1
        if told[kind] > _SHOWN:
            if told[kind] == kinds[kind]:
                more = f"and {kinds[kind] - _SHOWN:,} more of {finding.subject} (--json lists all)"
                screen.line((" " * (signs + 2) + more, "dim"))
            continue
        said, style = _sign(finding, result)
        subject: Part = (finding.subject + " " * (subjects - cells(finding.subject)), "bold")
        screen.line((said.ljust(signs), style), "  ", subject, "  ", finding.message, hang=signs + 4 + subjects)
        if finding.hint and finding.level != "good" and not finding.fixed:
            screen.unbroken(" " * (signs + 2), ("hint: ", "dim"), finding.hint)


def _kind(finding: Finding, result: DoctorResult) -> _Kind:
    """What findings have in common that need not all be shown: what is wrong with it, and what to type."""
    return _sign(finding, result)[0], finding.subject, finding.hint


def _sign(finding: Finding, result: DoctorResult) -> tuple[str, Style]:
    if finding.fixed:
        return "fixed", "good"
    return ("would fix", "warn") if result.dry_run and finding.fixable else _SIGNS[finding.level]
