"""The main story, command by command, as a person lives it: whole screens."""

from __future__ import annotations

import re

import pytest

from tests.cli.conftest import assert_refused, train_model
from tests.conftest import Repository

HEX = re.compile(r"\b[0-9a-f]{10}\b|(?<=sha256:)[0-9a-f]{12}")
GATES = "  pass  sealed          sealed\n  pass  verified bytes  every byte checked\n"
METRICS = (
    "metrics\n"
    "  accuracy  0.91 →  0.94  +0.03  +3.3 %\n"
    "  log_loss     1 →   0.5   −0.5  −50 %\n"
    "  which way is better: mlver config set --model digits directions.accuracy higher\n"
)
CHANGED = "artifacts\n  weights  changed  model  2 files, 17 kB\n    ~  weights.safetensors\n"
# The weights of stories are text, whatever their name says.
DAMAGED = (
    "warning: model/weights.safetensors cannot be read: its header would be"
    " 2,338,340,623,295,800,695 bytes long, and the file has 17,000\n"
    "note: the record says so, and no gate `formats` will pass\n"
)
PARAMS = "params\n  lr  0.001 → 0.002\n"


def screen(repository: Repository, *arguments: str) -> str:
    """The screen of a command that works and is silent on stderr; without object names."""
    done = repository.mlver(*arguments)
    assert (done.code, done.err) == (0, "")
    return HEX.sub("…", done.out).replace(str(repository.path), "HERE")


def test_the_first_version(project: Repository) -> None:
    assert screen(project, "init") == (
        "Set up mlver in HERE\n"
        "  .mlver/.gitattributes\n"
        "  .mlver/config.yaml\n"
        "next: mlver register MODEL --weights PATH -m WHY\n"
    )
    assert screen(project, "init") == "mlver is set up here already; nothing changed\n"
    inputs = "--weights model --data train=data/train.csv"
    values = "--params params.yaml --metrics metrics.json"
    words = f"digits {inputs} {values} -m First".split()
    assert screen(project, "register", *words) == (
        "Registered digits 1.0.0\n"
        "  weights  model           2 files  17 kB  sha256:…\n"
        "  train    data/train.csv   1 file    8 B  sha256:…\n"
        "  metrics  accuracy 0.91, log_loss 1\n"
        "  environment  the Python that runs mlver\n"
        f"  commit …, tag digits@v1.0.0\n{DAMAGED}"
        "next: mlver promote digits@1.0.0 --to STAGE -m WHY\n"
    )
    assert project.git("status", "--porcelain") == ""
    assert project.git("tag") == "digits@v1.0.0"
    assert screen(project, "status") == (
        "digits 1.0.0  against the work tree\n  weights, data and params are as registered\n"
    )


def test_the_next_version(first: Repository) -> None:
    train_model(first, 2)
    assert screen(first, "status") == (
        f"digits 1.0.0  against the work tree\n{CHANGED}{PARAMS}{METRICS}"
        "code  1 commit since\n"
        "next: mlver register digits --bump minor -m WHY   (makes 1.1.0)\n"
    )
    assert screen(first, "register", "digits", "--bump", "minor", "-m", "Second") == (
        "Registered digits 1.1.0  after 1.0.0\n"
        "  weights  model           2 files  17 kB  sha256:…\n"
        "  train    data/train.csv   1 file    8 B  sha256:…  unchanged\n"
        "  metrics  accuracy 0.94, log_loss 0.5\n"
        "  environment  the Python that runs mlver\n"
        f"  commit …, tag digits@v1.1.0\n{DAMAGED}"
    )


def test_what_there_is_and_what_changed(second: Repository) -> None:
    assert screen(second, "list") == (
        "digits\n"
        "  production 1.0.0  latest 1.1.0\n"
        "  version  accuracy  log_loss  age  message\n"
        "  1.1.0        0.94       0.5  now  Second\n"
        "  1.0.0        0.91         1  now  First\n"
    )
    assert screen(second, "diff", "digits@1.0.0", "@1.1.0") == (
        f"digits 1.0.0 → digits 1.1.0\n{PARAMS}{METRICS}{CHANGED}"
        "code  1 commit\n"
        "  …  Training run 2\n"
        "  metrics.json | 2 +-\n"
        "  params.yaml  | 2 +-\n"
        "  2 files changed, 2 insertions(+), 2 deletions(-)\n"
        "next: mlver diff digits@1.0.0 @1.1.0 --weights\n"
    )
    assert screen(second, "tag") == "every record on HEAD is sealed already\n"
    shown = screen(second, "show", "@production")
    assert shown.startswith(
        "digits 1.0.0  production\n  First\n  registered  2026-01-02 03:04 UTC by Kim <kim@"
    )
    for line in (
        "  parent      none, update full",
        "  code        … on main",
        "  sealed      digits@v1.0.0 on …",
        "  seed        42",
        "  weights  model           2 files  17 kB  sha256:…  safetensors",
        "  accuracy  0.91",
    ):
        assert f"\n{line}\n" in shown


