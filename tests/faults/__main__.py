"""Replay a point by its name, or run campaigns on an operation, two operations or a kind of file:

python -m tests.faults kill register:rename#3:before
python -m tests.faults kill=100,errors=20 register
python -m tests.faults damage pack
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict

from tests.faults.campaign import CampaignExtent
from tests.faults.campaigns import run_campaigns
from tests.faults.server import fork_server


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "campaigns", help="names, each with the number of points wanted; all of them without"
    )
    parser.add_argument("point", help="what they are run on, or one of its points")
    parser.add_argument(
        "--first", action="store_true", help="stop each campaign at its first red point"
    )
    arguments = parser.parse_args()
    name, _, only = arguments.point.partition(":")
    wanted = {}
    for request in arguments.campaigns.split(","):
        campaign, _, most = request.partition("=")
        points = int(most) if most else sys.maxsize
        wanted[campaign] = CampaignExtent(points, only, arguments.first)
    began, cpu = time.perf_counter(), _processor_seconds()
    with fork_server() as root:
        tallies = run_campaigns(wanted, name, root)
    for tally in tallies.values():
        tally.seconds = round(time.perf_counter() - began, 1)
        tally.processor = round(_processor_seconds() - cpu, 1)
    results = {name: asdict(tally) for name, tally in tallies.items()}
    sys.stdout.write(json.dumps(results, indent=1) + "\n")
    return int(any(tally.red for tally in tallies.values()))


def _processor_seconds() -> float:
    return sum(os.times()[:4])


if __name__ == "__main__":
    sys.exit(main())
