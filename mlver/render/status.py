from __future__ import annotations

from mlver.commands.status import ModelStatus, StatusResult
from mlver.render import diff
from mlver.render.screen import Part, TextScreen
from mlver.render.words import format_count, take_first_line, join_listed


def draw_status(result: StatusResult, screen: TextScreen) -> None:
    for fault in result.faults:
        screen.draw_line(("unreadable: ", "bad"), take_first_line(fault), " (mlver verify --all)", hang=2)
    if not result.models and not result.faults:
        screen.draw_line("no model is registered here yet")
        screen.draw_unbroken(("next: ", "dim"), "mlver register MODEL --weights PATH -m WHY")
    for index, model in enumerate(result.models):
        if index:
            screen.draw_blank_line()
        _draw_model_status(model, screen)


def _draw_model_status(model: ModelStatus, screen: TextScreen) -> None:
    latest = "" if model.version == model.latest else f" (the latest is {model.latest})"
    screen.draw_line((f"{model.model} {model.version}", "name"), (f"  against the work tree{latest}", "dim"))
    diff.draw_artifact_changes(model.artifacts, screen)
    diff.draw_value_changes("params", model.params, screen)
    diff.draw_metric_changes(model.metrics, screen)
    if model.lacking:
        screen.draw_line(("missing  ", "warn"), join_listed(model.lacking))
    _draw_code_status(model, screen)
    missing = [artifact.path for artifact in model.artifacts if artifact.state == "missing"]
    if model.bump:
        screen.draw_unbroken(("next: ", "dim"), f"mlver register {model.model} --bump {model.bump} -m WHY", _describe_next_version(model))
    elif missing:
        screen.draw_unbroken(("next: ", "dim"), f"mlver checkout {model.model}@{model.version}")
    elif latest:
        screen.draw_unbroken(
            ("next: ", "dim"), f"mlver checkout {model.model}@{model.latest}", ("   (goes forward again)", "dim")
        )
    else:
        screen.draw_line("  weights, data and params are as registered")


def _describe_next_version(model: ModelStatus) -> Part:
    return (f"   (makes {model.next})", "dim")


def _draw_code_status(model: ModelStatus, screen: TextScreen) -> None:
    said = []
    if model.commits:
        said.append(f"{format_count(model.commits, 'commit')} since")
    if model.dirty:
        said.append("changes that are not committed")
    if said:
        screen.draw_line(("code", "bold"), f"  {', '.join(said)}")
