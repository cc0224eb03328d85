"""Evaluations, approvals, authorisations, golden promotions and drills made by somebody who means
harm.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import CHECKOUT, Repository
from tests.faults import ground
from tests.faults.hostile import check_all_commands

# What moves a cursor, turns text around, is a command to a runner, or breaks a table or a page.
_TEXT = "\x1b[2J\u202e\n::error::x\n##[error]y | `z` <script>alert(1)</script> \x00\x9b\r"
_LINE = "\u202e ::error::x ##[error]y | `z` <script>alert(1)</script>"
# The keys of texts that a person may choose: of many lines, and of one.
_FREE = ("message", "command", "expected", "actual")
_LINES = ("author", "reference", "gate", "branch")
_MAKE = """
import json, sys
from pathlib import Path
from tests.faults import ground
from tests.faults.preparations import prepare_exam

place = ground.new_place(Path(sys.argv[1]))
prepare_exam(place)
measure = ("sh", "-c", "echo 1 > {samples}; echo '{\\"accuracy\\": 1}' > {metrics}")
place.mlver("evaluate", "m@1.0.0", "--on", "golden", "--", *measure)
place.mlver("approve", "m@1.0.0", "--to", "production", "-m", "Fine")
place.mlver("authorise", "m@1.0.0:train", "--basis", "consent", "--purpose", "training", "-m", "Ok")
config = place.path / ".mlver/config.yaml"
config.write_text(config.read_text().replace("\\nstages:\\n", "\\nstages:\\n  golden: {}\\n", 1))
place.commit("A stage to go back to")
place.mlver("promote", "m@1.0.0", "--to", "golden", "-m", "Known to be good")
place.mlver("drill", "m", "--stage", "golden", "--to", "1.0.0", "--record")
"""
_KINDS = {
    "evaluation": "models/m/evaluations/*/0001.yaml",
    "approval": "models/m/approvals/*/*/0001.yaml",
    "authorisation": "authorisations/*/0001.yaml",
    "promotion": "models/m/stages/golden/0001.yaml",
    "note": "models/m/notes/*/0001.yaml",
}
_DOCUMENTS = {
    "brackets": "[" * 200_000,
    "object": "!!python/object/apply:os.system ['touch CANARY']\n",
    "anchors": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "control": 'schema: "\\e[2J"\nx\x1b[2J: 1\n',
    "no map": "- 1\n",
}
_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("audit",),
    ("audit", "--markdown"),
    ("log", "m"),
    ("show", "m"),
    ("list", "m"),
    ("report", "m", "--since", "2025-01-01"),
    ("gates", "m@1.0.0", "--to", "production"),
    ("drill", "m", "--stage", "golden", "--to", "1.0.0"),
    ("verify", "--all"),
    ("promote", "m@1.0.0", "--to", "production", "-m", "Why"),
)


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version that was measured, approved and tried; made once, in a process of its own."""
    top = tmp_path_factory.mktemp("decided") / "repository"
    subprocess.run(
        [sys.executable, "-c", _MAKE, top],
        cwd=CHECKOUT,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    return top


@pytest.fixture
def victim(decided: Path, tmp_path: Path) -> Repository:
    return Repository(ground.copy_place(decided, tmp_path / "repository").path)


def find_record(victim: Repository, kind: str) -> Path:
    (path,) = (victim.path / ".mlver").glob(_KINDS[kind])
    return path


def replace_texts(value: Any, texts: Mapping[str, str], key: str = "") -> Any:
    """Put hostile texts, by key, in place of what a person may choose."""
    if isinstance(value, Mapping):
        return {name: replace_texts(inner, texts, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [replace_texts(inner, texts, key) for inner in value]
    return texts[key] if key in texts and isinstance(value, str) else value


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("line", [_TEXT, _LINE], ids=["refused", "read"])
def test_hostile_texts(victim: Repository, outside: Path, kind: str, line: str) -> None:
    """A text of many lines may hold anything; one that has to be a line is refused, or shown."""
    path = find_record(victim, kind)
    texts = dict.fromkeys(_FREE, _TEXT) | dict.fromkeys(_LINES, f"Kim {line}")
    hostile = replace_texts(yaml.safe_load(path.read_text()), texts)
    # As JSON: every text there is may be written so, control characters among them.
    path.write_text(json.dumps(hostile))
    victim.commit("By hand")
    shown = victim.mlver("verify", "--all").out
    assert ("is not valid" in shown) is (line == _TEXT), shown
    check_all_commands(victim, outside, _COMMANDS)


@pytest.mark.parametrize("kind", _KINDS)
def test_hostile_documents(victim: Repository, outside: Path, kind: str) -> None:
    path = find_record(victim, kind)
    for text in _DOCUMENTS.values():
        path.write_text(text.replace("CANARY", f"{outside}/canary"))
        check_all_commands(victim, outside, (("audit",), _COMMANDS[6], _COMMANDS[-2]))
