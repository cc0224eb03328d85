from __future__ import annotations

from mlver.commands.status import ModelStatus, StatusResult
from mlver.render import diff
from mlver.render.screen import Part, Screen
from mlver.render.words import count, first_line, listed


def text(result: StatusResult, screen: Screen) -> None:
    for fault in result.faults:
        screen.line(("unreadable: ", "bad"), first_line(fault), " (mlver verify --all)", hang=2)
    if not result.models and not result.faults:
        screen.line("no model is registered here yet")
        screen.unbroken(("next: ", "dim"), "mlver register MODEL --weights PATH -m WHY")
    for index, model in enumerate(result.models):
        if index:
            screen.blank()
        _model(model, screen)


def _model(model: ModelStatus, screen: Screen) -> None:
    latest = "" if model.version == model.latest else f" (the latest is {model.latest})"
    screen.line((f"{model.model} {model.version}", "name"), (f"  against the work tree{latest}", "dim"))
    diff.artifacts(model.artifacts, screen)
    diff.values("params", model.params, screen)
    diff.metrics(model.metrics, screen)
    if model.lacking:
        screen.line(("missing  ", "warn"), listed(model.lacking))
    _code(model, screen)
    missing = [artifact.path for artifact in model.artifacts if artifact.state == "missing"]
    if model.bump:
        screen.unbroken(("next: ", "dim"), f"mlver register {model.model} --bump {model.bump} -m WHY", _makes(model))
    elif missing:
        screen.unbroken(("next: ", "dim"), f"mlver checkout {model.model}@{model.version}")
    elif latest:
        screen.unbroken(
            ("next: ", "dim"), f"mlver checkout {model.model}@{model.latest}", ("   (goes forward again)", "dim")
        )
    else:
        screen.line("  weights, data and params are as registered")


def _makes(model: ModelStatus) -> Part:
    return (f"   (makes {model.next})", "dim")


def _code(model: ModelStatus, screen: Screen) -> None:
    said = []
    if model.commits:
        said.append(f"{count(model.commits, 'commit')} since")
    if model.dirty:
        said.append("changes that are not committed")
    if said:
        screen.line(("code", "bold"), f"  {', '.join(said)}")
