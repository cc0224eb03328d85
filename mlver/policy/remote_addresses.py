"""What the address of a remote may say, how it is shown, and which place it makes a person trust.

An address comes from a file of the repository, so anybody may have written it.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

from mlver.errors import printable_name
from mlver.records.sections.remotes import RemoteSettings

# As in `mlver.storage.remote.open`: only `://` makes an address.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# Nothing here has two spellings: a program must not read another host than a person does.
_AUTHORITY = re.compile(r"[A-Za-z0-9._:\[\]-]+")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_SECRET_NAMES = re.compile(
    r"sig|token|secret|pass|pwd|key|credential|auth|jwt|sas|x-amz|x-goog", re.IGNORECASE
)
_HIDDEN = "***"

# What comes before the `@` of these is the account that logs in, which is no secret.
_WITH_USER = frozenset(("ssh", "sftp", "lfs"))
# Azure's own tools write `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net`.
_CONTAINER = re.compile(r"[A-Za-z0-9-]+@[a-z0-9]+\.(?:dfs|blob)\.core\.[a-z.]+")
_AZURE = frozenset(("az", "azure", "abfs", "abfss"))
# What follows `://` is a bucket or a container of a provider, and no host.
_BUCKETS = frozenset(("s3", "gs", "gcs")) | _AZURE
# These may be served without encryption.
_PLAIN = frozenset(("http", "oci"))
_PORTS = {"ssh": 22, "sftp": 22, "http": 80, "https": 443, "oci": 443}
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the role of the machine",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    "ssh": "your SSH keys and agent",
    "oci": "the credential helpers of `docker login`",
    "https": "git's credential helpers",
}
_CREDENTIALS |= {"gcs": _CREDENTIALS["gs"], "sftp": _CREDENTIALS["ssh"]}
_CREDENTIALS |= {"http": _CREDENTIALS["https"], "lfs": _CREDENTIALS["https"]}
_CREDENTIALS |= dict.fromkeys(("azure", "abfs", "abfss"), _CREDENTIALS["az"])
_ANY_CREDENTIALS = "the environment, credential chains and credential helpers"


@dataclass(frozen=True, slots=True)
class TrustedPlace:
    """What one confirmation is about: a host, a bucket at its provider, or the path of a directory.

    `host` is the host with its port, None where the place is no host.
    """

    text: str
    host: str | None = None

    def is_named_by(self, word: str) -> bool:
        """Say whether a person's word means this place: its text, or its host."""
        if word.startswith("/"):
            return posixpath.normpath(word) == self.text
        return word.lower().removesuffix("/") in (self.text.lower(), self.host)


def find_address_fault(remote: RemoteSettings) -> str | None:
    """Say in words why the settings of a remote cannot be used; None where they can.

    The words repeat nothing of the address, which may hold a secret.
    """
    split = _split(remote.url)
    if split is None:
        return _find_path_fault(remote)
    fault = _find_fault(remote.url, split)
    if fault is not None:
        return f"its address {fault}"
    if split.scheme == "file":
        return _find_path_fault(remote)
    if remote.insecure and split.scheme not in _PLAIN:
        return f"`insecure` means nothing for an address that begins with {split.scheme}://"
    if remote.endpoint is None:
        return None
    if split.scheme not in _BUCKETS:
        return f"an address that begins with {split.scheme}:// has no endpoint"
    endpoint = _split(remote.endpoint)
    if endpoint is None or endpoint.scheme not in ("http", "https"):
        return "its endpoint does not begin with http:// or https://"
    fault = _find_fault(remote.endpoint, endpoint)
    return None if fault is None else f"its endpoint {fault}"


def hide_secrets(address: str) -> str:
    """Show an address, on one line, without what may be a secret in it."""
    shown = printable_name(address)
    match = _SCHEME.fullmatch(shown)
    if match is None:
        # A host as scp writes it may have a password as well.
        user, at, rest = shown.rpartition("@")
        is_path = shown.startswith("/") or not at
        return shown if is_path or ":" not in user else f"{_HIDDEN}@{rest}"
    scheme, rest = match[1], match[2]
    authority, path = _cut_authority(rest)
    user, at, host = authority.rpartition("@")
    is_account = _may_have_user(scheme.lower(), authority) and _USER.fullmatch(user) is not None
    if at and not is_account:
        authority = f"{_HIDDEN}@{host}"
    bare, mark, _ = _cut_query(path)
    if mark:
        path = f"{bare}{mark}{_HIDDEN}"
    return f"{scheme}://{authority}{path}"


def strip_secrets(address: str) -> str:
    """An address of git without what may be a secret, to be read by; one that is no URL stays.

    `hide_secrets` shows that there was one, and cannot be read by.
    """
    try:
        parsed = urlsplit(address)
    except ValueError:
        return _name_hidden(address)
    # What a remote helper takes may hold anything.
    if "::" in address:
        return _name_hidden(address)
    if parsed.scheme in ("http", "https"):
        parsed = parsed._replace(query="", fragment="")
    if not parsed.scheme or "@" not in parsed.netloc:
        return urlunsplit(parsed) if parsed.netloc else address
    user, _, host = parsed.netloc.rpartition("@")
    # The user of ssh belongs to the address; that of a web server may be a token.
    is_account = "ssh" in parsed.scheme.split("+")
    kept = f"{user.partition(':')[0]}@{host}" if is_account else host
    return urlunsplit(parsed._replace(netloc=kept))


