"""`status` and `diff`, called as a program calls them, and what they show."""

from __future__ import annotations

import pytest

from mlver.features.comparing.diff import diff_versions
from mlver.features.comparing.status import find_status
from tests.cli.conftest import assert_works, train_model
from tests.conftest import Repository
from tests.features.looking.test_looking import opened


def test_status_names_what_is_missing_and_how_to_get_it_back(second: Repository) -> None:
    (second.path / "data/train.csv").unlink()
    second.git("rm", "--quiet", "--cached", "metrics.json")
    (second.path / "metrics.json").unlink()
    (found,) = find_status(opened(second)).models
    assert [(a.name, a.state) for a in found.artifacts] == [
        ("weights", "unchanged"),
        ("train", "missing"),
    ]
    assert (found.differs, found.bump, found.lacking) == (True, None, ("metrics.json",))
    shown = assert_works(second, "status")
    assert "  train  missing  data/train.csv  1 file, 8 B\n" in shown
    assert "missing  metrics.json\n" in shown
    assert shown.endswith("next: mlver checkout digits@1.1.0\n")


@pytest.mark.parametrize(
    ("change", "bump"),
    [
        ({"model/weights.safetensors": "other"}, "patch"),
        ({"data/train.csv": "c,d\n"}, "minor"),
        ({"params.yaml": "lr: 5\n"}, "minor"),
        ({"metrics.json": '{"accuracy": 1}'}, None),
        ({"train.py": "pass"}, None),
    ],
)
def test_status_suggests_the_bump(
    second: Repository, change: dict[str, str], bump: str | None
) -> None:
    for name, text in change.items():
        second.write(name, text)
    (found,) = find_status(opened(second)).models
    assert found.bump == bump
    assert found.next == {"patch": "1.1.1", "minor": "1.2.0", None: None}[bump]


GIVEN = ("--param", "extra=1", "--param", "opt.name=sgd", "--metric", "f1=0.5")


@pytest.mark.parametrize(
    "params", ["lr: 0.001\nseed: 42\n", "lr: 0.001\nseed: 42\nopt: {momentum: 0.9}\n"]
)
def test_what_the_command_line_gave_is_not_missed_in_the_work_tree(
    first: Repository, params: str
) -> None:
    first.write("params.yaml", params)
    assert_works(first, "register", "digits", "--bump", "minor", *GIVEN, "-m", "Given")
    (found,) = find_status(opened(first)).models
    assert (found.params, found.bump, found.differs) == ((), None, False)
    assert {change.verdict for change in found.metrics} == {"same"}
    assert not diff_versions(opened(first), "digits").differs
    assert {"extra", "opt.name"} <= {
        change.key for change in diff_versions(opened(first), "digits@1.0.0", "digits").params
    }


def test_what_a_file_no_longer_says_is_missed(first: Repository) -> None:
    assert_works(first, "register", "digits", "--bump", "minor", *GIVEN, "-m", "Given")
    first.write("params.yaml", "lr: 0.001\n")
    (found,) = find_status(opened(first)).models
    assert [(change.key, change.kind) for change in found.params] == [("seed", "removed")]
    first.write("params.yaml", "lr: 0.001\nseed: 42\nextra: 2\nopt: sgd\n")
    (found,) = find_status(opened(first)).models
    assert [(change.key, change.kind) for change in found.params] == [
        *(("extra", "changed"), ("opt.name", "removed"), ("opt", "added"))
    ]


def test_diff_against_the_work_tree(second: Repository) -> None:
    project = opened(second)
    assert not diff_versions(project, "digits@1.1.0").differs
    train_model(second, 3, commit=False)
    found = diff_versions(project, "digits@1.1.0")
    assert (found.old, found.new) == ("digits 1.1.0", "digits (work tree)")
    assert [(change.key, change.old, change.new) for change in found.params] == [
        ("lr", 0.002, 0.003)
    ]
    assert [artifact.changed for artifact in found.artifacts] == [("weights.safetensors",), ()]


def test_diff_tells_which_metrics_came_and_went(second: Repository) -> None:
    second.write("metrics.json", '{"accuracy": 0.94, "f1": 0.5}')
    assert assert_works(second, "diff", "digits").startswith(
        "digits 1.1.0 → digits (work tree)\n"
        "metrics\n"
        "  log_loss  0.5             removed\n"
        "  f1               0.5      added\n"
    )


def test_diff_names_what_was_renamed_added_and_removed(second: Repository) -> None:
    (second.path / "model/config.json").rename(second.path / "model/settings.json")
    second.write("model/extra.bin", "new")
    (second.path / "model/weights.safetensors").unlink()
    weights = diff_versions(opened(second), "digits").artifacts[0]
    assert [(renamed.old, renamed.new) for renamed in weights.renamed] == [
        ("config.json", "settings.json")
    ]
    assert (weights.added, weights.removed, weights.changed) == (
        ("extra.bin",),
        ("weights.safetensors",),
        (),
    )
    shown = assert_works(second, "diff", "digits")
    assert (
        "    −  weights.safetensors\n    +  extra.bin\n    →  config.json → settings.json\n"
        in shown
    )


def test_diff_shows_ten_files_and_counts_the_rest(second: Repository) -> None:
    for number in range(40):
        second.write(f"model/part-{number:02}.bin", str(number))
    shown = assert_works(second, "diff", "digits")
    assert shown.count("    +  part-") == 10
    assert "    and 30 more files (--json lists all)\n" in shown
    assert "  weights  changed  model  2 files, 17 kB → 42 files, 17.1 kB\n" in shown
