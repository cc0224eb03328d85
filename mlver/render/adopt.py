from __future__ import annotations

from mlver.commands.adopt import AdoptResult
from mlver.render.screen import Cell, Screen
from mlver.render.words import count, short, size

_SHOWN = 20


def text(result: AdoptResult, screen: Screen) -> None:
    if not (result.versions or result.stages or result.left):
        screen.line("nothing to adopt: ", _known(result) if result.known else "no tag here tells of a version")
        return
    if result.versions or result.stages:
        verb = "Would adopt" if result.dry_run else "Adopted"
        screen.line((verb, "bold"), f" {count(len(result.versions), 'version')}")
        _versions(result, screen)
        for stage in result.stages:
            held = " → ".join(holder or "(empty)" for holder in stage.holders)
            screen.line("  ", (stage.stage, "good"), f" of {stage.model}: {held}", hang=4)
    for left in result.left[:_SHOWN]:
        screen.line(("Left", "bad"), " ", (left.subject, "bold"), f"  {left.message}", hang=2)
        if left.hint:
            screen.unbroken("  ", ("hint: ", "dim"), left.hint)
    if len(result.left) > _SHOWN:
        screen.line(f"and {len(result.left) - _SHOWN} more: mlver adopt --json names them all")
    if result.known:
        screen.line((_known(result), "dim"))
    _next(result, screen)


def _known(result: AdoptResult) -> str:
    has = "has its record" if result.known == 1 else "have their records"
    return f"{count(result.known, 'version')} {has} already"


def _versions(result: AdoptResult, screen: Screen) -> None:
    rows: list[list[Cell]] = [
        [
            (f"{one.model} {one.version}", "name"),
            one.weights,
            count(one.files, "file"),
            size(one.size),
            (short(one.digest), "dim"),
            (f"kept by {one.holder}", "dim"),
            (f"from {one.tag}" if one.seal else "", "dim"),
        ]
        for one in result.versions
    ]
    screen.table(rows, right=(2, 3), indent=2, fold=1)


def _next(result: AdoptResult, screen: Screen) -> None:
    if result.dry_run:
        screen.line(("nothing was written", "dim"))
        return
    if result.commit is None:
        return
    seals = [one.seal for one in result.versions if one.seal]
    made = f", {count(len(seals), 'new tag')}" if seals else ""
    screen.line("  ", (f"commit {result.commit[:10]}{made}; no tag was moved", "dim"))
    screen.unbroken(("next: ", "dim"), "git push, and mlver tag --push" if seals else "git push")
