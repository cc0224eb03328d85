"""Loads what an extra brings, or says which command installs it."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from mlver.errors import MlverError, shell_command


def import_extra(module: str, extra: str) -> ModuleType:
    """Import a module that needs what `mlver[extra]` installs.

    The module may be a library's, or one of ours that imports a library. Raises MlverError with
    the command to type, where a library is not installed as well as where it does not load.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == __package__:
            # A module of ours is not there: no extra would bring it.
            raise
        if not package or importlib.util.find_spec(package) is not None:
            raise _broken_error(extra, error) from error
        raise MlverError(
            f"this needs `{package}`, which is not installed",
            hint=shell_command("pip", "install", f"mlver[{extra}]"),
        ) from error
    except (ImportError, OSError) as error:
        # OSError: a library of the operating system is not there, or made for another machine.
        raise _broken_error(extra, error) from error


def _broken_error(extra: str, reason: Exception) -> MlverError:
    return MlverError(
        f"what mlver[{extra}] brings is installed but does not load: {reason}",
        hint=shell_command("pip", "install", "--force-reinstall", f"mlver[{extra}]"),
    )
