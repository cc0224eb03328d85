"""What no record may say, as it can never be taken back: secrets, and where things lie on one person's machine.

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
    "a private path": r"(?<![\w.~-])/(?:home|Users)/[^/\s]|(?<![\w.~/-])/root/|\b[A-Za-z]:\\{1,2}Users\\{1,2}[^\\\s]",
}
# Groups by number: names of groups could not be the words a person reads.
_LEAK = re.compile("|".join(f"({pattern})" for pattern in _KINDS.values()))
_WORDS = tuple(_KINDS)


def find_leaks(text: str) -> list[str]:
    """What leaks in a text, each kind once, in words: never the secret itself, which nothing may repeat."""
    return list(
        dict.fromkeys(
            _WORDS[found.lastindex - 1] for found in _LEAK.finditer(text) if found.lastindex
        )
    )


def find_document_leaks(document: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Each leak of a document's strings, keys among them: where it is, as a key path such as `params.url`, and what."""
    if isinstance(document, str):
        yield from ((where, leak) for leak in find_leaks(document))
    elif isinstance(document, Mapping):
        for key, value in document.items():
            told = find_leaks(str(key))
            yield from ((where or "a key", leak) for leak in told)
            # a key that is itself a secret is not repeated either
            yield from find_document_leaks(value, _join_key_path(where, "…" if told else str(key)))
    elif isinstance(document, Sequence):
        for number, item in enumerate(document):
            yield from find_document_leaks(item, f"{where}[{number}]")


def _join_key_path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
