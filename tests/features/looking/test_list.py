"""`mlver list`: which versions, in what order, with which columns, on screens of any width."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.features.looking.choosing import choose_matching
from mlver.features.looking.list import ListResult, NewestVersions, VersionFilter, list_versions
from mlver.features.looking.list_screen import draw_list
from mlver.project.project import Project
from mlver.terminal.screen import TextScreen
from tests.cli.conftest import assert_works, copy_repository
from tests.cli.results import read_document
from tests.conftest import Repository

DIRECTIONS = "directions: {spearman: higher, latency.ms: lower}\n"
# Of each version: number, Spearman's rank correlation, latency, and the size of a layer.
RUNS = (
    ("1.0.0", 0.81, 12.5, 16),
    ("1.1.0", 0.84, 14, 32),
    ("1.2.0-rc.1", 0.85, 15, 48),
    ("1.2.0", 0.83, 14, 64),
    ("1.10.0", 0.9, 30, 64),
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Five versions of a model, the oldest in production and the third in staging; only read."""
    made = Repository(tmp_path_factory.mktemp("list") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write("weights.bin", "weights")
    made.commit("First")
    assert made.mlver("init").code == 0
    for number, spearman, latency, width in RUNS:
        made.write("weights.bin", f"weights of {number}")
        words = ["--metric", f"bleu={width}", "--metric", f"spearman={spearman}"]
        words += ["--metric", f"latency.ms={latency}", "--param", f"width={width}"]
        words += ["--label", f"team={'mt' if width < 50 else 'asr'}"]
        words += ["--weights", "weights.bin", "-m", f"Layer of {width}, a new tokenizer"]
        done = made.mlver("register", "minilm", "--version", number, *words)
        assert done.code == 0, done.err
    for number, stage in (("1.0.0", "production"), ("1.2.0-rc.1", "staging")):
        done = made.mlver("promote", f"minilm@{number}", "--to", stage, "-m", "Good")
        assert done.code == 0, done.err
    settings = made.path / ".mlver/models/minilm/model.yaml"
    settings.write_text(settings.read_text() + DIRECTIONS)
    made.commit("Directions")
    return made


def choose(
    registry: Repository,
    *,
    where: str | None = None,
    sort: str | None = None,
    columns: Sequence[str] = (),
    limit: int | None = None,
    is_reversed: bool = False,
) -> list[str]:
    choice = choose_matching(
        limit=limit, where=where, sort=sort, columns=columns, is_reversed=is_reversed
    )
    return list_numbers(registry, choice)


def list_numbers(registry: Repository, choice: VersionFilter) -> list[str]:
    (model,) = list_versions(Project.open_existing(registry.path), "minilm", choice).models
    return [version.version for version in model.versions]


def test_the_newest_come_first_and_holders_of_stages_are_never_hidden(
    registry: Repository,
) -> None:
    assert list_numbers(registry, NewestVersions(1)) == ["1.10.0", "1.2.0-rc.1", "1.0.0"]
    assert list_numbers(registry, NewestVersions(2)) == ["1.10.0", "1.2.0", "1.2.0-rc.1", "1.0.0"]
    assert list_numbers(registry, NewestVersions(None)) == [run[0] for run in RUNS[::-1]]


def test_the_first_line_says_what_each_stage_holds(registry: Repository) -> None:
    lines = assert_works(registry, "list", "-n", "1").splitlines()
    held = "  production 1.0.0  staging 1.2.0-rc.1  latest 1.10.0"
    # Of the versions that are shown, the first metric.
    assert lines[:2] == ["minilm", f"{held}  spearman ▁▄█"]
    assert lines[-1] == "  2 more: mlver list minilm --all"
    (model,) = read_document(registry.mlver("list", "--json"), "list")["models"]
    assert (model["latest"], model["total"], model["matching"]) == ("1.10.0", 5, 5)


def test_latest_is_a_release_below_a_newer_prerelease(registry: Repository, tmp_path: Path) -> None:
    clone = copy_repository(registry, tmp_path / "clone")
    assert_works(clone, "register", "minilm", "--version", "2.0.0-rc.1", "-m", "Try")
    (model,) = list_versions(Project.open_existing(clone.path), None, NewestVersions(1)).models
    assert (model.latest, model.versions[0].version) == ("1.10.0", "2.0.0-rc.1")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("metrics.spearman >= 0.84", ["1.10.0", "1.2.0-rc.1", "1.1.0"]),
        ("metrics.spearman >= 0.84 and labels.team = mt", ["1.2.0-rc.1", "1.1.0"]),
        ("stage = production", ["1.0.0"]),
        ("stage", ["1.2.0-rc.1", "1.0.0"]),
        ("version >= 1.2", ["1.10.0", "1.2.0", "1.2.0-rc.1"]),
        ("sealed and params.width < 40", ["1.1.0", "1.0.0"]),
        ("not sealed", []),
        ("created > 2020-01-01 and message ~ 'layer of 64'", ["1.10.0", "1.2.0"]),
    ],
)
def test_a_filter_chooses(registry: Repository, where: str, expected: list[str]) -> None:
    assert choose(registry, where=where) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("spearman", ["1.10.0", "1.2.0-rc.1", "1.1.0", "1.2.0", "1.0.0"]),
        ("metrics.latency.ms", ["1.0.0", "1.2.0", "1.1.0", "1.2.0-rc.1", "1.10.0"]),
        ("params.width", ["1.0.0", "1.1.0", "1.2.0-rc.1", "1.10.0", "1.2.0"]),
        ("stage", ["1.0.0", "1.2.0-rc.1", "1.10.0", "1.2.0", "1.1.0"]),
        ("labels.team", ["1.10.0", "1.2.0", "1.2.0-rc.1", "1.1.0", "1.0.0"]),
        ("version", ["1.10.0", "1.2.0", "1.2.0-rc.1", "1.1.0", "1.0.0"]),
    ],
)
def test_the_best_come_first(registry: Repository, sort: str, expected: list[str]) -> None:
    assert choose(registry, sort=sort) == expected


