"""Help shows every text as it was written, also where it looks like markup of rich."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from mlver.cli.app import COMMANDS, build_app
from mlver.cli.main import main
from mlver.cli.plain_help import PlainHelpCommand, PlainHelpGroup

WIDE = {"COLUMNS": "400", "TERMINAL_WIDTH": "400"}


def try_command(
    name: Annotated[str, typer.Option(help="Needs mlver[oci]. [default: [bold]x]")] = "",
) -> None:
    del name


def show_help(*words: str) -> str:
    application = typer.Typer(cls=PlainHelpGroup)
    application.callback(help="All of mlver[azure].")(lambda: None)
    command = application.command(
        "try", cls=PlainHelpCommand, help="It needs mlver[s3].", epilog="pip install mlver[gcs]"
    )
    command(try_command)
    return CliRunner().invoke(application, [*words, "--help"], env=WIDE).output


def test_brackets_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WIDE.items():
        monkeypatch.setenv(name, value)
    shown = show_help("try")
    assert "It needs mlver[s3]." in shown
    assert "Needs mlver[oci]. [default: [bold]x]" in shown
    assert "pip install mlver[gcs]" in shown
    shown = show_help()
    assert "All of mlver[azure]." in shown
    assert "It needs mlver[s3]." in shown
    assert "\\" not in shown


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_no_help_text_is_lost(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    program = get_command(build_app([name] if name else COMMANDS))
    command = program.commands[name] if name else program  # type: ignore[attr-defined]
    assert main([name, "--help"] if name else ["--help"]) == 0
    shown = capsys.readouterr().out
    for parameter in command.params:
        if not getattr(parameter, "hidden", False):
            assert (getattr(parameter, "help", None) or "") in shown
