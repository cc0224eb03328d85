from __future__ import annotations

from collections import Counter

from mlver.commands.doctor import DoctorResult, Finding, Level
from mlver.render.screen import Part, TextScreen, Style, measure_width

_SIGNS: dict[Level, tuple[str, Style]] = {"good": ("ok", "good"), "remark": ("note", "warn"), "wrong": ("wrong", "bad")}
_FINDINGS_SHOWN = 5
_FindingGroup = tuple[str, str, str | None]


def draw_doctor(result: DoctorResult, screen: TextScreen) -> None:
    subjects = max((measure_width(finding.subject) for finding in result.findings), default=0)
    signs = max((len(_choose_sign(finding, result)[0]) for finding in result.findings), default=0)
    kinds = Counter(_find_group(finding, result) for finding in result.findings)
    told: Counter[_FindingGroup] = Counter()
    for number, finding in enumerate(result.findings):
        kind = _find_group(finding, result)
        told[kind] += 1
        if told[kind] <= _FINDINGS_SHOWN:
            said, style = _choose_sign(finding, result)
            subject: Part = (finding.subject + " " * (subjects - measure_width(finding.subject)), "bold")
            screen.draw_line((said.ljust(signs), style), "  ", subject, "  ", finding.message, hang=signs + 4 + subjects)
        elif told[kind] == kinds[kind]:
            more = f"and {kinds[kind] - _FINDINGS_SHOWN:,} more of {finding.subject} (--json lists all)"
            screen.draw_line((" " * (signs + 2) + more, "dim"))
        if _find_pending_hint(finding) and [_find_pending_hint(one) for one in result.findings[number + 1 : number + 2]] != [_find_pending_hint(finding)]:
            screen.draw_unbroken(" " * (signs + 2), ("hint: ", "dim"), finding.hint or "")


def _find_pending_hint(finding: Finding) -> str | None:
    """What to type; neighbours that say the same say it once, after the last."""
    return finding.hint if finding.level != "good" and not finding.fixed else None


def _find_group(finding: Finding, result: DoctorResult) -> _FindingGroup:
    """What findings have in common that need not all be shown: what is wrong with it, and what to type."""
    return _choose_sign(finding, result)[0], finding.subject, finding.hint


def _choose_sign(finding: Finding, result: DoctorResult) -> tuple[str, Style]:
    if finding.fixed:
        return "fixed", "good"
    return ("would fix", "warn") if result.dry_run and finding.fixable else _SIGNS[finding.level]
