"""What commands cost in counts, which no load of the machine changes.

A regression shows here before it is felt.

A bound is what was counted when it was written. A count above it needs a reason; one below it, a
lower bound.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlver.storage.remote.directory import init_directory
from tests.conftest import CHECKOUT, NOW_EPOCH, Repository

Counts = Mapping[str, Any]
CountCommand = Callable[..., Counts]
_PROBE = CHECKOUT / "tests/benchmarks/probe.py"


def counted(repository: Repository, *argv: str) -> Counts:
    report = repository.path.parent / "counts.json"
    done = subprocess.run(
        [sys.executable, _PROBE, report, *argv],
        cwd=repository.path,
        env={**os.environ, "PYTHONPATH": os.fspath(CHECKOUT), "SOURCE_DATE_EPOCH": NOW_EPOCH},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    told: Counts = json.loads(report.read_text())
    return told


def trained(path: Path, files: int) -> Repository:
    """A model whose data is so many files, none of them changed lately."""
    made = Repository(path)
    path.mkdir()
    made.git("init", "--quiet")
    made.write(".gitignore", "/artifacts\n")
    for number in range(files):
        made.write(f"artifacts/data/{number % 7}/{number}", str(number))
    made.write("artifacts/weights.bin", b"weights" * 100)
    for file in (path / "artifacts").rglob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    made.commit()
    assert made.mlver("init").code == 0
    return made


def versioned(path: Path, versions: int, files: int = 10) -> Repository:
    made = trained(path, files)
    told = ("--weights", "artifacts/weights.bin", "--data", "train=artifacts/data", "-m", "why")
    assert made.mlver("register", "m", *told).code == 0
    for number in range(1, versions):
        done = made.mlver("register", "m", "--bump", "minor", "-m", "why", "--param", f"n={number}")
        assert done.code == 0, done.err
    return made


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = versioned(tmp_path_factory.mktemp("counts") / "repository", 4)
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        assert made.mlver("promote", f"m@{version}", "--to", "production", "-m", "why").code == 0
    for argv in BOUNDS:  # what is parsed is parsed once
        counted(made, *argv)
    return made


@pytest.fixture(scope="module")
def count_once(story: Repository) -> CountCommand:
    """What a command that changes nothing costs in the story: run once for all tests that ask."""
    return cache(lambda *argv: counted(story, *argv))


# Of each command: git processes, fsyncs, records parsed, artifact files opened, modules imported.
BOUNDS = {
    ("--version",): (0, 0, 0, 0, 6),
    # A pipe needs no styles, and rich, which has them, is not imported. Each section of the
    # settings is a module, and two look for what versions were found to be worth later.
    # What names files may have, and how long they may be, are two modules beside that of paths.
    ("list",): (2, 0, 0, 0, 167),
    ("list", "--json"): (2, 0, 0, 0, 167),
    # It shares a module with `diff`, which names the commands that fetch a code commit.
    # Two modules of both look whether `.mlverignore` is there, and whether it changed. Another
    # looks for open rollouts, and one says what share they have.
    ("status",): (5, 0, 0, 0, 242),
    # Two modules read a REF and look for what it means, one takes records from the cache, many at
    # once, and three read the notes and retirements of a version. `status` and `diff` share a
    # screen with the review of a branch, which tells retirements that it adds: two more.
    # Read afresh, whatever the cache says: the settings, and each record that is shown.
    # Two processes look whether the code commit is here, and whether anything leads to it.
    # What judges promotions is imported, for who promoted a version is shown with it: a module for
    # each gate, and decimal numbers. The history of a stage is read only for a version that holds
    # one: three processes, and its promotions.
    # Notes, retirements, reproductions, verdicts and rollouts are shown, too: five kinds of record
    # more, and what says which share of the traffic a version has.
    ("show", "m"): (4, 0, 3, 0, 264),
    ("show", "m@1.2.0"): (7, 0, 7, 0, 264),
    # The seals of its promotions are read (the tags, and what their commits hold), and history:
    # which commit landed each record, who made it, and which changed the rules.
    # Shares of the traffic and changed rules are events of their own.
    ("log",): (6, 0, 9, 0, 278),
    ("diff", "m@1.0.0", "m@1.3.0"): (5, 0, 4, 0, 268),
}


@pytest.mark.parametrize("argv", BOUNDS, ids=" ".join)
def test_reading_costs_no_more_than_it_did(count_once: CountCommand, argv: tuple[str, ...]) -> None:
    counts = count_once(*argv)
    names = ("processes", "syncs", "parsed", "artifacts", "modules")
    found = tuple(counts.get(name, 0) for name in names)
    assert all(count <= bound for count, bound in zip(found, BOUNDS[argv], strict=True)), found
    assert "forks" not in counts


PROCESSES = {
    ("verify", "--all"): 10,
    ("doctor",): 12,
    # However many stages and moves there are: history, refs and tags, and what git holds.
    ("audit",): 8,
    ("audit", "m", "--stage", "production", "--at", "2026-01-02"): 8,
    ("tag", "--dry-run"): 6,
    ("hook", "pre-commit"): 4,
    ("hook", "check"): 4,
}


@pytest.mark.parametrize("argv", PROCESSES, ids=" ".join)
def test_checking_starts_no_more_processes_than_it_did(
    count_once: CountCommand, argv: tuple[str, ...]
) -> None:
    assert count_once(*argv)["processes"] <= PROCESSES[argv]


def test_writing_starts_no_more_processes_than_it_did(tmp_path: Path) -> None:
    made = versioned(tmp_path / "repository", 2)
    # One of each asks for a commit's date, which only a fixed SOURCE_DATE_EPOCH makes necessary.
    for count, argv in (
        (14, ("register", "m", "--bump", "minor", "--param", "n=9")),
        # One lists the retirements that HEAD has: what was removed here counts as well.
        (14, ("promote", "m@1.0.0", "--to", "production")),
        (14, ("promote", "m@1.1.0", "--to", "production")),
        # Three read what the main branch's rule asks of a rollback: whether it has to be signed.
        (12, ("rollback", "m", "--stage", "production")),
    ):
        assert counted(made, *argv, "-m", "why")["processes"] <= count, argv


@pytest.mark.parametrize(
    "argv", [("--version",), ("list", "--json"), ("list",), ("show", "m"), ("status",), ("log",)]
)
def test_reading_what_is_known_never_imports_what_reads_or_judges_files(
    count_once: CountCommand, argv: tuple[str, ...]
) -> None:
    heavy = set(count_once(*argv)["heavy"])
    if argv[0] in ("show", "log"):
        heavy.discard("yaml")
        assert "sqlite3" not in heavy
    assert not heavy & {"git", "yaml", "jsonschema", "multiprocessing", "asyncio", "ssl"}
    if "--json" in argv:
        assert "rich" not in heavy


def test_the_far_end_of_ssh_knows_no_repository(story: Repository, tmp_path: Path) -> None:
    init_directory(tmp_path / "store")
    counts = counted(story, "store", "--", os.fspath(tmp_path / "store"))
    assert not {"typer", "rich", "git", "semver"} & set(counts["heavy"])
    assert counts.get("processes", 0) == 0
    assert counts["ours"] <= 40


@pytest.mark.parametrize(
    "argv",
    [
        ("hook", "pre-commit"),
        ("tag", "--dry-run"),
        ("verify", "--all"),
        ("doctor",),
        ("diff", "m@1.0.0", "m@1.3.0"),
    ],
    ids=" ".join,
)
def test_gitpython_is_imported_only_where_a_remote_is_spoken_to(
    count_once: CountCommand, argv: tuple[str, ...]
) -> None:
    assert "git" not in count_once(*argv)["heavy"]


def test_what_was_never_looked_at_costs_no_process_more(story: Repository) -> None:
    for file in (story.path / ".git/mlver").glob("state.db*"):
        file.unlink()
    first, second = counted(story, "list"), counted(story, "list")
    assert (first["processes"], second["processes"]) == (2, 2)


def test_all_of_history_is_read_in_one_process(count_once: CountCommand) -> None:
    assert count_once("verify", "--all")["histories"] == 1
    assert count_once("audit")["histories"] == 1


def test_an_audit_parses_each_promotion_once_whatever_the_cache_has(
    count_once: CountCommand,
) -> None:
    # Three moves and four versions; and the settings, as they are and as history has them.
    assert count_once("audit")["parsed"] <= 14


def test_many_moves_and_stages_cost_an_audit_no_process_each(tmp_path: Path) -> None:
    costs = []
    for count in (2, 6):
        made = versioned(tmp_path / str(count), 2)
        for number in range(count):
            for stage in ("staging", "production")[: count // 2]:
                done = made.mlver("promote", f"m@1.{number % 2}.0", "--to", stage, "-m", "why")
                assert done.code == 0, done.err
        costs.append(counted(made, "audit")["processes"])
    assert costs[0] == costs[1]


# -- growth ----------------------------------------------------------------------------------------


def test_listing_the_newest_opens_what_it_shows_however_many_there_are(tmp_path: Path) -> None:
    few, many = versioned(tmp_path / "few", 3), versioned(tmp_path / "many", 9)
    one, other = (counted(made, "list", "--limit", "2") for made in (few, many))
    assert one == other


def test_a_rollback_costs_the_same_however_many_versions_there_are(tmp_path: Path) -> None:
    costs = []
    for count in (3, 9):
        made = versioned(tmp_path / str(count), count)
        for version in ("1.0.0", "1.1.0"):
            assert (
                made.mlver("promote", f"m@{version}", "--to", "production", "-m", "why").code == 0
            )
        costs.append(counted(made, "rollback", "m", "--stage", "production", "-m", "why"))
    for name in ("processes", "records", "parsed", "manifests", "own"):
        assert costs[0].get(name, 0) == costs[1].get(name, 0), name


def test_small_files_cost_no_sync_and_no_process_each(tmp_path: Path) -> None:
    costs = []
    for files in (70, 210):
        made = trained(tmp_path / str(files), files)
        costs.append(counted(made, "register", "m", "--weights", "artifacts/data", "-m", "why"))
    few, many = costs
    assert many["processes"] == few["processes"]
    assert many["own"] == few["own"]
    # git's own objects fall into folders by chance, each of which is synced
    assert abs(many["syncs"] - few["syncs"]) <= 12
    assert many["artifacts"] - few["artifacts"] == 140


def test_many_seals_cost_no_process_each(tmp_path: Path) -> None:
    costs = []
    for count in (70, 140):
        made = versioned(tmp_path / str(count), 1)
        record = made.path / ".mlver/models/m/versions/1.0.0.yaml"
        for number in range(1, count):
            text = record.read_text().replace('version: "1.0.0"', f'version: "1.{number}.0"')
            record.with_name(f"1.{number}.0.yaml").write_text(text)
        made.commit("What a merge brought")
        costs.append(counted(made, "tag"))
        assert len(made.git("tag").splitlines()) == count
    few, many = costs
    # A list that a pipe might not hold is read by a process of its own.
    assert few["processes"] <= many["processes"] <= few["processes"] + 1


def test_an_unchanged_tree_is_not_read_again(tmp_path: Path) -> None:
    made = versioned(tmp_path / "repository", 1, files=50)
    counted(made, "status")
    again = counted(made, "status")
    assert again.get("artifacts", 0) == 0
    assert again["folders"] <= 2 * 8 + 2


def test_another_model_costs_status_one_process(tmp_path: Path) -> None:
    """It counts commits since the version. All models share one look at the work tree."""
    made = versioned(tmp_path / "repository", 1)
    alone = counted(made, "status")["processes"]
    told = ("--weights", "artifacts/weights.bin", "-m", "why")
    assert made.mlver("register", "n", *told).code == 0
    assert counted(made, "status")["processes"] <= alone + 1
