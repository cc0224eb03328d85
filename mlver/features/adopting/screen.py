"""What `mlver adopt` prints."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.features.adopting.adopt import AdoptResult
from mlver.findings import Finding
from mlver.terminal.links import draw_hints
from mlver.terminal.screen import Cell, TextScreen
from mlver.terminal.words import format_count, format_size, shorten_digest

_SHOWN = 20


def draw_adopt(result: AdoptResult, screen: TextScreen) -> None:
    if not (result.versions or result.stages or result.left or result.skipped):
        reason = "no tag here names a version"
        if result.known:
            reason = _describe_known_versions(result)
        screen.draw_line("nothing to adopt: ", reason)
        return
    if result.versions or result.stages:
        verb = "Would adopt" if result.dry_run else "Adopted"
        screen.draw_line((verb, "bold"), f" {format_count(len(result.versions), 'version')}")
        _draw_adopted_versions(result, screen)
        for adopted_stage in result.stages:
            holder_names = " → ".join(map(_name_holder, adopted_stage.holders))
            screen.draw_line(
                "  ",
                (adopted_stage.stage, "good"),
                f" of {adopted_stage.model}: {holder_names}",
                hang=4,
            )
    _draw_tags("Left", result.left, screen)
    _draw_tags("Skipped", result.skipped, screen)
    if result.known:
        screen.draw_line((_describe_known_versions(result), "dim"))
    _draw_next_step(result, screen)


def _draw_tags(word: str, findings: Sequence[Finding], screen: TextScreen) -> None:
    for finding in findings[:_SHOWN]:
        screen.draw_line(
            (word, "bad"), " ", (finding.subject, "bold"), f"  {finding.message}", hang=2
        )
        draw_hints(finding.hints, screen, indent=2)
    if len(findings) > _SHOWN:
        screen.draw_line(f"and {len(findings) - _SHOWN:,} more: mlver adopt --json names them all")


def _name_holder(holder: str | None) -> str:
    return holder or "(empty)"


def _describe_known_versions(result: AdoptResult) -> str:
    has = "has its record" if result.known == 1 else "have their records"
    return f"{format_count(result.known, 'version')} {has} already"


def _draw_adopted_versions(result: AdoptResult, screen: TextScreen) -> None:
    table_rows: list[list[Cell]] = []
    for version in result.versions[:_SHOWN]:
        # a tag that has the version's own name needs no mention
        origin = f"from {version.tag}" if version.seal else ""
        table_rows.append(
            [
                (f"{version.model} {version.version}", "name"),
                version.weights,
                format_count(version.files, "file"),
                format_size(version.size),
                (shorten_digest(version.digest), "dim"),
                (f"kept by {version.holder}", "dim"),
                (origin, "dim"),
            ]
        )
    screen.draw_table(table_rows, right=(2, 3), indent=2, fold=1)
    if len(result.versions) > _SHOWN:
        screen.draw_line(f"  and {len(result.versions) - _SHOWN:,} more")


def _draw_next_step(result: AdoptResult, screen: TextScreen) -> None:
    if result.dry_run:
        screen.draw_line(("nothing was written", "dim"))
        return
    if result.commit is None:
        return
    # `git push` sends no tags: those that were made need a command of their own.
    seal_names = [version.seal for version in result.versions if version.seal]
    for adopted_stage in result.stages:
        seal_names += adopted_stage.seals
    tags_made, command = "", "git push"
    if seal_names:
        tags_made = f", {format_count(len(seal_names), 'new tag')}"
        command = "git push, and mlver tag --push"
    screen.draw_line("  ", (f"commit {result.commit[:10]}{tags_made}; no tag was moved", "dim"))
    _draw_truth(result, screen)
    screen.draw_next(command)


def _draw_truth(result: AdoptResult, screen: TextScreen) -> None:
    """Say what decides from now on, and what the adopted stages do not ask for."""
    if not result.stages:
        return
    screen.draw_line("  the records decide from now on; the tags of the other tool do not")
    for stage in result.ungated:
        screen.draw_line(f"  {stage} moves without a look at the bytes (verified: false)")
        draw_hints([f"mlver config set stages.{stage}.verified true"], screen, indent=2)
    if not result.mirrored:
        screen.draw_line("  gto show will not see what mlver promotes, unless it makes GTO's tags")
        draw_hints(["mlver config set tags.mirror gto"], screen, indent=2)
