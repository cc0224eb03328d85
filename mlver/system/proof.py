"""Proof that this user's own mlver wrote a file, wherever that file lies.

A repository can come as an archive, `.git` and all, and what lies in it may be anybody's. So a key
is kept outside of every repository, in the user's state folder, and signs what no other may write.
Where no key can be kept, the user, the machine and its present run stand in for one.
"""

from __future__ import annotations

import errno
import hmac
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from mlver.system import durable, lock
from mlver.system.regular import read_regular
from mlver.system.user_folder import name_user_folder

_KEY = "intent.key"
_KEY_BYTES = 32
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def sign_data(data: bytes) -> str:
    """Sign bytes; the first to do so makes the key. Raise OSError where that fails by chance."""
    # Read again at the end: another command may just have made it.
    key = _read_key() or _make_key() or _read_key()
    if key is not None:
        return _sign_by_key(key, data)
    return _sign_by_machine(data)


def is_signed(data: bytes, proof: str, file: Path) -> bool:
    """Say whether this user signed these bytes, which were read from `file`."""
    key = _read_key()
    if key is not None:
        return hmac.compare_digest(_sign_by_key(key, data), proof)
    if _find_own_folder() is not None or file.lstat().st_uid != os.geteuid():
        return False
    return _read_boot_id() != "" and hmac.compare_digest(_sign_by_machine(data), proof)


def _sign_by_key(key: bytes, data: bytes) -> str:
    return f"key:{hmac.digest(key, data, 'sha256').hex()}"


def _sign_by_machine(data: bytes) -> str:
    """Sign by what only a process of this user, here and since the last start, can know."""
    facts = f"{os.geteuid()}\n{os.uname().nodename}\n{_read_boot_id()}"
    return f"machine:{hmac.digest(facts.encode(), data, 'sha256').hex()}"


def _read_boot_id() -> str:
    """Read the number of this run of the system; empty where it has none."""
    with suppress(OSError, UnicodeError):
        return _BOOT_ID.read_text().strip()
    return ""


def _read_key() -> bytes | None:
    """Read the key; None where there is none, or one that others can read or have written."""
    folder = name_user_folder()
    if folder is None:
        return None
    path = folder / _KEY
    try:
        status = path.lstat()
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            return None
        key = bytes.fromhex(read_regular(path, 2 * _KEY_BYTES + 2).decode())
    except (OSError, ValueError):
        return None
    return key if len(key) == _KEY_BYTES else None


def _make_key() -> bytes | None:
    """Make the key; None where this user has no place for it."""
    folder = _find_own_folder()
    if folder is None:
        return None
    try:
        durable.make_directory(folder)
        # Another command may make it at the same time, in another repository.
        with lock.hold_lock(folder):
            key = _read_key()
            if key is None:
                durable.sweep_temporaries(folder)
                key = secrets.token_bytes(_KEY_BYTES)
                durable.create_file(folder / _KEY, f"{key.hex()}\n".encode(), mode=0o600)
    except FileExistsError:
        # It cannot be read, and is not ours to replace.
        return None
    except OSError as error:
        if error.errno in _FORBIDDEN:
            return None
        raise
    return key


def _find_own_folder() -> Path | None:
    """Find where this user can keep a key; None where they cannot.

    Behind `sudo` the home may be that of another user, who could not use a key made there.
    """
    folder = name_user_folder()
    if folder is None or os.path.lexists(folder / _KEY):
        return None
    existing = folder
    while not _is_folder(existing):
        if os.path.lexists(existing) or existing.parent == existing:
            return None
        existing = existing.parent
    is_own = existing.stat().st_uid == os.geteuid()
    if is_own and os.access(existing, os.W_OK | os.X_OK):
        return folder
    return None


def _is_folder(path: Path) -> bool:
    """Say whether this user sees a folder there: another's home may be closed to them."""
    with suppress(OSError):
        return path.is_dir()
    return False