def test_stages_move_and_come_back(second: Repository) -> None:
    assert screen(second, "promote", "digits", "--to", "production", "-m", "Better") == (
        f"Promoted digits 1.1.0 to production (was 1.0.0)\n{GATES}"
    )
    assert screen(second, "promote", "digits", "--to", "production", "-m", "Again") == (
        "digits 1.1.0 holds production already; nothing changed\n"
    )
    assert screen(
        second, "rollback", "digits", "--stage", "production", "-m", "Too slow", "--checkout"
    ) == (
        "Rolled back production from 1.1.0 to digits 1.0.0\n"
        "  every byte of it was read and found right (17 kB)\n"
        "  1 file written, 2 unchanged  in HERE\n"
        "  not of this version: params.yaml (lr), metrics.json (accuracy, log_loss)\n"
        "  hint: mlver checkout digits@1.0.0 --inputs\n"
    )
    assert (second.path / "model/weights.safetensors").read_text().startswith("weights of run 1\n")
    # all within the second that tests live in, so in the order of the records
    _, *events = screen(second, "log", "digits").splitlines()
    assert [event.removeprefix("2026-01-02 03:04  digits ") for event in events] == [
        "1.0.0  rolled back  production: 1.1.0 → 1.0.0    Kim  …  Too slow",
        "1.1.0  promoted     production: 1.0.0 → 1.1.0    Kim  …  Better",
        "1.0.0  promoted     production: (empty) → 1.0.0  Kim  …  Release",
        "1.1.0  registered                                Kim  …  Second",
        "1.0.0  registered                                Kim  …  First",
    ]
    _, newest, rest = screen(second, "log", "--stage", "production", "-n", "1").splitlines()
    assert newest.endswith("rolled back  production: 1.1.0 → 1.0.0  Kim  …  Too slow")
    assert rest == "2 older events: add --limit 3"
    assert assert_refused(
        second, "rollback", "digits", "--stage", "production", "-m", "Too slow"
    ) == (
        "error: there is nothing to go back to: what production held before digits 1.0.0 was"
        " rolled back or retired\n"
        "hint: mlver log digits --stage production\n"
        "hint: mlver rollback digits --stage production --to 1.1.0 -m WHY\n"
    )
    assert (
        screen(second, "verify", "--all")
        == "All is well  2 versions, 3 promotions, 6 files, 34 kB\n"
    )
    assert "next: mlver checkout digits@1.1.0 --inputs   (goes forward again)\n" in screen(
        second, "status"
    )


def test_a_checkout_beside_the_work_tree(second: Repository) -> None:
    place = second.path.parent / "elsewhere"
    assert screen(second, "checkout", "digits@1.0.0", "--to", "../elsewhere") == (
        f"Checked out digits 1.0.0\n  3 files written, 0 unchanged  in {place}\n"
    )
    there = place / "model/weights.safetensors"
    assert there.read_text().startswith("weights of run 1\n")
    assert (second.path / "model/weights.safetensors").read_text().startswith("weights of run 2\n")


def test_directions_tell_better_from_worse(second: Repository) -> None:
    settings = second.path / ".mlver/models/digits/model.yaml"
    settings.write_text(
        f"{settings.read_text()}directions: {{accuracy: higher, log_loss: higher}}\n"
    )
    assert (
        "metrics\n"
        "  accuracy  0.91 →  0.94  +0.03  +3.3 %  better\n"
        "  log_loss     1 →   0.5   −0.5  −50 %   worse\n"
        "artifacts\n"
    ) in screen(second, "diff", "digits@1.0.0", "@1.1.0")


@pytest.mark.parametrize("command", ["status", "diff"])
def test_exit_code_tells_whether_anything_differs(first: Repository, command: str) -> None:
    assert first.mlver(command, "digits", "--exit-code").code == 0
    train_model(first, 2)
    assert first.mlver(command, "digits").code == 0
    assert first.mlver(command, "digits", "--exit-code").code == 1


def test_model_yaml_remembers_what_was_told_once(first: Repository) -> None:
    settings = first.path / ".mlver/models/digits/model.yaml"
    before = settings.read_bytes()
    assert b"path: model\n" in before
    assert b"- params.yaml\n" in before
    train_model(first, 2)
    assert first.mlver("register", "digits", "--bump", "minor", "-m", "Second").code == 0
    assert settings.read_bytes() == before
    first.write("other.json", '{"f1": 0.5}')
    first.commit()
    done = first.mlver(
        "register", "digits", "--bump", "patch", "--metrics", "other.json", "-m", "Measured anew"
    )
    assert done.code == 0
    assert b"- other.json\n" in settings.read_bytes()
    assert b"metrics.json" not in settings.read_bytes()
    assert first.git("status", "--porcelain") == ""
