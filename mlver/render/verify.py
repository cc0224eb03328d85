from __future__ import annotations

from mlver.commands.verify import VerifyResult
from mlver.render.links import draw_broken_links
from mlver.render.screen import TextScreen
from mlver.render.words import format_count, format_size

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
    screen.draw_line((f"{format_count(len(result.broken), 'broken link')}", "bad"), f"  in {looked}")
    draw_broken_links(result.broken, screen)
    _draw_remarks(result, screen)


def _draw_remarks(result: VerifyResult, screen: TextScreen) -> None:
    if result.unkept:
        more = f" and {len(result.unkept) - _UNKEPT_SHOWN} more" if len(result.unkept) > _UNKEPT_SHOWN else ""
        screen.draw_line((f"  not checked, for mlver keeps no copy: {', '.join(result.unkept[:_UNKEPT_SHOWN])}{more}", "warn"))
    signed = result.signatures
    if signed.good or signed.unknown:
        unsigned = f", {signed.unsigned} unsigned" if signed.unsigned else ""
        known = f", {signed.unknown} by a key that is not known here" if signed.unknown else ""
        screen.draw_line((f"  signatures of tags: {signed.good} good{known}{unsigned}", "warn" if signed.unknown else "dim"))
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
