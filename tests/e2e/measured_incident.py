"""How long a bad release lasts: `python -m tests.e2e.measured_incident FOLDER` prints the seconds.

They begin with the first request that it can answer wrongly, and end once its share is 0.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.e2e.incident import Traffic, run_incident
from tests.servers.starting import Servers


def measure_incident(place: Path) -> float:
    with run_incident(Servers(place / "servers"), place) as incident:
        incident.release()
        incident.watch.wait_for("deployed")
        begun = time.monotonic()
        with Traffic().flow(incident.nginx.port):
            return incident.watch.wait_for("deployed", 2) - begun


if __name__ == "__main__":
    sys.stdout.write(f"{measure_incident(Path(sys.argv[1]).resolve()):.3f}\n")
