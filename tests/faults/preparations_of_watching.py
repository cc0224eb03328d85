"""A watcher's own clone, in which a version in use answers wrongly."""

from __future__ import annotations

import json

from tests.faults.ground import WorkPlace
from tests.faults.preparations_of_remotes import prepare_promoted_there
from tests.faults.run import run_in_process

_SETTINGS = """\
verdict:
  metrics:
    errors:
      bad: outcome="error"
      max: 0.5
  min: 20
auto_rollback: [m]
"""
_TIME = "2026-01-02T03:04:05Z"
WATCH = ("watch", "m", "--stage", "production", "--predictions", "log.jsonl", "--once")


def prepare_watched(place: WorkPlace) -> None:
    """Two versions, the second in production, and the verdict that a log of forty errors gives; all
    of it is pushed.
    """
    prepare_promoted_there(place)
    settings = place.path / ".mlver/config.yaml"
    place.write(".mlver/config.yaml", f"{settings.read_text().rstrip()}\n{_SETTINGS}")
    place.git("commit", "--quiet", "-m", "Say what is watched", ".mlver/config.yaml")
    place.git("push", "--quiet", "origin", "main")
    data = {"model": "m", "version": "1.1.0", "outcome": "error"}
    event = {"type": "mlver.prediction", "time": _TIME, "data": data}
    place.write("log.jsonl", (json.dumps(event) + "\n") * 40)
    judged = run_in_process(
        place.path, ("judge", "m", "--stage", "production", "--predictions", "log.jsonl")
    )
    assert judged.code == 1, judged
    place.git("push", "--quiet", "origin", "main")
    place.git("config", "branch.main.remote", "origin")
    place.write(".git/mlver/watch/clone", "mlver watch\n")
