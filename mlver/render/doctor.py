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
    for number, finding in enumerate(result.findings):
        kind = _kind(finding, result)
        told[kind] += 1
        if told[kind] <= _SHOWN:
            said, style = _sign(finding, result)
            subject: Part = (finding.subject + " " * (subjects - cells(finding.subject)), "bold")
            screen.line((said.ljust(signs), style), "  ", subject, "  ", finding.message, hang=signs + 4 + subjects)
        elif told[kind] == kinds[kind]:
            more = f"and {kinds[kind] - _SHOWN:,} more of {finding.subject} (--json lists all)"
            screen.line((" " * (signs + 2) + more, "dim"))
        if _hint(finding) and [_hint(one) for one in result.findings[number + 1 : number + 2]] != [_hint(finding)]:
            screen.unbroken(" " * (signs + 2), ("hint: ", "dim"), finding.hint or "")


def _hint(finding: Finding) -> str | None:
    """What to type; neighbours that say the same say it once, after the last."""
    return finding.hint if finding.level != "good" and not finding.fixed else None


def _kind(finding: Finding, result: DoctorResult) -> _Kind:
    """What findings have in common that need not all be shown: what is wrong with it, and what to type."""
    return _sign(finding, result)[0], finding.subject, finding.hint


def _sign(finding: Finding, result: DoctorResult) -> tuple[str, Style]:
    if finding.fixed:
        return "fixed", "good"
    return ("would fix", "warn") if result.dry_run and finding.fixable else _SIGNS[finding.level]
