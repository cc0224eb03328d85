"""Which settings may protect a branch: told from their bytes alone."""

from __future__ import annotations

import pytest

from mlver.git.staged_quickly import _names_protection


@pytest.mark.parametrize(
    ("text", "may_protect"),
    [
        ("stages: {}\n", False),
        ("#guard:\n#  protect: [main]\n", False),
        ("guard:\n  # to protect nothing\n  pickle: forbid\n", False),
        ("guard: {protect: [main]}\n", True),
        ("#guard:\r  protect: [main]\n", True),
        ('guard: {"protect": [main]} # as before\n', True),
        ("# as before\u2028guard: {protect: [main]}\n", True),
        ("# as before\x85guard: {protect: [main]}\n", True),
    ],
)
def test_only_comments_protect_nothing(text: str, may_protect: bool) -> None:
    assert _names_protection(text.encode()) == may_protect
