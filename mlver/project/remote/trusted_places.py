"""The places that this user trusts: the hosts and directories that remotes may use.

They are kept in the user's state folder, a line each, and so in no repository: whoever can write a
repository, `.git` and all, confirms nothing.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from mlver.errors import MlverError, UsageError, refusal_error, shell_command
from mlver.policy.remote_addresses import TrustedPlace
from mlver.system import durable, lock
from mlver.system.regular import reading_regular
from mlver.system.user_folder import name_user_folder

VARIABLE = "MLVER_TRUST_REMOTES"
EVERYTHING = "all"
_FILE = "trusted-remotes"
_MOST_BYTES = 1 << 20


def is_trusted(place: TrustedPlace) -> bool:
    """Say whether this user confirmed a place, or the variable MLVER_TRUST_REMOTES names it."""
    return _is_named(place) or place.text in _read_places()


def trust_places(places: list[TrustedPlace]) -> None:
    """Remember that this user trusts places; it is on the disk when this returns.

    Raise MlverError where it cannot be kept.
    """
    folder = name_user_folder()
    if folder is None:
        raise _build_homeless_error()
    try:
        durable.make_directory(folder)
        with lock.hold_lock(folder):
            _add_places(folder, places)
    except OSError as error:
        refusal = refusal_error("remembering which remotes you trust", error)
        hint = shell_command("export", f"{VARIABLE}={places[0].text}")
        raise MlverError(refusal.message, hint=hint) from error


def _is_named(place: TrustedPlace) -> bool:
    words = [word.strip() for word in os.environ.get(VARIABLE, "").split(",")]
    return any(word == EVERYTHING or place.is_named_by(word) for word in words if word)


def _add_places(folder: Path, places: list[TrustedPlace]) -> None:
    durable.sweep_temporaries(folder)
    path = folder / _FILE
    if os.path.lexists(path):
        _require_own_file(path)
    known = _read_places()
    added = dict.fromkeys(place.text for place in places if place.text not in known)
    if not added:
        return
    lines = [*sorted(known), *added]
    data = "".join(f"{line}\n" for line in lines).encode()
    prepared = durable.write_temporary(folder, data, mode=0o600)
    try:
        prepared.replace(path)
    except BaseException:
        durable.discard_temporary(prepared)
        raise
    durable.sync_directory(folder)


def _read_places() -> frozenset[str]:
    """Read the places; none where there is no file that this user alone has written."""
    folder = name_user_folder()
    if folder is None:
        return frozenset()
    with suppress(OSError, UnicodeError), reading_regular(folder / _FILE) as file:
        if not _is_own(os.fstat(file.fileno())):
            return frozenset()
        return frozenset(file.read(_MOST_BYTES).decode().splitlines())
    return frozenset()


def _require_own_file(path: Path) -> None:
    """Raise MlverError where something else has the file's name: it is not ours to replace."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or not _is_own(status):
        raise MlverError(
            f"{path} is no file that you alone can write, so nothing is kept there;"
            " look at it, and move it away",
            hint=shell_command("ls", "-l", path),
        )


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o022


def _build_homeless_error() -> UsageError:
    return UsageError(
        "you have no home folder in which to remember that you trust a remote;"
        f" name its host or path in the variable {VARIABLE}",
        hint=shell_command("export", f"{VARIABLE}=HOST"),
    )
