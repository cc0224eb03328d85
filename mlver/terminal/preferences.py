"""What a person prefers of every command: how much it says, in colours or not, through a pager.

What wins: an option of mlver itself, then its MLVER_ variable, then a variable that many programs
know, such as NO_COLOR, then the default. An empty variable counts as unset.
"""

from __future__ import annotations

import math
import os
from typing import Literal, NamedTuple, TextIO, cast, get_args

from mlver.errors import UsageError, shell_command
from mlver.system.lock import WAIT_S

ColorChoice = Literal["auto", "always", "never"]


class Preferences(NamedTuple):
    """`wait` is in seconds. An empty `pager` means none, and None the one that git would take."""

    wait: float = WAIT_S
    quiet: bool = False
    color: ColorChoice = "auto"
    pager: str | None = None
    progress: bool = True
    offline: bool = False


class Variable(NamedTuple):
    """A variable of the environment: the option that wins over it, its values, what it says."""

    name: str
    option: str
    values: str
    meaning: str


VARIABLES = (
    Variable(
        "MLVER_WAIT",
        "--wait",
        "seconds, at least 0",
        "How long to wait while another mlver writes.",
    ),
    Variable("MLVER_QUIET", "--quiet", "1 or 0", "Print results and errors only."),
    Variable(
        "MLVER_COLOR",
        "--color",
        "auto, always or never",
        "Whether to print in colours. Without it, NO_COLOR, then FORCE_COLOR or CLICOLOR_FORCE.",
    ),
    Variable(
        "MLVER_PAGER",
        "--no-pager",
        "a command, cat for none",
        "What shows a long screen on a terminal. Without it, GIT_PAGER, then git's core.pager,"
        " then PAGER, then less.",
    ),
    Variable("MLVER_PROGRESS", "--quiet", "1 or 0", "Whether long work shows a bar on a terminal."),
    Variable("MLVER_OFFLINE", "--offline", "1 or 0", "Whether to ask no remote for anything."),
)
_TRUTHS = {"1": True, "true": True, "yes": True, "on": True}
_TRUTHS |= {"0": False, "false": False, "no": False, "off": False}
# Each switches colours on where there is no terminal; the last one is rich's own.
_FORCING = ("FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE")


class _Current:
    """The preferences of this run of a command; None until somebody asks."""

    preferences: Preferences | None = None


def find_preferences() -> Preferences:
    """The preferences in force; a variable with a wrong value counts as unset here."""
    if _Current.preferences is None:
        _Current.preferences = _read_environment(strict=False)
    return _Current.preferences


def check_variables() -> None:
    """Raise UsageError for the first variable with a value that it cannot have."""
    _read_environment(strict=True)


def prefer_option(
    *,
    wait: float | None = None,
    quiet: bool | None = None,
    color: ColorChoice | None = None,
    pager: str | None = None,
    offline: bool | None = None,
) -> None:
    """Take what an option says; None leaves what the environment says."""
    given = {"wait": wait, "quiet": quiet, "color": color, "pager": pager, "offline": offline}
    chosen = {name: value for name, value in given.items() if value is not None}
    _Current.preferences = find_preferences()._replace(**chosen)  # type: ignore[arg-type]


def forget_preferences() -> None:
    """Begin another run of a command in this process."""
    _Current.preferences = None


def wants_color(stream: TextIO) -> bool:
    """Whether to write to a stream in colours."""
    color = find_preferences().color
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return forces_color() or stream.isatty()


def forces_color() -> bool:
    """Whether colours are wanted where there is no terminal that could tell which ones it has."""
    color = find_preferences().color
    if color != "auto":
        return color == "always"
    return any(os.environ.get(name, "") not in ("", "0") for name in _FORCING)


def _read_environment(*, strict: bool) -> Preferences:
    preferences = Preferences()
    for variable in VARIABLES:
        text = os.environ.get(variable.name, "")
        if not text:
            continue
        field = variable.name.removeprefix("MLVER_").lower()
        value = _parse_value(field, text)
        if value is not None:
            preferences = preferences._replace(**{field: value})  # type: ignore[arg-type]
        elif strict:
            raise UsageError(
                f"the variable {variable.name} is `{text}`; it takes {variable.values}",
                hint=shell_command("unset", variable.name),
            )
    return preferences


def _parse_value(field: str, text: str) -> float | str | bool | None:
    """The value that a text means; None where it means none."""
    if field == "wait":
        return _parse_seconds(text)
    if field == "color":
        return cast(ColorChoice, text) if text in get_args(ColorChoice) else None
    if field == "pager":
        return text
    return _TRUTHS.get(text.lower())


def _parse_seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if seconds >= 0 and math.isfinite(seconds) else None
