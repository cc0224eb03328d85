"""Where `git lfs` would send a remote's contents, and what it may be told."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlver.errors import MlverError, shell_command
from mlver.git.remotes import choose_remote
from mlver.git.repository import GitRepository
from mlver.policy.remote_addresses import strip_secrets

_ENDPOINT = re.compile(
    r"^Endpoint(?: \((.*)\))?=(\S+) \(auth=\w+\)(?:\n  SSH=(.+))?$", re.MULTILINE
)
# Who and where, the port, and the path.
_SSH_URL = re.compile(r"(?:git\+|)ssh(?:\+git|)://((?:[^/@]*@)?[^/:@]+)(:\d+)?(/.*)")


@dataclass(frozen=True, slots=True)
class LfsEndpoint:
    """The addresses that contents are fetched from and sent to, as git-lfs takes them.

    They are the same unless the person's own settings name another one for pushing.
    """

    download: str
    upload: str

    def describe(self) -> str:
        """Both, for people, without secrets."""
        shown = strip_secrets(self.download)
        if self.upload == self.download:
            return shown
        return f"{strip_secrets(self.upload)} (fetched from {shown})"


def find_endpoint(repository: GitRepository, remote: str) -> LfsEndpoint:
    """Ask `git lfs env` where a remote's contents are; a `.lfsconfig` of the work tree counts.

    Where they are sent to another place, only the person's own settings say so. Raises MlverError
    where there is no such remote, no git-lfs, or no server behind the remote.
    """
    choose_remote(repository, remote)
    download = _ask_endpoint(repository, remote, ())
    overrides = _list_push_settings(repository, remote)
    upload = download
    if overrides:
        upload = _ask_endpoint(repository, remote, overrides)
    for address in (download, upload):
        _require_server(remote, address)
    return LfsEndpoint(download, upload)


def _ask_endpoint(
    repository: GitRepository, remote: str, overrides: Sequence[tuple[str, str]]
) -> str:
    words = []
    for name, value in overrides:
        words += ["-c", f"{name}={value}"]
    finished = repository.process.try_read([*words, "lfs", "env"])
    if finished.code:
        if repository.process.try_read(["lfs", "version"]).code:
            raise build_absent_error()
        said = (finished.err or finished.out).decode(errors="replace").strip()
        raise MlverError(f"git-lfs could not say where its server is; it said:\n  {said}")
    addresses: dict[str, str] = {}
    for name, address, ssh in _ENDPOINT.findall(os.fsdecode(finished.out)):
        addresses[name] = address
        if ssh and name in ("", remote):
            addresses[name] = _find_ssh_address(repository, remote, ssh, overrides)
    # A remote that is the only one is not named.
    found = addresses.get(remote) or addresses.get("")
    if found is None:
        raise MlverError(
            f"git-lfs knows no server for the git remote {remote}",
            hint=shell_command("git", "lfs", "env"),
        )
    return found


def _find_ssh_address(
    repository: GitRepository, remote: str, shown: str, overrides: Sequence[tuple[str, str]]
) -> str:
    """The address of SSH that git-lfs means by `shown`, which lacks the port."""
    candidates = [value for _, value in overrides]
    for name in ("lfs.url", f"remote.{remote}.lfsurl"):
        candidates.append(repository.find_setting(name) or "")
        arguments = ["config", "--file", os.fspath(repository.top / ".lfsconfig"), name]
        candidates.append(os.fsdecode(repository.process.try_read(arguments).out).strip())
    for words in (["--push"], []):
        finished = repository.process.try_read(["remote", "get-url", *words, remote])
        candidates.append(os.fsdecode(finished.out).strip())
    for candidate in candidates:
        parts = _SSH_URL.fullmatch(candidate)
        if parts is not None and f"{parts[1]}:{parts[3]}" == shown:
            return candidate
    return shown


def _list_push_settings(repository: GitRepository, remote: str) -> list[tuple[str, str]]:
    """The settings with which git-lfs would give the address that it sends to."""
    overrides = []
    everywhere = repository.find_setting("lfs.pushurl")
    if everywhere is not None:
        overrides.append(("lfs.url", everywhere))
    own = repository.find_setting(f"remote.{remote}.lfspushurl")
    if own is not None:
        overrides.append((f"remote.{remote}.lfsurl", own))
    git_address = repository.find_setting(f"remote.{remote}.pushurl")
    if git_address is not None:
        overrides.append((f"remote.{remote}.url", git_address))
    return overrides


def _require_server(remote: str, address: str) -> None:
    """Raise MlverError for a folder: git-lfs neither confirms nor lists what it puts there."""
    if address.startswith("file://"):
        folder = address.removeprefix("file://")
        raise MlverError(
            f"the git remote {remote} is a folder, and there is no git-lfs server behind it:"
            f" {address}; use a folder that mlver keeps objects in as a remote of its own",
            hint=shell_command("mlver", "remote", "add", "shared", f"{folder}.objects"),
        )


def build_absent_error() -> MlverError:
    """Build the error for a machine without git-lfs."""
    return MlverError(
        "git-lfs is not installed, or not on PATH; install it from https://git-lfs.com or with"
        " the system's packages, then run the same command again",
        hint="git lfs version",
    )