def _name_hidden(address: str) -> str:
    """Stands for an address that cannot be told without what may be a secret: gc refuses there."""
    digest = hashlib.sha256(os.fsencode(address)).hexdigest()
    return f"hidden://{digest[:16]}"


def describe_credentials(address: str) -> str:
    """Say in words where the secrets for an address come from instead."""
    split = _split(address)
    return _CREDENTIALS.get("" if split is None else split.scheme, _ANY_CREDENTIALS)


def find_directory(remote: RemoteSettings) -> str | None:
    """Find the path of a remote that is a directory; None for any other remote."""
    split = _split(remote.url)
    if split is not None and split.scheme != "file":
        return None
    return _read_path(remote)


def find_place(remote: RemoteSettings) -> TrustedPlace:
    """Find the place that a remote without a fault makes a person trust."""
    path = find_directory(remote)
    if path is not None:
        return TrustedPlace(posixpath.normpath(path))
    split = urlsplit(remote.url)
    scheme = split.scheme
    if scheme not in _BUCKETS:
        host = _name_host(split)
        user = "" if split.username is None else f"{split.username}@"
        protocol = f"{scheme}+http" if remote.insecure and scheme != "http" else scheme
        return TrustedPlace(f"{protocol}://{user}{host}", host)
    if remote.endpoint is None:
        return TrustedPlace(f"{scheme}://{split.netloc.lower()}")
    endpoint = urlsplit(remote.endpoint)
    host = _name_host(endpoint)
    # The protocol is part of it: what is sent to a server depends on that, secrets among it.
    return TrustedPlace(f"{scheme}+{endpoint.scheme.lower()}://{host}", host)


def _split(address: str) -> SplitResult | None:
    """Split an address; None for a path. What urllib cannot split has an empty host."""
    match = _SCHEME.fullmatch(address)
    if match is None:
        return None
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult(match[1].lower(), "", "", "", "")


def _find_fault(address: str, split: SplitResult) -> str | None:
    """Find what is wrong with an address that is no path, in words that follow its name."""
    fault = _find_secret(split)
    if fault is not None:
        return fault
    if " " in address or _CONTROL.search(unquote(address)):
        return "holds a space or a character that cannot be printed"
    if split.query or split.fragment:
        return "has a query or a fragment"
    if split.scheme == "file":
        return None
    user, at, host = split.netloc.rpartition("@")
    if at and _USER.fullmatch(user) is None:
        return "has a user name that no account has"
    if not host or _AUTHORITY.fullmatch(host) is None or not _has_host(split):
        return "names no host or bucket"
    return None


def _find_secret(split: SplitResult) -> str | None:
    user, at, _ = split.netloc.rpartition("@")
    if at and ":" in unquote(user):
        return "has a password in it"
    if at and not _may_have_user(split.scheme, split.netloc):
        return "has a user name or a token in it"
    names = [name for name, _ in parse_qsl(f"{split.query}&{split.fragment}", True)]
    if any(_SECRET_NAMES.search(name) for name in names):
        return "has a signature, a token or another secret in its query"
    return None


def _may_have_user(scheme: str, authority: str) -> bool:
    """Say whether what comes before the `@` is the name of an account or of a container."""
    if scheme in _AZURE:
        return _CONTAINER.fullmatch(authority) is not None
    return scheme in _WITH_USER


def _has_host(split: SplitResult) -> bool:
    """Say whether a host can be read, with a port that there can be, and no option of a program."""
    try:
        host, _ = split.hostname, split.port
    except ValueError:
        return False
    return bool(host) and not str(host).startswith("-")


def _find_path_fault(remote: RemoteSettings) -> str | None:
    path = _read_path(remote)
    if remote.options:
        return f"a directory has no {next(iter(remote.options))}"
    if _CONTROL.search(path):
        return "its path holds a character that cannot be printed"
    if not path.startswith("/"):
        return "its address is neither a whole path, from / on, nor does it have a scheme"
    if ".." in path.split("/"):
        return "its path goes up by `..`"
    return None


def _read_path(remote: RemoteSettings) -> str:
    """The path of a directory, from its address, whether that is a URL or not."""
    match = _SCHEME.fullmatch(remote.url)
    if match is None:
        return remote.url
    host, slash, path = match[2].partition("/")
    # Another machine's path is none of this one.
    return unquote(slash + path) if host in ("", "localhost") else ""


def _name_host(split: SplitResult) -> str:
    """The host in small letters, with its port where that is not the usual one."""
    host = str(split.hostname)
    if ":" in host:
        host = f"[{host}]"
    if split.port is None or split.port == _PORTS.get(split.scheme):
        return host
    return f"{host}:{split.port}"


def _cut_authority(rest: str) -> tuple[str, str]:
    """Cut what follows `://` where the path, the query or the fragment begins."""
    match = re.search(r"[/?#]", rest)
    end = len(rest) if match is None else match.start()
    return rest[:end], rest[end:]


def _cut_query(path: str) -> tuple[str, str, str]:
    match = re.search(r"[?#]", path)
    if match is None:
        return path, "", ""
    return path[: match.start()], match[0], path[match.end() :]
