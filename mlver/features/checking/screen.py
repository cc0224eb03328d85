"""What verify and doctor print."""

from __future__ import annotations

from collections import Counter

from mlver.features.checking.doctor import DoctorResult, Finding, FindingLevel
from mlver.features.checking.verify import VerifyResult
from mlver.terminal.links import draw_broken_links
from mlver.terminal.screen import Part, Style, TextScreen, measure_width
from mlver.terminal.words import format_count, format_size

_UNKEPT_SHOWN = 3


def draw_verify(result: VerifyResult, screen: TextScreen) -> None:
    looked = (
        f"{format_count(len(result.versions), 'version')}, {format_count(result.promotions, 'promotion')}, "
        f"{format_count(result.files, 'file')}, {format_size(result.bytes)}"
    )
    if not result.broken:
        screen.draw_line(("All is well", "good"), f"  {looked}")
        _draw_remarks(result, screen)
        if not result.everything:
            screen.draw_line(("  everything there is: mlver verify --all", "dim"))
        return
    screen.draw_line(
        (f"{format_count(len(result.broken), 'broken link')}", "bad"), f"  in {looked}"
    )
    draw_broken_links(result.broken, screen)
    _draw_remarks(result, screen)


def _draw_remarks(result: VerifyResult, screen: TextScreen) -> None:
    if result.unkept:
        more = (
            f" and {len(result.unkept) - _UNKEPT_SHOWN} more"
            if len(result.unkept) > _UNKEPT_SHOWN
            else ""
        )
        screen.draw_line(
            (
                f"  not checked, for mlver keeps no copy: {', '.join(result.unkept[:_UNKEPT_SHOWN])}{more}",
                "warn",
            )
        )
    signed = result.signatures
    if signed.good or signed.unknown:
        unsigned = f", {signed.unsigned} unsigned" if signed.unsigned else ""
        known = f", {signed.unknown} by a key that is not known here" if signed.unknown else ""
        screen.draw_line(
            (
                f"  signatures of tags: {signed.good} good{known}{unsigned}",
                "warn" if signed.unknown else "dim",
            )
        )
    if result.adopted:
        one = len(result.adopted) == 1
        them = (
            "was adopted: its tag is older than its record"
            if one
            else "were adopted: their tags are older than their records"
        )
        said = f"  {format_count(len(result.adopted), 'version')} {them}, which history vouches for"
        screen.draw_line((said, "dim"))
    if result.shallow:
        said = "  history is not whole here: a record that was edited or deleted before it begins cannot be told"
        screen.draw_line((said, "warn"))
        screen.draw_unbroken("    ", ("hint: ", "dim"), "git fetch --unshallow")


_SIGNS: dict[FindingLevel, tuple[str, Style]] = {
    "good": ("ok", "good"),
    "remark": ("note", "warn"),
    "wrong": ("wrong", "bad"),
}
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
            subject: Part = (
                finding.subject + " " * (subjects - measure_width(finding.subject)),
                "bold",
            )
            screen.draw_line(
                (said.ljust(signs), style),
                "  ",
                subject,
                "  ",
                finding.message,
                hang=signs + 4 + subjects,
            )
        elif told[kind] == kinds[kind]:
            more = f"and {kinds[kind] - _FINDINGS_SHOWN:,} more of {finding.subject} (--json lists all)"
            screen.draw_line((" " * (signs + 2) + more, "dim"))
        if _find_pending_hint(finding) and [
            _find_pending_hint(one) for one in result.findings[number + 1 : number + 2]
        ] != [_find_pending_hint(finding)]:
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
