"""What became of the working files, or would, for the commands that put them in place."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.errors import shell_command
from mlver.policy.gates.table import suggest_commands
from mlver.project.artifacts.working_files import CheckoutOutcome
from mlver.project.checkout import CheckoutResult
from mlver.project.stages.promote import PromoteResult
from mlver.project.stages.rollback_request import RollbackResult
from mlver.project.worktree.input_files import ForeignFile
from mlver.terminal.gates import draw_gates
from mlver.terminal.links import draw_followers, draw_hidden_count, draw_hints
from mlver.terminal.screen import TextScreen
from mlver.terminal.words import format_count, format_size, join_listed


def draw_promote(result: PromoteResult, screen: TextScreen, followers: Sequence[str] = ()) -> None:
    version = f"{result.model} {result.version}"
    match result.outcome:
        case "already":
            screen.draw_line((version, "name"), f" holds {result.stage} already; nothing changed")
        case "refused":
            verb = "Would refuse: " if result.dry_run else "Refused: "
            screen.draw_line((verb, "bad"), (version, "name"), f" may not have {result.stage}")
        case "promoted":
            force_remark = "  by force" if result.forced else ""
            verb = "Would promote " if result.dry_run else "Promoted "
            screen.draw_line(
                (verb, "bold"),
                (version, "name"),
                f" to {result.stage}",
                _describe_previous_version(result),
                (force_remark, "warn"),
            )
    draw_gates(result.gates, screen)
    if result.outcome == "refused":
        commands = suggest_commands(f"{result.model}@{result.version}", result.gates)
        draw_hints(commands, screen, style="warn")
    draw_followers(followers, screen)


def _describe_previous_version(result: PromoteResult) -> str:
    return f" (was {result.previous})" if result.previous else ""


def draw_rollback(
    result: RollbackResult, screen: TextScreen, followers: Sequence[str] = ()
) -> None:
    if not result.changed:
        screen.draw_line(("Nothing changed: ", "bold"), result.reason or "")
    elif result.withdrawn is not None and result.version == result.previous:
        _draw_withdrawal(result, screen)
    else:
        _draw_return(result, screen)
    draw_followers(followers, screen)


def _draw_return(result: RollbackResult, screen: TextScreen) -> None:
    """Say where the stage went back to, and what was proven of it."""
    verb = "Would roll back" if result.dry_run else "Rolled back"
    screen.draw_line(
        (verb, "bold"),
        f" {result.stage} from {result.previous} to ",
        (f"{result.model} {result.version}", "name"),
    )
    extent = "that is kept of it" if result.unkept else "of it"
    size = format_size(result.verified)
    screen.draw_line("  ", (f"every byte {extent} was read and found right ({size})", "dim"))
    if result.unkept:
        unkept = ", ".join(result.unkept)
        screen.draw_line("  ", (f"not checked, for mlver keeps no copy: {unkept}", "warn"))
    if result.because is not None:
        screen.draw_unbroken((f"  because of {result.because}", "dim"))
    if result.checkout is not None:
        draw_materialised(result.checkout, screen, dry_run=result.dry_run)
        _draw_foreign(result.foreign, result.hints, screen)
    elif not result.dry_run:
        screen.draw_unbroken(
            ("working files: ", "dim"),
            shell_command("mlver", "checkout", f"{result.model}@{result.version}"),
        )


def _draw_withdrawal(result: RollbackResult, screen: TextScreen) -> None:
    """Say that only a rollout ended: the stage is as it was."""
    verb = "Would withdraw" if result.dry_run else "Withdrew"
    version = f"{result.model} {result.withdrawn}"
    screen.draw_line((verb, "bold"), " ", (version, "name"), f" from {result.stage}")
    if result.because is not None:
        screen.draw_unbroken((f"  because of {result.because}", "dim"))
    screen.draw_line("  ", (f"{result.version} holds it still, and has all of the traffic", "dim"))


def draw_checkout(result: CheckoutResult, screen: TextScreen) -> None:
    verb = "Would check out" if result.dry_run else "Checked out"
    screen.draw_line((verb, "bold"), " ", (f"{result.model} {result.version}", "name"))
    draw_materialised(result.files, screen, dry_run=result.dry_run)
    if result.restored:
        verb = "to restore" if result.dry_run else "restored"
        screen.draw_line("  ", f"{verb}: {join_listed(result.restored)}", hang=2)
    if result.restored and result.unfiled:
        screen.draw_line("  ", (f"in no file: {join_listed(result.unfiled)}", "dim"), hang=2)
    _draw_foreign(result.foreign, result.hints, screen)


def _draw_foreign(foreign: Sequence[ForeignFile], hints: Sequence[str], screen: TextScreen) -> None:
    """Say which params and metrics files are not those of the version that was put in place."""
    if not foreign:
        return
    described: list[str] = []
    for file in foreign:
        remark: str = file.state
        if file.state == "changed":
            remark = join_listed(file.names, _NAMES_SHOWN)
        if file.source is None:
            remark = f"{remark}; in no commit here"
        described.append(f"{file.path} ({remark})")
    screen.draw_line("  ", (f"not of this version: {join_listed(described)}", "warn"), hang=2)
    draw_hints(hints, screen, indent=2)


_NAMES_SHOWN = 3
_SAVED_SHOWN = 5


def draw_materialised(done: CheckoutOutcome, screen: TextScreen, *, dry_run: bool) -> None:
    written, removed = ("to write", "to remove") if dry_run else ("written", "removed")
    files = format_count(done.written, "file")
    count_texts = [f"{files} {written}"]
    if done.removed:
        count_texts.append(f"{done.removed:,} {removed}")
    count_texts.append(f"{done.unchanged:,} unchanged")
    screen.draw_line("  ", ", ".join(count_texts), (f"  in {done.root}", "dim"), hang=2)
    if done.outside:
        links = [f"{path} to {folder}" for path, folder in done.outside.items()]
        screen.draw_line("  ", f"through symlinks: {join_listed(links)}", hang=2)
    if done.skipped:
        skipped = join_listed(done.skipped)
        screen.draw_line("  ", (f"not touched: {skipped} (mlver keeps no copy)", "dim"), hang=2)
    if done.left_out:
        listed = join_listed(done.left_out, _NAMES_SHOWN)
        screen.draw_line("  ", (f"not touched: {listed} (left out by .mlverignore)", "dim"), hang=2)
    if done.saved:
        kept = "would keep" if dry_run else "kept"
        _draw_saved_bytes(done.saved, kept, screen)


def _draw_saved_bytes(saved: Sequence[tuple[str, str]], kept: str, screen: TextScreen) -> None:
    count = format_count(len(saved), "file")
    screen.draw_line("  ", (f"{kept} the unregistered bytes of {count} as objects:", "warn"))
    for saved_path, digest in saved[:_SAVED_SHOWN]:
        screen.draw_line("    ", saved_path)
        # Whole and on a line of its own: nothing but the digest brings these bytes back.
        screen.draw_unbroken((f"      sha256:{digest}", "dim"))
    draw_hidden_count(len(saved) - _SAVED_SHOWN, screen, indent=4)
