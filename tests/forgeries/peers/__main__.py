"""What GTO, DVC and MLflow's registry notice of the forgeries that mlver names.

    python -m tests.forgeries.peers DIR               all three; DIR keeps their environments
    python -m tests.forgeries.peers DIR --only GTO    one of them
    python -m tests.forgeries.peers DIR --kind edited --kind removed

Each tool gets the nearest honest registry, then each forgery in a copy of it, then every command of
its own that could complain. What is asked is the honest registry's fresh clone, a fresh clone of
the forged one, and a clone that somebody kept. Needs git and a network to install the tools from.
The tables are Markdown on stdout.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.harness import Bench, say
from tests.forgeries.peers import of_dvc, of_gto, of_mlflow
from tests.forgeries.peers.git_ground import (
    GitForgery,
    GitGround,
    bring_forgery,
    list_arrivals,
    update_kept,
)
from tests.forgeries.peers.judging import (
    CaseOutcome,
    CommandResult,
    ToolCommand,
    ToolReport,
    copy_folder,
    is_believed,
    list_noticing,
    require_honest,
    run_commands,
)
from tests.forgeries.peers.tables import KINDS, format_cases, format_table

_KEPT = " in a kept clone"


@dataclass(frozen=True, slots=True)
class GitTool:
    """A tool whose registry is a git repository.

    `storage` holds the bytes that the repository points to; the honest one lies in `top`.
    """

    python: Path
    top: Path
    ground: GitGround
    commands: Sequence[ToolCommand]
    prepare: Callable[[Path, Path], None]

    def ask(self, clone: Path, storage: Path) -> list[CommandResult]:
        """Let a clone be judged by the tool's own commands."""
        self.prepare(clone, storage)
        site = {"DVC_SITE_CACHE_DIR": os.fspath(clone.with_name(f"{clone.name}-site"))}
        return run_commands(self.python, self.commands, clone, {**self.ground.environment, **site})

    def clone(self, remote: Path, target: Path) -> Path:
        self.ground.git(self.top, "clone", "--quiet", os.fspath(remote), os.fspath(target))
        return target

    def judge_forgery(
        self, forgery: GitForgery, arrival: str, case: Path, honest: Sequence[CommandResult]
    ) -> CaseOutcome:
        """Play one forgery, and ask in a fresh clone and in one that somebody kept."""
        case.mkdir()
        remote = copy_folder(self.ground.remote, case / "remote.git")
        storage = copy_folder(self.top / "storage", case / "storage")
        kept = copy_folder(self.top / "kept", case / "kept")
        self.ground.git(kept, "remote", "set-url", "origin", os.fspath(remote))
        if forgery.store:
            forgery.store(storage)
        noticed = bring_forgery(self.ground, remote, case / "forger", forgery, arrival)
        noticed += update_kept(self.ground, kept)
        fresh_answers = self.ask(self.clone(remote, case / "fresh"), storage)
        kept_answers = self.ask(kept, storage)
        fresh = list_noticing(honest, fresh_answers)
        also_kept = [label for label in list_noticing(honest, kept_answers) if label not in fresh]
        noticed += [*fresh, *(f"{label}{_KEPT}" for label in also_kept)]
        return CaseOutcome(
            kind=forgery.kind,
            forged=forgery.forged,
            arrival=arrival,
            noticed=noticed,
            believed=is_believed(honest, fresh_answers),
        )

    def judge_forgeries(
        self, forgeries: Iterator[GitForgery], kinds: Sequence[str]
    ) -> Iterator[CaseOutcome]:
        """Play every forgery of these kinds in every way that it can arrive."""
        honest = self._ask_honest()
        number = 0
        for forgery in forgeries:
            if forgery.kind not in kinds:
                continue
            for arrival in list_arrivals(self.ground, forgery):
                number += 1
                outcome = self.judge_forgery(forgery, arrival, self.top / f"case{number}", honest)
                say(f"{outcome.kind}, {outcome.forged}, {arrival}: {outcome.verdict}")
                yield outcome

    def _ask_honest(self) -> list[CommandResult]:
        """Ask about the honest registry, in the clone that is kept and in a fresh one."""
        storage = self.top / "storage"
        storage.mkdir(exist_ok=True)
        require_honest(self.ask(self.clone(self.ground.remote, self.top / "kept"), storage))
        honest = self.ask(self.clone(self.ground.remote, self.top / "fresh"), storage)
        require_honest(honest)
        return honest


