from __future__ import annotations

from mlver.commands.verify import VerifyResult
from mlver.render.links import links
from mlver.render.screen import Screen
from mlver.render.words import count, size


def text(result: VerifyResult, screen: Screen) -> None:
    looked = (
        f"{count(len(result.versions), 'version')}, {count(result.promotions, 'promotion')}, "
        f"{count(result.files, 'file')}, {size(result.bytes)}"
    )
    if not result.broken:
        screen.line(("All is well", "good"), f"  {looked}")
        _shallow(result, screen)
        if not result.everything:
            screen.line(("  everything there is: mlver verify --all", "dim"))
        return
    screen.line((f"{count(len(result.broken), 'broken link')}", "bad"), f"  in {looked}")
    links(result.broken, screen)
    _shallow(result, screen)


def _shallow(result: VerifyResult, screen: Screen) -> None:
    if result.shallow:
        said = "  history is not whole here: a record that was edited or deleted before it begins cannot be told"
        screen.line((said, "warn"))
        screen.unbroken("    ", ("hint: ", "dim"), "git fetch --unshallow")