def test_the_order_can_be_reversed(registry: Repository) -> None:
    best_first = choose(registry, sort="spearman")
    assert choose(registry, sort="spearman", is_reversed=True) == best_first[::-1]
    assert choose(registry, is_reversed=True) == [run[0] for run in RUNS]


def test_a_limit_counts_what_matches_and_keeps_holders(registry: Repository) -> None:
    assert choose(registry, sort="spearman", limit=1) == ["1.10.0", "1.2.0-rc.1", "1.0.0"]
    shown = assert_works(registry, "list", "--where", "metrics.spearman > 0.82", "-n", "1")
    assert shown.splitlines()[-1] == "  2 more (--all)"


def test_versions_without_the_value_come_last(registry: Repository, tmp_path: Path) -> None:
    clone = copy_repository(registry, tmp_path / "clone")
    words = ("--weights", "weights.bin", "--metric", "bleu=1", "-m", "No correlation")
    clone.write("weights.bin", "others")
    assert_works(clone, "register", "minilm", "--version", "3.0.0", *words)
    assert choose(clone, sort="spearman")[-1] == "3.0.0"
    assert choose(clone, sort="spearman", is_reversed=True)[-1] == "3.0.0"
    assert "3.0.0" in choose(clone, where="metrics.spearman != 0.9")


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (("--where", "metrics.spearmen > 0"), "metrics.spearmen; is it metrics.spearman?"),
        (("--where", "params.momentum > 0"), "params.momentum"),
        (("--sort", "spearmn"), "metrics.spearmn; is it metrics.spearman?"),
    ],
)
def test_a_name_that_no_version_has_is_told(
    registry: Repository, words: tuple[str, ...], note: str
) -> None:
    done = registry.mlver("list", *words)
    assert (done.code, done.err) == (0, f"note: no version of minilm has {note}\n")