def main() -> int:
    asked = _read_arguments()
    reports: list[ToolReport] = []
    with Bench.made(environments=asked.environments.resolve(), quick=True, repeat=None) as bench:
        for name, judge in _TOOLS.items():
            if asked.only in (None, name):
                reports.append(judge(bench, asked.kind or KINDS))
    for line in (*format_table(reports), "", *format_cases(reports)):
        sys.stdout.write(f"{line}\n")
    return 0


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.forgeries.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("environments", type=Path, metavar="DIR", help="where the tools are kept")
    parser.add_argument("--only", choices=_TOOLS, help="one of the tools")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this kind")
    return parser.parse_args()


def _judge_gto(bench: Bench, kinds: Sequence[str]) -> ToolReport:
    python = bench.environment("peers", "adopting") / "python"
    top = bench.root / "gto"
    ground = of_gto.build_ground(top, _make_environment(bench, python))
    tool = GitTool(python, top, ground, of_gto.COMMANDS, of_gto.prepare_clone)
    outcomes = list(tool.judge_forgeries(of_gto.list_forgeries(ground), kinds))
    version = _read_version(bench, python, "gto")
    return ToolReport("GTO", version, of_gto.PURPOSE, outcomes, of_gto.ABSENT)


def _judge_dvc(bench: Bench, kinds: Sequence[str]) -> ToolReport:
    python = bench.environment("peers", "adopting") / "python"
    top = bench.root / "dvc"
    ground = of_dvc.build_ground(top, _make_environment(bench, python), python)
    tool = GitTool(python, top, ground, of_dvc.COMMANDS, of_dvc.prepare_clone)
    outcomes = list(tool.judge_forgeries(of_dvc.list_forgeries(ground), kinds))
    version = _read_version(bench, python, "dvc")
    return ToolReport("DVC", version, of_dvc.PURPOSE, outcomes, of_dvc.ABSENT)


def _judge_mlflow(bench: Bench, kinds: Sequence[str]) -> ToolReport:
    python = bench.environment("mlflow", "registry") / "python"
    case, honest = bench.root / "mlflow" / "case", bench.root / "mlflow" / "honest"
    environment = {
        **_make_environment(bench, python),
        "MLFLOW_TRACKING_URI": f"sqlite:///{case / of_mlflow.DATABASE}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    of_mlflow.build_registry(case, environment, python)
    copy_folder(case, honest)
    before = run_commands(python, of_mlflow.COMMANDS, case, environment)
    require_honest(before)
    copy_folder(honest, case)
    if is_believed(before, run_commands(python, of_mlflow.COMMANDS, case, environment)):
        raise AssertionError("it answers differently about the same registry")
    outcomes: list[CaseOutcome] = []
    for forgery in of_mlflow.list_forgeries():
        if forgery.kind not in kinds:
            continue
        copy_folder(honest, case)
        of_mlflow.play_forgery(case, forgery, environment, python)
        after = run_commands(python, of_mlflow.COMMANDS, case, environment)
        outcome = CaseOutcome(
            kind=forgery.kind,
            forged=forgery.forged,
            arrival=forgery.arrival,
            noticed=list_noticing(before, after),
            believed=is_believed(before, after),
        )
        say(f"{outcome.kind}, {outcome.forged}, {outcome.arrival}: {outcome.verdict}")
        outcomes.append(outcome)
    version = _read_version(bench, python, "mlflow-skinny")
    return ToolReport("MLflow", version, of_mlflow.PURPOSE, outcomes, of_mlflow.ABSENT)


def _make_environment(bench: Bench, python: Path) -> Mapping[str, str]:
    return {**bench.env, "PATH": f"{python.parent}{os.pathsep}{bench.env['PATH']}"}


def _read_version(bench: Bench, python: Path, package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return bench.run([python, "-c", code]).strip()


_TOOLS: Mapping[str, Callable[[Bench, Sequence[str]], ToolReport]] = {
    "GTO": _judge_gto,
    "DVC": _judge_dvc,
    "MLflow": _judge_mlflow,
}


if __name__ == "__main__":
    sys.exit(main())
