from __future__ import annotations

from mlver.commands.verify import VerifyResult
from mlver.render.links import links
from mlver.render.screen import Screen
from mlver.render.words import count, size

_SHOWN = 3


def text(result: VerifyResult, screen: Screen) -> None:
    looked = (
        f"{count(len(result.versions), 'version')}, {count(result.promotions, 'promotion')}, "
        f"{count(result.files, 'file')}, {size(result.bytes)}"
    )
    if not result.broken:
        screen.line(("All is well", "good"), f"  {looked}")
        _remarks(result, screen)
        if not result.everything:
            screen.line(("  everything there is: mlver verify --all", "dim"))
        return
    screen.line((f"{count(len(result.broken), 'broken link')}", "bad"), f"  in {looked}")
    links(result.broken, screen)
    _remarks(result, screen)


def _remarks(result: VerifyResult, screen: Screen) -> None:
    if result.unkept:
        more = f" and {len(result.unkept) - _SHOWN} more" if len(result.unkept) > _SHOWN else ""
        screen.line((f"  not checked, for mlver keeps no copy: {', '.join(result.unkept[:_SHOWN])}{more}", "warn"))
    signed = result.signatures
    if signed.good or signed.unknown:
        unsigned = f", {signed.unsigned} unsigned" if signed.unsigned else ""
        known = f", {signed.unknown} by a key that is not known here" if signed.unknown else ""
        screen.line((f"  signatures of tags: {signed.good} good{known}{unsigned}", "warn" if signed.unknown else "dim"))
    if result.adopted:
        one = len(result.adopted) == 1
        them = (
            "was adopted: its tag is older than its record"
            if one
            else "were adopted: their tags are older than their records"
        )
        said = f"  {count(len(result.adopted), 'version')} {them}, which history vouches for"
        screen.line((said, "dim"))
    if result.shallow:
        said = "  history is not whole here: a record that was edited or deleted before it begins cannot be told"
        screen.line((said, "warn"))
        screen.unbroken("    ", ("hint: ", "dim"), "git fetch --unshallow")
