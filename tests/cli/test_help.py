"""Every command has help with an example that works."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from itertools import pairwise

import pytest
from typer import rich_utils

from mlver.cli.app import COMMANDS, load_command
from mlver.cli.main import main
from tests.cli.conftest import assert_works, train_model
from tests.conftest import Repository
from tests.content.tensors.makers import draw_values, make_safetensors
from tests.features.deploying.conftest import SETTINGS as TARGET_SETTINGS
from tests.features.deploying.conftest import add_target
from tests.features.drifting.made_tables import write_rows
from tests.features.evaluating.exams import EVALUATE, PYTHON, pin_exam
from tests.features.monitoring.prediction_logs import begin_serving, write_log
from tests.features.reproducing.trainings import begin_training, make_environment, train
from tests.features.scoring.answered import list_answers, write_answers, write_lines


def helped(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def test_without_arguments_mlver_tells_what_it_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    shown = helped(capsys)
    assert shown == helped(capsys, "--help") == helped(capsys, "-h")
    for name, entry in COMMANDS.items():
        assert f"│ {name} " in shown
        assert f"╭─ {entry.heading} ─" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_on_one_line_and_in_full_with_examples(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    command = load_command(name)
    summary = (command.function.__doc__ or "").splitlines()[0]
    assert f"{summary} " in helped(capsys), "too long for its line of `mlver --help`"
    shown = helped(capsys, name, "--help")
    assert shown == helped(capsys, name, "-h")
    assert summary in shown
    words = shown.split()
    lines = [line.strip() for line in shown.splitlines()]
    paragraphs = lines[
        lines.index(summary) : next(at for at, line in enumerate(lines) if line.startswith("╭"))
    ]
    for line, following in pairwise(paragraphs):
        assert not following or len(line) + 1 + len(following.split()[0]) > 76 or not line, (
            "broken before it is full"
        )
    for example in command.examples:
        assert example.split() == words[_at(words, example.split()) :][: len(example.split())]


def _at(words: list[str], wanted: list[str]) -> int:
    return next(
        (at for at in range(len(words)) if words[at : at + len(wanted)] == wanted), len(words)
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for line in helped(capsys, name, "--help").splitlines():
        words = line.strip("│ *").split("  ")
        if words[0].startswith("--"):
            assert len([word for word in words if word.strip()]) > 1, f"{line} says nothing"


def prepare_remote(repository: Repository, words: list[str]) -> list[str]:
    """Have a remote for what needs one; what names another machine is not tried."""
    store = repository.path.parent / "store"
    if words[0] in ("show", "remove"):
        assert_works(repository, "remote", "add", "storage", str(store), "--init")
    elif any("://" in word for word in words):
        return [*words, "--offline"]
    return [word.replace("/mnt/team/models", str(store)) for word in words]


def share_repository(repository: Repository, name: str) -> None:
    """Have a remote for objects and one of git, and something in production."""
    repository.git("init", "--quiet", "--bare", "../remote.git")
    repository.git("remote", "add", "origin", "../remote.git")
    store = repository.path.parent / "store"
    assert_works(repository, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    assert_works(repository, "remote", "add", "storage", str(store), "--init")
    if name == "pull":
        assert_works(repository, "push")


def prepare_exam(repository: Repository, words: list[str]) -> list[str]:
    """Have a pinned data set, and a script that writes where the example says."""
    pin_exam(repository)
    if "--samples" in words:
        script = EVALUATE.replace('os.environ["MLVER_SAMPLES"]', '"scores.txt"')
        repository.write("evaluate.py", script)
    return [PYTHON if word == "python" else word for word in words]


def prepare_tables(repository: Repository) -> None:
    """Have versions that were trained on tables with enough rows, and one of what is served."""
    assert_works(repository, "config", "set", "insight.drift.ignore", "id")
    repository.commit("Leave out the key")
    for seed in (1, 2):
        repository.write("data/train.csv", write_rows(seed))
        assert_works(repository, "register", "digits", "--bump", "minor", "-m", "Rows")
    repository.write("today.csv", write_rows(3))


def prepare_training(repository: Repository, words: list[str]) -> list[str]:
    """Have a version, of another model, that can be trained again."""
    environment = make_environment(repository.path.parent / "environment")
    shutil.rmtree(repository.path / "model")
    begin_training(repository)
    train(repository, environment)
    words = [word.replace("digits", "m") for word in words]
    return [*words, "--environment", str(environment)]


def prepare_serving(repository: Repository) -> None:
    """Have a version in use that answers as well as the one before."""
    begin_serving(repository)
    repository.write("log.jsonl", write_log(3_300, bad=1))


def prepare_answers(repository: Repository, words: list[str]) -> list[str]:
    """Have a log of answers, what was true, and what answers them again."""
    write_answers(repository)
    if "--replay" in words:
        repository.write("log/a.jsonl", write_lines(list_answers(features={"x": 1})))
        repository.write("answer.py", "")
        return [*words[:-3], "--dry-run", "--", PYTHON, "answer.py"]
    return words


def prepare_target(repository: Repository, words: list[str]) -> list[str]:
    """Have a target that serves what the stages say, and a proxy that is always reloaded."""
    add_target(repository, TARGET_SETTINGS.replace("  host:", "  production-host:"))
    assert_works(repository, "deploy", "production-host")
    return ["true" if word.startswith("nginx") else word for word in words]


def prepare_watched(repository: Repository, words: list[str]) -> list[str]:
    """Have a version in use that may be rolled back, and look at its log once."""
    begin_serving(repository)
    settings = repository.path / ".mlver/config.yaml"
    settings.write_text(f"{settings.read_text()}auto_rollback: [digits]\n")
    repository.git("init", "--quiet", "--bare", "../remote.git")
    repository.git("remote", "add", "origin", "../remote.git")
    store = repository.path.parent / "store"
    assert_works(repository, "remote", "add", "storage", str(store), "--init")
    repository.commit("May be rolled back")
    assert_works(repository, "push", "--yes")
    repository.write("log.jsonl", write_log(3_300, bad=1))
    token = repository.path.parent / "token"
    token.write_text("a-token-that-nobody-guesses-in-a-lifetime\n")
    token.chmod(0o600)
    here = {
        "--prometheus": "--predictions",
        "http://127.0.0.1:9090": "log.jsonl",
        "/var/log/digits.jsonl": "log.jsonl",
        "/etc/mlver/token": str(token),
        "9409": "0",
        "--once": "--json",
    }
    return [*(here.get(word, word) for word in words), "--once"]


_PREPARATIONS: dict[str, Callable[[Repository], None]] = {
    "register": lambda repository: train_model(repository, 3),
    "drift": prepare_tables,
    "judge": prepare_serving,
    "monitor": prepare_serving,
}
# What gives an example the words that work here.
_PREPARED = {
    "deploy": prepare_target,
    "evaluate": prepare_exam,
    "reproduce": prepare_training,
    "score": prepare_answers,
    "watch": prepare_watched,
}
# What somebody did before, in whose place an example of a command stands.
_BEFORE = {"revoke": "approve", "rollback": "promote", "drill": "promote"}


# What examples read that no story has.
_FILES = {
    "hash": "data/train/part.csv",
    "config": "data/golden/part.csv",
    "run": "train.py",
    "rollback": "alert.json",
}


def prepare_example(repository: Repository, name: str, words: list[str], example: str) -> list[str]:
    """Have what an example needs; return its words, as they work here."""
    if name in _PREPARATIONS or "--data train --key" in example:
        _PREPARATIONS.get(name, prepare_tables)(repository)
    if name in _FILES:
        repository.write(_FILES[name], "a" if name != "run" else "")
    if name in _PREPARED:
        words = _PREPARED[name](repository, words)
    if name in _BEFORE:
        assert_works(repository, _BEFORE[name], "digits@1.1.0", "--to", "production", "-m", "Fine")
    if "--restore" in words:
        assert_works(repository, "retire", "digits@1.0.0", "-m", "Withdrawn")
    if "--push" in words or name == "release":
        repository.git("init", "--quiet", "--bare", "../remote.git")
        repository.git("remote", "add", "origin", "../remote.git")
        repository.git("push", "--quiet", "origin", "main")
    if name == "remote":
        words = prepare_remote(repository, words)
    if name in ("push", "pull") or (name != "remote" and "storage" in words):
        share_repository(repository, name)
    if example.endswith('-m "first"'):
        words += ["--version", "2.0.0"]  # the example is of the very first
        repository.write("data/train/part.csv", "a")
    return words


def prepare_tensors(repository: Repository) -> list[str]:
    """Register two versions whose weights can be looked into."""
    for number in (2, 3):
        weights = make_safetensors({"a": draw_values(3, seed=number)})
        repository.write("model/weights.safetensors", weights)
        words = ("--version", f"{number}.0.0", "-m", "Tensors", "--allow-mixed")
        assert repository.mlver("register", "digits", *words).code == 0
    return ["digits@2.0.0", "@3.0.0", "--weights"]


@pytest.mark.parametrize(
    ("name", "example"),
    [(name, example) for name in COMMANDS for example in load_command(name).examples],
)
def test_examples_work(second: Repository, name: str, example: str) -> None:
    _, command, *words = shlex.split(example)
    assert command == name
    words = prepare_example(second, name, words, example)
    if name == "diff" and "--weights" in words:
        words = prepare_tensors(second)
    if example.endswith("--exit-code") and name == "diff":
        assert second.mlver(command, *words).code == 1
    elif name == "reproduce":
        assert second.mlver(command, *words).code == 0  # it tells beside the result what is there
    elif "/tmp" in example:
        assert_works(
            second, command, *(word.replace("/tmp", str(second.path.parent)) for word in words)
        )
    else:
        assert_works(second, command, *words)


def test_what_a_hook_can_do_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert "One of install, check, guard, status. [required]" in " ".join(
        helped(capsys, "hook", "--help").split()
    )
    assert main(["hook", "chekc"]) == main(["hook"]) == 2
    said = capsys.readouterr().err
    assert "error: there is no hook `chekc`, only install, check, guard, status\n" in said
    assert "error: missing argument 'WHAT'\n" in said


def test_the_help_of_other_programs_keeps_its_ranges(capsys: pytest.CaptureFixture[str]) -> None:
    before = rich_utils.RANGE_STRING
    assert "[x>=" not in helped(capsys, "list", "--help")
    assert before == rich_utils.RANGE_STRING != ""
