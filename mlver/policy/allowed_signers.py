"""Who may sign: the file of allowed signers, as ssh-keygen(1) has it, and what it leaves open.

OpenPGP and X.509 keys have no place in that format. A comment names such a key by its fingerprint:
`# openpgp: kim@example.org 0123456789ABCDEF0123456789ABCDEF01234567`.
"""

from __future__ import annotations

import re
from calendar import timegm
from time import strptime

_OPENPGP = re.compile(r"#\s*openpgp:\s*(\S+)\s+((?:[0-9A-Fa-f]{4,}\s*)+)")
_PRINCIPALS = re.compile(r'\s*(?:"[^"]*"|[^\s"]\S*)\s+')
_KEY_TYPE = re.compile(r"(?:ssh|ecdsa|sk)-")
_OPTIONS = re.compile(r'(?:[^\s"]|"[^"]*")+')
_BOUND = re.compile(
    r'(?:^|,)valid-(after|before)="?(\d{8}(?:\d{4}(?:\d\d)?)?)Z?"?(?=,|$)', re.IGNORECASE
)
_FORMATS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


def select_valid(signers: bytes, at: int) -> bytes:
    """Select the lines whose keys are valid at a time, in seconds since 1970.

    git itself asks whether a key was valid when the signer says they signed, which they can choose.
    A time without `Z` is read as UTC.
    """
    kept: list[bytes] = []
    for line in signers.splitlines(keepends=True):
        if _is_valid(line.decode(errors="replace"), at):
            kept.append(line)
    return b"".join(kept)


def find_openpgp(signers: bytes) -> dict[str, str]:
    """Find the principal of each OpenPGP or X.509 key, by its fingerprint in capitals."""
    principals: dict[str, str] = {}
    for line in signers.decode(errors="replace").splitlines():
        match = _OPENPGP.fullmatch(line.strip())
        if match is not None:
            principals["".join(match[2].split()).upper()] = match[1]
    return principals


def _is_valid(line: str, at: int) -> bool:
    principals = _PRINCIPALS.match(line)
    if line.lstrip().startswith("#") or principals is None:
        return True
    rest = line[principals.end() :]
    options = _OPTIONS.match(rest)
    if options is None or _KEY_TYPE.match(rest):
        return True
    for bound, text in _BOUND.findall(options[0]):
        seconds = _read_time(text)
        # ssh-keygen says what is wrong with a line that it cannot read, and goes without it.
        if seconds is None:
            continue
        is_over = at >= seconds if bound.lower() == "before" else at < seconds
        if is_over:
            return False
    return True


def _read_time(text: str) -> int | None:
    try:
        return timegm(strptime(text, _FORMATS[len(text)]))
    except ValueError:
        return None