def test_a_record_that_cannot_be_read_is_told(registry: Repository, tmp_path: Path) -> None:
    clone = copy_repository(registry, tmp_path / "clone")
    clone.write(".mlver/models/minilm/versions/1.1.0.yaml", "garbage")
    shown = assert_works(clone, "list", "--where", "metrics.spearman > 0.8")
    assert "  unreadable: .mlver/models/minilm/versions/1.1.0.yaml is not valid:" in shown
    assert "\n  1.1.0 " not in shown


def test_columns_are_those_that_were_asked_for(registry: Repository) -> None:
    words = ("--columns", "version,stage", "-c", "spearman, params.width", "-n", "1")
    assert assert_works(registry, "list", *words).splitlines()[2:] == [
        "  version     stage       spearman  params.width",
        "  1.10.0                       0.9            64",
        "  1.2.0-rc.1  staging         0.85            48",
        "  1.0.0       production      0.81            16",
        "  2 more: mlver list minilm --all",
    ]
    (model,) = read_document(registry.mlver("list", *words, "--json"), "list")["models"]
    assert model["versions"][0]["values"] == {
        "version": "1.10.0",
        "stage": [],
        "metrics.spearman": 0.9,
        "params.width": 64,
    }


def test_a_digest_is_a_column_as_its_text(registry: Repository) -> None:
    words = ("-c", "version,weights.digest,code.commit", "--where", "version = 1.0.0")
    (row,) = csv.DictReader(io.StringIO(assert_works(registry, "list", "--csv", *words)))
    assert row["weights.digest"] == str(Digest.of_bytes(b"weights of 1.0.0"))
    assert row["weights.digest"] in assert_works(registry, "list", *words)
    (model,) = read_document(registry.mlver("list", *words, "--json"), "list")["models"]
    assert model["versions"][0]["values"]["weights.digest"] == row["weights.digest"]


def test_columns_that_name_no_field_are_refused(registry: Repository) -> None:
    for columns in (",", " , "):
        done = registry.mlver("list", "--columns", columns)
        assert done.code == 2
        assert f"--columns: `{columns}` names no field" in done.err


def test_a_column_that_no_version_has_is_told(registry: Repository) -> None:
    done = registry.mlver("list", "-c", "version,spearmen,params.widht", "-n", "1")
    assert done.code == 0
    assert "no version of minilm has metrics.spearmen; is it metrics.spearman?" in done.err
    assert "no version of minilm has params.widht; is it params.width?" in done.err
    assert "no version" not in registry.mlver("list", "-c", "spearman", "-n", "1").err


def test_csv_is_whole_and_exact(registry: Repository) -> None:
    rows = list(csv.reader(io.StringIO(assert_works(registry, "list", "--all", "--csv"))))
    head = ["model", "version", "stage", "spearman", "latency.ms", "bleu"]
    assert rows[0] == [*head, "created", "author", "message", "retired"]
    assert rows[5][:6] == ["minilm", "1.0.0", "production", "0.81", "12.5", "16"]
    assert rows[5][8] == "Layer of 16, a new tokenizer"
    assert [len(row) for row in rows] == [10] * 6
    asked = assert_works(registry, "list", "--csv", "-c", "version,labels.team", "-n", "1")
    assert asked == "model,version,labels.team\n" + (
        "minilm,1.10.0,asr\nminilm,1.2.0-rc.1,mt\nminilm,1.0.0,mt\n"
    )


