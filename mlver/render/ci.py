from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from mlver.commands.ci import CiResult
from mlver.errors import command
from mlver.pipelines.emit import File
from mlver.pipelines.settings import NEEDED
from mlver.render.screen import TextScreen


def draw_ci(result: CiResult, screen: TextScreen) -> None:
    due = [file for file in result.files if file.state not in ("unchanged", "kept")]
    if due:
        screen.draw_line(("Would write" if result.dry_run else "Wrote", "bold"), f" pipelines for {result.forge}")
        screen.draw_table([[f.path, (f.state if f.state != "written" else "", "dim")] for f in result.files], indent=2)
    else:
        screen.draw_line(f"the pipelines for {result.forge} are here already; nothing changed")
    if result.include:
        screen.draw_line(("add to your own ", "warn"), next(f.path for f in result.files if f.state == "kept"))
        screen.draw_unbroken(f"  include: [{{ {result.include.removeprefix('- ')} }}]")
    for one in result.left_out:
        screen.draw_line(("left out ", "dim"), one.pipeline, (", which needs", "dim"))
        for name in one.needs:
            screen.draw_unbroken("  ", NEEDED[name])
    if due and not result.dry_run:
        places = dict.fromkeys(PurePosixPath(f.path).parts[0] for f in due)
        screen.draw_unbroken(("next: ", "dim"), command("git", "add", *places), ", then commit and push")


def draw_pipeline_files(files: Sequence[File], screen: TextScreen) -> None:
    """The files themselves, one after the other."""
    for file in files:
        if len(files) > 1:
            screen.write_raw(f"# {file.path}\n")
        screen.write_raw(file.text)
