"""What `mlver remote` prints."""

from __future__ import annotations

from mlver.errors import shell_command
from mlver.features.remotes.result import RemoteResult, RemoteStatus
from mlver.terminal.links import draw_hints
from mlver.terminal.screen import Cell, Part, TextScreen
from mlver.terminal.words import format_count, format_size

_VERBS = {"add": ("Added", "Would add"), "remove": ("Removed", "Would remove")}


def draw_remote(result: RemoteResult, screen: TextScreen) -> None:
    if result.action == "list":
        _draw_list(result, screen)
    elif result.action == "show":
        _draw_remote(result.remotes[0], screen)
    else:
        _draw_change(result, screen)


def _draw_list(result: RemoteResult, screen: TextScreen) -> None:
    if not result.remotes:
        screen.draw_line("There are no remotes: nobody else can get the bytes of a version")
        screen.draw_next("mlver remote add NAME URL")
        return
    rows: list[list[Cell]] = []
    for remote in result.remotes:
        name: list[Part] = [(remote.name, "name")]
        if remote.default and len(result.remotes) > 1:
            name.append(("  default", "dim"))
        rows.append([name, _join_address(remote), _summarise_trust(remote)])
    screen.draw_table(rows, fold=1)


def _draw_remote(remote: RemoteStatus, screen: TextScreen) -> None:
    screen.draw_line((remote.name, "name"), ("  default" if remote.default else "", "dim"))
    rows: list[list[Cell]] = [[("address", "dim"), remote.address]]
    if remote.endpoint is not None:
        rows.append([("endpoint", "dim"), remote.endpoint])
    if remote.region is not None:
        rows.append([("region", "dim"), remote.region])
    rows.append([("trust", "dim"), _describe_trust(remote)])
    if remote.reachable is not None:
        rows.append([("answers", "dim"), _describe_answer(remote)])
    if remote.blobs is not None and remote.size is not None:
        rows.append([("holds", "dim"), _describe_contents(remote)])
    if remote.confirmation is not None:
        rows.append([("proof", "dim"), _describe_proof(remote)])
    screen.draw_table(rows, indent=2, fold=1)
    draw_hints(remote.hints, screen, indent=2)
    if remote.fault is None and not remote.trusted:
        screen.draw_next(shell_command("mlver", "remote", "show", remote.name, "--yes"))


def _draw_change(result: RemoteResult, screen: TextScreen) -> None:
    (remote,) = result.remotes
    if not result.changed:
        screen.draw_line(f"{result.path} says so already; nothing changed")
    else:
        verb = _VERBS[result.action][result.dry_run]
        screen.draw_line((verb, "bold"), " ", (remote.name, "name"), f"  {_join_address(remote)}")
    if remote.writable is False:
        screen.draw_line("  ", ("it can be read only: ", "warn"), remote.error or "", hang=2)
    elif remote.confirmation is not None:
        screen.draw_line("  ", (_describe_proof(remote), "dim"), hang=2)
    if result.action == "remove":
        screen.draw_line("  ", ("what lies there stays there", "dim"))
    if result.dry_run:
        screen.draw_line(("nothing was written", "dim"))
    elif result.changed:
        add = shell_command("git", "add", result.path)
        commit = shell_command("git", "commit", "-m", "WHY", "--", result.path)
        screen.draw_next(f"{add} && {commit}")


def _join_address(remote: RemoteStatus) -> str:
    if remote.endpoint is None:
        return remote.address
    return f"{remote.address} at {remote.endpoint}"


def _summarise_trust(remote: RemoteStatus) -> Part:
    if remote.fault is not None:
        return ("cannot be used", "bad")
    return ("trusted here", "good") if remote.trusted else ("not confirmed here", "warn")


def _describe_trust(remote: RemoteStatus) -> Part:
    if remote.fault is not None:
        return (f"cannot be used: {remote.fault}", "bad")
    if remote.trusted:
        return (f"trusted here ({remote.place})", "good")
    return (f"nobody on this machine has confirmed {remote.place}", "warn")


def _describe_answer(remote: RemoteStatus) -> Part:
    if remote.reachable:
        return ("yes", "good")
    return (f"no: {remote.error}", "bad")


def _describe_contents(remote: RemoteStatus) -> str:
    blobs = format_count(remote.blobs or 0, "blob")
    size = format_size(remote.size or 0)
    if remote.counted:
        return f"{blobs}, {size}"
    return f"at least {blobs}, {size}"


def _describe_proof(remote: RemoteStatus) -> str:
    if remote.confirmation == "checked by the server":
        return "the server checks each blob that is sent"
    return "each blob that is sent is read back"