def test_no_cell_is_a_formula(registry: Repository, tmp_path: Path) -> None:
    clone = copy_repository(registry, tmp_path / "clone")
    clone.write("weights.bin", "others")
    words = ("--metric", "@x=-1", "--param", "lr=-3", "-m", "=1+cmd|'/C calc'!A0")
    assert_works(clone, "register", "minilm", "--version", "2.0.0", *words)
    columns = ("-c", "message,metrics.@x,params.lr", "--where", "version = 2")
    rows = csv.reader(io.StringIO(assert_works(clone, "list", "--csv", *columns)))
    assert list(rows) == [
        ["model", "message", "'@x", "params.lr"],
        ["minilm", "'=1+cmd|'/C calc'!A0", "-1", "-3"],
    ]


def test_markdown_is_one_table(registry: Repository) -> None:
    shown = assert_works(registry, "list", "--markdown", "-c", "version,spearman", "-n", "1")
    assert shown.splitlines() == [
        "| version | spearman |",
        "| --- | --: |",
        "| `1.10.0` | 0.9 |",
        "| `1.2.0-rc.1` | 0.85 |",
        "| `1.0.0` | 0.81 |",
    ]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--csv", "--json"), "--csv, --markdown and --json are three ways to print"),
        (("--where", "metrics.spearman >="), "a value behind `>=` is missing at the end"),
        (("--sort", "version.major"), "--sort: there is no field `version.major`"),
        (("--columns", "params"), "--columns: `params` needs a name behind it: params.NAME"),
        (("--where", "created > monday"), "created > monday\n            ^\n"),
    ],
)
def test_what_cannot_be_read_is_a_usage_error(
    registry: Repository, words: tuple[str, ...], reason: str
) -> None:
    done = registry.mlver("list", *words)
    assert done.code == 2
    assert reason in done.out + done.err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def draw_at(result: ListResult, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    screen = TextScreen(stream)
    monkeypatch.setattr(type(screen.rich_console), "width", width)
    draw_list(result, screen)
    return stream.getvalue().splitlines()


SCREENS = {
    40: """\
minilm
  production 1.0.0  staging 1.2.0-rc.1
  latest 1.10.0
  version     spearman  age
  1.10.0          0.9*  2 h
  1.2.0-rc.1     0.85   2 h
  1.0.0          0.81   2 h
""",
    60: """\
minilm
  production 1.0.0  staging 1.2.0-rc.1  latest 1.10.0
  version     spearman  age  message
  1.10.0          0.9*  2 h  Layer of 64, a new tokenizer
  1.2.0-rc.1     0.85   2 h  Layer of 48, a new tokenizer
  1.0.0          0.81   2 h  Layer of 16, a new tokenizer
""",
    80: """\
minilm
  production 1.0.0  staging 1.2.0-rc.1  latest 1.10.0  spearman _-^
  version     spearman  latency.ms  bleu  age  message
  1.10.0          0.9*         30     64  2 h  Layer of 64, a new tokenizer
  1.2.0-rc.1     0.85          15     48  2 h  Layer of 48, a new tokenizer
  1.0.0          0.81        12.5*    16  2 h  Layer of 16, a new tokenizer
""",
}
SCREENS[200] = SCREENS[80]


@pytest.mark.parametrize("width", SCREENS)
def test_metrics_come_before_ages_and_messages(
    registry: Repository, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.open_existing(registry.path)
    result = list_versions(project, None, NewestVersions(1))
    created = result.models[0].versions[0].created
    assert created is not None
    now = (datetime.fromisoformat(created) + timedelta(hours=2)).isoformat()
    lines = draw_at(ListResult(now, result.models), width, monkeypatch)
    assert all(len(line) <= width for line in lines if "mlver" not in line)
    shown = [line for line in lines if " more" not in line]
    assert shown == SCREENS[width].splitlines()


def test_an_unsealed_stage_is_marked(registry: Repository, tmp_path: Path) -> None:
    clone = copy_repository(registry, tmp_path / "clone")
    clone.git("tag", "--delete", "minilm@production.1", "minilm@v1.10.0")
    shown = assert_works(clone, "list", "-n", "1")
    assert "production 1.0.0 (unsealed)  staging" in shown
    assert "1.10.0 unsealed" in shown
