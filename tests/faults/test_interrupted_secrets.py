"""A registration of secrets that is killed anywhere leaves nothing of them in plain text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.faults.preparations_of_secrets import SECRET

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks and /proc are Linux's")
_KILLS = 12

# Kills the command at some of its calls, lets the next one settle that, and lists the files of each
# repository that hold the secret, or the first weights, as they are.
_TRY = """
import json, sys, zlib
from pathlib import Path
from tests.faults import ground
from tests.faults.calls import CallFault, NO_FAULT
from tests.faults.preparations import NEXT, make_weights
from tests.faults.preparations_of_secrets import SECRET, prepare_secret
from tests.faults.run import run_child

top, kills = Path(sys.argv[1]), int(sys.argv[2])
ground.seal_environment(top)
argv = (*NEXT, "--params", "params.yaml")
WANTED = (SECRET.encode(), make_weights(2)[:64])

def list_plain(place, wanted=WANTED):
    folders = (place.path / ".git", place.path / ".mlver")
    files = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    for path in files:
        contents = [path.read_bytes()]
        try:
            contents.append(zlib.decompress(contents[0]))
        except zlib.error:
            pass
        if any(text in data for text in wanted for data in contents):
            yield path.relative_to(place.path).as_posix()
    packed = place.git("cat-file", "--batch-all-objects", "--batch", "--unordered")
    if SECRET in packed:
        yield "git's objects"

prepared = ground.new_place(top / "prepared")
prepare_secret(prepared)
whole = run_child(ground.copy_place(prepared.path, top / "whole").path, argv, NO_FAULT)
labels = whole.calls[:: max(len(whole.calls) // kills, 1)]
# What is no secret is stored as it is, and found.
assert list(list_plain(ground.WorkPlace(top / "whole"), [b"another row"]))
found = {"whole": list(list_plain(ground.WorkPlace(top / "whole")))}
for number, label in enumerate(labels):
    place = ground.copy_place(prepared.path, top / str(number))
    killed = run_child(place.path, argv, CallFault(label, "after"))
    assert killed.code is None, label
    found[label] = list(list_plain(place))
    again = run_child(place.path, argv, NO_FAULT)
    assert again.code in (0, 3), (label, again.err)
    found[label] += list(list_plain(place))
print(json.dumps(found))
"""


def test_nothing_stays_in_plain_text_wherever_it_is_killed(tmp_path: Path) -> None:
    pytest.importorskip("pyrage")
    done = subprocess.run(
        [sys.executable, "-c", _TRY, tmp_path / "places", str(_KILLS)],
        cwd=CHECKOUT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stderr
    found = json.loads(done.stdout)
    assert len(found) > _KILLS
    assert {label: files for label, files in found.items() if files} == {}
