"""What deploy prints."""

from __future__ import annotations

from mlver.errors import shell_command
from mlver.features.deploying.served import ServedResult
from mlver.project.serving.deploying import DeployResult
from mlver.project.serving.plan import DeployChange
from mlver.records.deployment import DeployedShare, DeployedVersion
from mlver.terminal.links import draw_hidden_count
from mlver.terminal.screen import TextScreen

_SHOWN = 20


def draw_deploy(result: DeployResult, screen: TextScreen) -> None:
    if not result.changes:
        screen.draw_line((result.target, "name"), " serves what the stages say")
    else:
        screen.draw_line((_choose_verb(result), "bold"), " ", (result.target, "name"))
    for role, served in result.roles.items():
        _draw_role(role, served, result.share if role == "canary" else None, screen)
    for kept in result.kept:
        screen.draw_line("  kept    ", (kept.version, "name"), hang=10)
    if not result.roles:
        screen.draw_line("  ", ("nothing holds its stages, so nothing is served", "warn"))
    for change in result.changes[:_SHOWN]:
        _draw_change(change, result, screen)
    draw_hidden_count(len(result.changes) - _SHOWN, screen, indent=2)
    if result.path is not None:
        screen.draw_line("  recorded in ", (result.path, "dim"), hang=2)
    if result.dry_run:
        screen.draw_line(("nothing was written", "dim"))
    elif result.check and result.changes:
        screen.draw_next(shell_command("mlver", "deploy", result.target))


def _choose_verb(result: DeployResult) -> str:
    if result.check:
        return "Would change"
    return "Would deploy" if result.dry_run else "Deployed"


def _draw_role(
    role: str, served: DeployedVersion, share: DeployedShare | None, screen: TextScreen
) -> None:
    part = "" if share is None else f"  {share.percent:g} % of the traffic ({share.strategy})"
    place = "" if served.folder is None else f"  {served.folder}"
    screen.draw_line(
        "  ", (f"{role:<8}", "bold"), (served.version, "name"), part, (place, "dim"), hang=10
    )


def _draw_change(change: DeployChange, result: DeployResult, screen: TextScreen) -> None:
    # What was done needs no word about the record: its path is told below.
    if change.kind == "record" and result.path is not None:
        return
    screen.draw_line("  ", (change.path, "dim"), " ", change.message, hang=4)


def draw_served(result: ServedResult, screen: TextScreen) -> None:
    if not result.deployments:
        screen.draw_line((result.target, "name"), f" served nothing yet before {result.end}")
        return
    for record in result.deployments:
        screen.draw_line(
            (f"{record.sequence:04d}", "bold"),
            f"  since {record.created}  ",
            (record.author, "dim"),
        )
        for role, served in record.roles.items():
            _draw_role(role, served, record.share if role == "canary" else None, screen)
        if not record.roles:
            screen.draw_line("  nothing was served")
