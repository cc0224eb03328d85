"""What no record may say, as it can never be taken back: secrets, and paths of one machine.

The formats of tokens are those their makers publish for scanners; an unknown one passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_KINDS = {
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36,255}|\bgithub_pat_[A-Za-z0-9_]{22,255}",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,255}",
    "a Slack token": r"\bxox[abeprs]-[A-Za-z0-9-]{10,255}",
    "a private key": r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY-----",
    "a Google API key": r"\bAIza[0-9A-Za-z_-]{35}",
    "an OpenAI key": r"\bsk-[A-Za-z0-9_-]{20,255}",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,255}",
    # `$TOKEN`, `<token>` and `***` stand for a password, and are none
    "a password in an address": r"://[^/\s:@]{1,255}:(?![$<{*])[^/\s:@]{1,255}@",
    "a private path": (
        r"(?<![\w.~-])/(?:home|Users)/[^/\s]|(?<![\w.~/-])/root/"
        r"|\b[A-Za-z]:\\{1,2}Users\\{1,2}[^\\\s]"
    ),
}
# Groups by number: names of groups could not be the words a person reads.
_LEAK = re.compile("|".join(f"({pattern})" for pattern in _KINDS.values()))
_WORDS = tuple(_KINDS)


def find_leaks(text: str) -> list[str]:
    """What leaks in a text, each kind once, in words; the secret itself is never repeated."""
    leaks: list[str] = []
    for match in _LEAK.finditer(text):
        if match.lastindex is None:
            continue
        leak_kind = _WORDS[match.lastindex - 1]
        if leak_kind not in leaks:
            leaks.append(leak_kind)
    return leaks


def find_document_leaks(document: Any, key_path: str = "") -> Iterator[tuple[str, str]]:
    """Each leak in a document's strings and keys: key path, such as `params.url`, and kind."""
    if isinstance(document, str):
        for leak_kind in find_leaks(document):
            yield key_path, leak_kind
    elif isinstance(document, Mapping):
        for key, value in document.items():
            leaks = find_leaks(str(key))
            for leak_kind in leaks:
                yield key_path or "a key", leak_kind
            # a key that is itself a secret is not repeated either
            shown_key = "…" if leaks else str(key)
            yield from find_document_leaks(value, _join_key_path(key_path, shown_key))
    elif isinstance(document, Sequence):
        for number, item in enumerate(document):
            yield from find_document_leaks(item, f"{key_path}[{number}]")


def _join_key_path(parent: str, key: str) -> str:
    return f"{parent}.{key}" if parent else key
