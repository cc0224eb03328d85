"""Licences as SPDX expressions."""

from __future__ import annotations

import time

import pytest

from mlver.policy.licenses import is_allowed

ALLOWED = ["MIT", "Apache-2.0", "LicenseRef-acme", "GPL-2.0-only WITH Classpath-exception-2.0"]
CASES = {
    "MIT": True,
    "mit": True,
    "(MIT)": True,
    "GPL-2.0-only": False,
    "MIT OR GPL-2.0-only": True,
    "MIT AND GPL-2.0-only": False,
    "MIT AND Apache-2.0": True,
    "GPL-3.0-only OR (MIT AND GPL-2.0-only)": False,
    "GPL-3.0-only OR (MIT AND Apache-2.0)": True,
    "GPL-2.0-only WITH Classpath-exception-2.0": True,
    "MIT WITH Classpath-exception-2.0": False,
    "LicenseRef-acme": True,
    "LicenseRef-other": False,
    "": None,
    "MIT AND": None,
    "MIT/Apache-2.0": None,
    "proprietary": None,
    "NOASSERTION": None,
    "Apache 2.0": None,
    "MIT OR proprietary": None,
    "Classpath-exception-2.0": None,
    "MIT OR (": None,
    "MIT\x00": None,
}


@pytest.mark.parametrize(("expression", "expected"), CASES.items())
def test_is_allowed(expression: str, expected: bool | None) -> None:
    assert is_allowed(expression, ALLOWED) is expected


def test_what_is_allowed_has_to_be_a_licence_itself() -> None:
    assert is_allowed("MIT", ["MIT OR Apache-2.0", "nonsense!", ""]) is False
    assert is_allowed("GPL-2.0-only", ["GPL-2.0-only WITH Classpath-exception-2.0"]) is False


def test_no_text_takes_long() -> None:
    begun = time.process_time()
    for text in ("(" * 100_000, "MIT OR " * 100_000 + "MIT", "(MIT OR " * 120 + "MIT" + ")" * 120):
        is_allowed(text, ALLOWED)
    assert time.process_time() - begun < 3
