"""A process to fork from, and the requests that it answers, each in a child.

Its surroundings are sealed, mlver is imported, and its caches in memory are filled once.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import pkgutil
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import typer.main
import typer.utils

import mlver
from mlver.cli.main import main
from mlver.project.evaluating import measuring_command
from mlver.project.remote import arrival, pulling
from mlver.project.reproducing import reproduce
from mlver.project.runs import beginning, training_command
from mlver.storage import cutting, recipes
from mlver.storage.remote import download, survey, upload
from mlver.system import copying, parallel, running, timings
from mlver.system.running import FinishedRun, RunCommand
from tests.faults import ground, preparations, preparations_of_remotes
from tests.faults.campaign import CampaignExtent
from tests.faults.campaigns import run_campaigns
from tests.faults.run import adopt_orphans


@dataclass(frozen=True, slots=True)
class CampaignRequest:
    """Campaigns, such as `kill,errors=20`, and what they are run on, or one of its points."""

    campaigns: str
    point: str
    turn: int = 0
    first: bool = False

    def run_campaigns(self, root: Path) -> dict[str, Any]:
        """The tally of each campaign, as a document."""
        began = time.perf_counter()
        before = _read_processor_seconds()
        name, _, only = self.point.partition(":")
        wanted: dict[str, CampaignExtent] = {}
        for word in self.campaigns.split(","):
            campaign, _, most = word.partition("=")
            points = int(most) if most else sys.maxsize
            wanted[campaign] = CampaignExtent(points, only, self.first, self.turn)
        tallies = run_campaigns(wanted, name, root)
        for tally in tallies.values():
            tally.seconds = round(time.perf_counter() - began, 1)
            tally.processor = round(_read_processor_seconds() - before, 1)
        return {campaign: asdict(tally) for campaign, tally in tallies.items()}


def _read_processor_seconds() -> float:
    return sum(os.times()[:4])


def serve_requests(lines: Iterator[str], answer: Callable[[str], object]) -> None:
    """Answer each line, a request as JSON, with a line: the tallies, or the traceback as text."""
    with fork_server() as root:
        kept = {*root.iterdir(), root / ground.PREPARED}
        for line in lines:
            answer(_answer_request(CampaignRequest(**json.loads(line)), root) + "\n")
            for path in set(root.iterdir()) - kept:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _answer_request(request: CampaignRequest, root: Path) -> str:
    """Do it in a child: whatever a campaign leaves in memory ends with it."""
    descriptor = os.memfd_create("answer")
    pid = os.fork()
    if pid == 0:
        outcome: object = None
        try:
            # the requests to come are for the parent alone, and so is the line that answers one
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)
            adopt_orphans()
            outcome = request.run_campaigns(root)
        # the parent has to be told of whatever it is, and the child must not run on
        except BaseException:  # noqa: BLE001
            outcome = traceback.format_exc()
        finally:
            os.write(descriptor, json.dumps(outcome).encode())
            os._exit(0)
    os.waitpid(pid, 0)
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        return file.read().decode()


@contextmanager
def fork_server() -> Iterator[Path]:
    """Yield a directory in memory to work in."""
    with tempfile.TemporaryDirectory(prefix="mlver-faults-", dir=ground.MEMORY) as directory:
        root = Path(directory)
        ground.seal_environment(root)
        parallel.LARGE = preparations.LARGE
        # Typer reads the parameters of every command again for each, which takes a tenth of it.
        vars(typer.main)["get_params_from_function"] = cache(typer.utils.get_params_from_function)
        # What is large is copied by several calls, and the largest past the system's memory.
        copying.COPY_BYTES = preparations.LARGE
        copying.DIRECT_BYTES = 2 * preparations.LARGE
        # It is found out by writing, once in each process.
        tempfile.gettempdir()
        _shrink_transfers()
        _measure_steadily()
        _live_once(root / "first")
        adopt_orphans()
        yield root


def _shrink_transfers() -> None:
    """Let small contents be sent as large ones are, one call after another, with no pause."""
    for module in (recipes, cutting, survey, upload):
        vars(module)["PART_BYTES"] = preparations_of_remotes.PART
    for module in (survey, upload, download):
        vars(module)["SMALL_BYTES"] = preparations_of_remotes.SMALL
    # checkout and watch bring objects with as many threads as is usual, whose calls come in any
    # order
    for brings in (vars(arrival)["bring_objects"], vars(pulling.PullOptions)["__init__"]):
        brings.__kwdefaults__["jobs"] = 1
    object.__setattr__(timings.STANDARD.retries, "first_wait", 0.0)


def _measure_steadily() -> None:
    """Let every command take as long as any other, so that equal runs write equal records."""

    def run_steadily(command: RunCommand) -> FinishedRun:
        finished = running.run_command(command)
        return replace(finished, seconds=1.0, cpu_seconds=1.0, max_rss_bytes=1 << 20)

    for module in (measuring_command, training_command, reproduce):
        vars(module)["run_command"] = run_steadily
    # A run that is begun again is the same one.
    vars(beginning)["draw_digits"] = lambda: "1a2b3c"


def _live_once(path: Path) -> None:
    """A whole life in this process, so that no child compiles a schema or a pattern, or imports
    anything, again.
    """
    for module in pkgutil.walk_packages(mlver.__path__, "mlver."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    place = ground.new_place(path)
    place.write("model.bin", preparations.make_weights(1))
    place.write("data/0.txt", "row\n")
    lives = (
        ("init",),
        preparations.FIRST,
        ("promote", "m@1.0.0", "--to", "staging", "-m", "Try it"),
        ("register", "m", "--version", "1.1.0", "-m", "Second"),
        ("promote", "m@1.1.0", "--to", "staging", "-m", "Try it"),
        ("rollback", "m", "--stage", "staging", "--to", "1.0.0", "--checkout", "-m", "Back"),
        ("checkout", "m@1.1.0", "--force"),
        ("tag",),
        ("verify", "--all", "--json"),
        ("show", "m@9.9.9"),
    )
    for argv in lives:
        with (
            io.TextIOWrapper(io.BytesIO(), "utf-8") as out,
            io.TextIOWrapper(io.BytesIO(), "utf-8") as err,
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main(["-C", str(path), *argv])
        if code not in (0, 3):
            sys.exit(f"mlver {' '.join(argv)} exited {code}")
