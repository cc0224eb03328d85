"""Addresses that a proxy passes requests to: `host:port`, `[::1]:port` or `unix:/path`.

They come from the settings, which others may write, and end up in the configuration of a proxy. So
only letters that mean nothing in any of these syntaxes are let through.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_SOCKET = re.compile(r"(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)+", re.ASCII)
_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]]+)):(?P<port>[0-9]{1,5})")
_MAX_HOST = 253
# HAProxy takes no longer path of a socket; the kernel's own bound is 107.
_MAX_SOCKET = 97


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One address: a host (without the brackets of IPv6) and its port, or the path of a socket."""

    host: str = ""
    port: int = 0
    socket: str | None = None

    @property
    def authority(self) -> str:
        """The host and its port, as most configurations want them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_numeric(self) -> bool:
        """Say whether the host is an IP address, which nobody has to look up."""
        return _is_ip_address(self.host)


def parse_upstream(text: str) -> Upstream | None:
    """Read an address; None where it is none."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        is_path = len(path) <= _MAX_SOCKET and _SOCKET.fullmatch(path) is not None
        return Upstream(socket=path) if is_path else None
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 < int(match["port"]) < 65536:
        return None
    host = match["v6"] or match["host"]
    if not (_is_ip_address(host) if match["v6"] else _is_host(host)):
        return None
    return Upstream(host=host, port=int(match["port"]))


def _is_host(text: str) -> bool:
    if len(text) > _MAX_HOST or _HOST.fullmatch(text) is None:
        return False
    # Digits alone are an IPv4 address, whose other spellings programs read in different ways.
    return not text.rpartition(".")[2].isdigit() or _is_ip_address(text)


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
