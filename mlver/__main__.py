"""`python -m mlver`, `mlver` and `git-mlver`."""

from __future__ import annotations

import gc
import sys


def run() -> None:
    """The console scripts' entry."""
    # Nearly all that start-up and a walk make, stays: to look for garbage among it every 700
    # objects costs a twentieth.
    gc.set_threshold(200_000)
    from mlver.cli.leaving import end_process

    if sys.argv[1:2] == ["hook"]:
        from mlver.cli.quick_hook import run_hook

        end_process(run_hook(sys.argv[2:]))
    from mlver.cli.main import main

    end_process(main())


if __name__ == "__main__":
    run()
