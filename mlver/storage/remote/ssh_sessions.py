"""Addresses of `ssh://` remotes, and how a session with one begins or fails to."""

from __future__ import annotations

import os
import re
import shlex
from typing import NamedTuple, Protocol
from urllib.parse import unquote_to_bytes

from mlver.errors import MlverError, UsageError, shell_command
from mlver.storage.remote.blobs import BlobAddress, BlobError, BlobStore, TransientBlobError
from mlver.storage.remote.channel import FrameChannel
from mlver.system.programs import SshHost, check_host, has_terminal, start_ssh
from mlver.system.timings import Timings

# A person types a passphrase meanwhile.
_TYPING_SECONDS = 300.0
_AUTHORITY = re.compile(r"(?:([^@]*)@)?(\[[^\]]*\]|[^:\[\]@]*)(?::([0-9]{1,5}))?", re.ASCII)
# What ssh says when trying again is of no use. Anything else may pass.
_LASTING = re.compile(
    r"permission denied|host key verification failed|host key .* has changed|bad configuration"
    r"|bad owner or permissions|name or service not known|nodename nor servname|no such identity"
    r"|unable to negotiate|too many authentication|invalid|not allowed|unknown option",
    re.IGNORECASE,
)
_SSH_FAILED = 255


class SshPlace(NamedTuple):
    """A directory at a host; a relative one is in the person's home there."""

    host: SshHost
    path: str
    text: str


class SshTransport(BlobStore, Protocol):
    """Blobs at a host by what it offers; `name` says what that is."""

    @property
    def name(self) -> str: ...

    def connect(self) -> None:
        """Begin a session. Raise BlobError where that cannot be done."""
        ...

    def close(self) -> None:
        """End the session; the next call begins another one."""
        ...

    def init_store(self) -> None:
        """Make the directory there a store. One that is a store already stays as it is."""
        ...


def hint_there(place: SshPlace, *words: str) -> str:
    """A command to type here that runs these words at the host."""
    options = [] if place.host.port is None else ["-p", str(place.host.port)]
    user = "" if place.host.user is None else f"{place.host.user}@"
    return shell_command("ssh", *options, f"{user}{place.host.name}", shlex.join(words))


def parse_place(address: BlobAddress) -> SshPlace:
    """Take `ssh://[user@]host[:port]/path` apart; raise UsageError where it is none.

    `/~/` at the beginning of the path is the home of the user there, as it is for git.
    """
    authority, slash, path = address.rest.partition("/")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise UsageError(
            f"{address.text!r} is no address of an SSH remote; write ssh://USER@HOST:PORT/PATH"
        )
    user, name, port = match.groups()
    if user is not None and ":" in user:
        # The address is not shown, for it has the password in it.
        raise UsageError(
            f"an address for {name} has a password in it, which would be kept in plain text;"
            " leave it out, and use a key: ssh asks for what it needs",
            hint=shell_command("ssh-copy-id", "--", name),
        )
    host = check_host(SshHost(name.strip("[]"), user, None if port is None else int(port)))
    return SshPlace(host, _decode_path(address, slash + path), address.text)


def _decode_path(address: BlobAddress, quoted: str) -> str:
    if "?" in quoted or "#" in quoted:
        raise UsageError(
            f"{address.text} has a query or a fragment, which no directory has;"
            " write `?` as %3F and `#` as %23"
        )
    try:
        path = unquote_to_bytes(quoted).decode()
    except UnicodeError:
        path = ""
    if path.startswith("/~/"):
        path = path.removeprefix("/~/")
    if not path.strip("/") or not path.isprintable() or path.startswith("/~"):
        raise UsageError(
            f"{address.text!r} names no directory at the host; write ssh://HOST/PATH,"
            " or ssh://HOST/~/PATH for one in your home there"
        )
    return path


def begin_session(
    place: SshPlace, command: str, timings: Timings, *, subsystem: bool = False
) -> FrameChannel:
    """Start ssh; nothing is said yet. Raise BlobError where there is no ssh here."""
    try:
        program = start_ssh(place.host, command, subsystem=subsystem)
    except MlverError as error:
        raise BlobError(error.message, hints=error.hints) from error
    channel = FrameChannel(program, place.text, starting_patience(timings))
    channel.start_reading()
    return channel


def starting_patience(timings: Timings) -> float:
    """For how many seconds a session may take to begin: ssh may pass several hosts."""
    patience = timings.connect + timings.silence
    return max(patience, _TYPING_SECONDS) if has_terminal() else patience


def explain_end(place: SshPlace, code: int, complaint: str) -> BlobError:
    """The error for a session that ended before the far end said anything."""
    if code == _SSH_FAILED:
        reason = complaint or "ssh ended without a reason"
        if _LASTING.search(reason):
            return BlobError(
                f"ssh could not open {place.text}: {reason};"
                " make ssh work by hand, then run the same command again",
                hint=hint_there(place, "true"),
            )
        return TransientBlobError(
            f"ssh did not reach {place.text}: {reason}; run the same command again",
            hint=hint_there(place, "true"),
        )
    said = f": {complaint}" if complaint else ""
    return BlobError(
        f"the far end of {place.text} ended with code {code}{said};"
        " see what it says by hand, then run the same command again",
        hint=hint_there(place, "mlver", "store", "--help"),
    )


def join_path(folder: str, name: str) -> str:
    """The path of a file at a host."""
    return os.path.join(folder, name)  # noqa: PTH118
