"""What verify and doctor print."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mlver.features.checking.diagnosis import Diagnosis, DiagnosisLevel
from mlver.features.checking.doctor import DoctorResult
from mlver.features.checking.verified_seals import SignatureCounts
from mlver.features.checking.verify import VerifyResult
from mlver.terminal.links import draw_findings, draw_hints
from mlver.terminal.screen import Part, Style, TextScreen
from mlver.terminal.words import format_count, format_size, shorten_digests

_UNKEPT_SHOWN = 3


def draw_verify(result: VerifyResult, screen: TextScreen) -> None:
    looked = _describe_looked(result)
    if result.exit_code and not result.broken:
        count = format_count(len(result.unconfirmed), "unconfirmed promotion")
        screen.draw_line((count, "bad"), f"  in {looked}")
        _draw_remarks(result, screen)
        return
    if not result.broken:
        heading: Part = ("All is well", "good")
        if any(note.kind == "object" for note in result.notes):
            heading = ("No damage", "warn")
        screen.draw_line(heading, f"  {looked}")
        _draw_remarks(result, screen)
        if not result.everything:
            screen.draw_line(("  everything there is: mlver verify --all", "dim"))
        return
    screen.draw_line(
        (f"{format_count(len(result.broken), 'broken link')}", "bad"), f"  in {looked}"
    )
    draw_findings(result.broken, screen)
    _draw_remarks(result, screen)


def _describe_looked(result: VerifyResult) -> str:
    """What was looked at: notes and retirements where there are any."""
    counts = [
        format_count(len(result.versions), "version"),
        format_count(result.promotions, "promotion"),
    ]
    if result.noted:
        counts.append(format_count(result.noted, "note"))
    if result.retirements:
        counts.append(format_count(result.retirements, "retirement"))
    counts.append(format_count(result.files, "file"))
    if result.remote_objects:
        count = format_count(result.remote_objects, "remote object")
        counts.append(count)
    counts.append(format_size(result.bytes))
    return ", ".join(counts)


def _draw_remarks(result: VerifyResult, screen: TextScreen) -> None:
    draw_findings(result.notes, screen, "warn")
    draw_findings(result.unconfirmed, screen, "warn")
    if result.unkept:
        shown = ", ".join(result.unkept[:_UNKEPT_SHOWN])
        hidden = len(result.unkept) - _UNKEPT_SHOWN
        more_words = f" and {hidden:,} more" if hidden > 0 else ""
        message = f"  not checked, for mlver keeps no copy: {shown}{more_words}"
        screen.draw_line((message, "warn"))
    if result.before_seals:
        older = format_count(result.before_seals, "promotion")
        screen.draw_line((f"  before seals: {older}, which no tag seals", "dim"))
    _draw_signatures(result.signatures, screen)
    if result.adopted:
        count = len(result.adopted)
        state = "were adopted: their tags are older than their records"
        if count == 1:
            state = "was adopted: its tag is older than its record"
        message = f"  {format_count(count, 'version')} {state}, which history vouches for"
        screen.draw_line((message, "dim"))
    if result.shallow:
        message = (
            "  history is not whole here: a record that was edited or deleted before it begins "
            "cannot be told"
        )
        screen.draw_line((message, "warn"))
        screen.draw_unbroken("    ", ("hint: ", "dim"), "git fetch --unshallow")


def _draw_signatures(signatures: SignatureCounts, screen: TextScreen) -> None:
    """Draw how many tags are signed, where any is."""
    if not signatures.good and not signatures.unknown:
        return
    message = f"  signatures of tags: {signatures.good} good"
    if signatures.unknown:
        message += f", {signatures.unknown} by a key that is not known here"
    if signatures.unsigned:
        message += f", {signatures.unsigned} unsigned"
    screen.draw_line((message, "warn" if signatures.unknown else "dim"))


_SIGNS: dict[DiagnosisLevel, tuple[str, Style]] = {
    "remark": ("note", "warn"),
    "wrong": ("wrong", "bad"),
}
_ALIKE_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _CheckLine:
    """What one line of doctor says; `hints` are what is still to be typed about it."""

    sign: str
    style: Style
    subject: str
    message: str
    hints: tuple[str, ...] = ()

    @property
    def group(self) -> tuple[str, str, tuple[str, ...]]:
        """What lines have in common that need not all be shown."""
        return self.sign, self.subject, self.hints


def draw_doctor(result: DoctorResult, screen: TextScreen) -> None:
    lines = [_CheckLine("ok", "good", check.subject, check.message) for check in result.passed]
    lines += [_describe_diagnosis(diagnosis, result) for diagnosis in result.diagnoses]
    sign_width = max((len(line.sign) for line in lines), default=0)
    subject_width = max((screen.measure_width(line.subject) for line in lines), default=0)
    group_sizes = Counter(line.group for line in lines)
    seen: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
    for number, line in enumerate(lines, start=1):
        seen[line.group] += 1
        hidden = group_sizes[line.group] - _ALIKE_SHOWN
        if seen[line.group] <= _ALIKE_SHOWN:
            _draw_check_line(line, screen, sign_width, subject_width)
        elif seen[line.group] == group_sizes[line.group]:
            more_words = f"and {hidden:,} more of {line.subject} (--json lists all)"
            screen.draw_line((" " * (sign_width + 2) + more_words, "dim"))
        # neighbours that share their hints show them once, after the last
        next_hints = lines[number].hints if number < len(lines) else ()
        if line.hints != next_hints:
            draw_hints(line.hints, screen, indent=sign_width + 2)


def _draw_check_line(
    line: _CheckLine, screen: TextScreen, sign_width: int, subject_width: int
) -> None:
    shown_sign = (line.sign.ljust(sign_width), line.style)
    padding = " " * (subject_width - screen.measure_width(line.subject))
    subject: Part = (line.subject + padding, "bold")
    screen.draw_line(
        *(shown_sign, "  ", subject, "  ", shorten_digests(line.message)),
        hang=sign_width + 4 + subject_width,
    )


def _describe_diagnosis(diagnosis: Diagnosis, result: DoctorResult) -> _CheckLine:
    finding = diagnosis.finding
    if diagnosis.fixed:
        return _CheckLine("fixed", "good", finding.subject, finding.message)
    shown_sign, style = _SIGNS[diagnosis.level]
    if result.dry_run and diagnosis.fixable:
        shown_sign, style = "would fix", "warn"
    return _CheckLine(shown_sign, style, finding.subject, finding.message, finding.hints)
