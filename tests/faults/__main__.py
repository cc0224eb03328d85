"""Replay a point by its name, or run campaigns on an operation, two operations or a kind of file:

python -m tests.faults kill register:rename#3:before
python -m tests.faults kill=100,errors=20 register
python -m tests.faults damage pack
"""

from __future__ import annotations

import argparse
import json
import sys

from tests.faults.server import CampaignRequest, fork_server, serve_requests


def main() -> int:
    if sys.argv[1:] == ["--serve"]:
        serve_requests(iter(sys.stdin.readline, ""), _print_answer)
        return 0
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "campaigns", help="names, each with the number of points wanted; all of them without"
    )
    parser.add_argument("point", help="what they are run on, or one of its points")
    parser.add_argument(
        "--first", action="store_true", help="stop each campaign at its first red point"
    )
    parser.add_argument(
        "--turn", type=int, default=0, help="which points, where more are there than are wanted"
    )
    request = CampaignRequest(**vars(parser.parse_args()))
    with fork_server() as root:
        results = request.run_campaigns(root)
    sys.stdout.write(json.dumps(results, indent=1) + "\n")
    return int(any(tally["red"] for tally in results.values()))


def _print_answer(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
