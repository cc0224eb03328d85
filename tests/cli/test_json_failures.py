"""With `--json` a failure is one document on stdout; its text and exit code are as without."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from mlver.cli.app import COMMANDS
from mlver.errors import MlverError, ObjectDamaged, ObjectMissing
from mlver.git.process import GitFailed
from mlver.terminal.failure import FailureKind
from mlver.terminal.output import print_result
from tests.cli.results import read_document, read_schema
from tests.conftest import CHECKOUT, CommandOutcome, Repository

COMMAND = "mlver.features.looking.cli.list_versions"
# A place in a repository without a model, where each command is given what it cannot do.
REFUSED: dict[str, tuple[str, ...]] = {
    "register": ("digits", "--weights", "nowhere", "-m", "Try"),
    "tag": ("--push", "nowhere"),
    "release": (),
    "status": ("nothing",),
    "list": ("nothing",),
    "show": ("digits@7.0.0",),
    "stages": ("nothing",),
    "log": ("nothing",),
    "diff": ("digits@7.0.0",),
    "compare": ("digits@1.0.0", "digits@7.0.0"),
    "promote": ("digits@7.0.0", "--to", "production", "-m", "Try"),
    "rollback": ("digits", "--stage", "production", "-m", "Try"),
    "checkout": ("digits@7.0.0",),
    "verify": ("digits@7.0.0",),
}


def read_failure(outcome: CommandOutcome) -> Any:
    """The failure that an outcome printed, checked by its schema and against the text on stderr."""
    failure = read_document(outcome, "error")["error"]
    first_line = outcome.err.splitlines()[0]
    assert first_line.removeprefix("error: ") == failure["message"].split("\n")[0]
    for hint in failure["hints"]:
        assert f"\nhint: {hint}\n" in outcome.err
    return failure


def raise_error(error: BaseException) -> object:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_one_document(first: Repository, name: str) -> None:
    words = (name, *REFUSED[name])
    as_text = first.mlver(*words)
    as_json = first.mlver(*words, "--json")
    assert as_text.code in (2, 3)
    assert (as_text.out, as_text.err) == ("", as_json.err)
    assert as_json.code == as_text.code
    assert read_failure(as_json)["kind"] == ("usage" if as_json.code == 2 else "refused")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_command_line_is_one_document(first: Repository, name: str) -> None:
    done = first.mlver(name, "--no-such-option", "--json")
    assert done.code == 2
    failure = read_failure(done)
    assert failure["kind"] == "usage"
    assert failure["hints"] != []


@pytest.mark.parametrize(
    "words",
    [
        ("--json",),
        ("nothing", "--json"),
        ("list", "--json", "--limit"),
        ("list", "--json", "--limit", "x"),
        ("hook", "--json", "nothing"),
        ("hook", "check", "--from", "main", "--json"),
        ("-C", "nowhere", "list", "--json"),
    ],
)
def test_a_usage_error_is_one_document_wherever_it_is_found(
    first: Repository, words: tuple[str, ...]
) -> None:
    done = first.mlver(*words)
    assert done.code == 2
    assert read_failure(done)["kind"] == "usage"


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (MlverError("no\nmore", hint="mlver list"), "refused", 3),
        (OSError(28, "No space left on device", "/data/x"), "refused", 3),
        (ObjectMissing("gone"), "object_missing", 3),
        (ObjectDamaged("rotten"), "object_damaged", 3),
        (GitFailed("look", "fatal: no"), "git_failed", 3),
        (KeyboardInterrupt(), "interrupted", 130),
    ],
)
def test_each_kind_of_failure(
    first: Repository,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    kind: FailureKind,
    code: int,
) -> None:
    monkeypatch.setattr(COMMAND, raise_error(error))
    done = first.mlver("list", "--json")
    assert done.code == code
    assert read_failure(done)["kind"] == kind


def test_a_bug_is_one_document(first: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COMMAND, raise_error(RuntimeError("oops")))
    done = first.mlver("list", "--json")
    assert done.code == 70
    failure = read_failure(done)
    assert failure["kind"] == "bug"
    (hint,) = failure["hints"]
    Path(hint.removeprefix("cat ")).unlink()


def test_a_file_that_is_not_valid_is_one_document(first: Repository) -> None:
    first.write(".mlver/config.yaml", "schema: mlver/config/1\nstages: 3\n")
    done = first.mlver("promote", "digits", "--to", "x", "-m", "Try", "--json")
    assert done.code == 3
    failure = read_failure(done)
    assert failure["kind"] == "invalid_document"
    (finding,) = failure["findings"]
    assert (finding["kind"], finding["subject"]) == ("settings", ".mlver/config.yaml")


def test_the_kinds_are_those_of_the_schema() -> None:
    stated = read_schema("result-error")["$defs"]["failure"]["properties"]["kind"]
    assert stated["enum"] == list(get_args(FailureKind))
    for kind in stated["enum"]:
        assert f"`{kind}`" in stated["description"]


def test_without_json_stdout_stays_empty(first: Repository) -> None:
    for words in (("show", "digits@7.0.0"), ("show", "--", "--json"), ("list", "--no-such")):
        done = first.mlver(*words)
        assert done.code in (2, 3)
        assert done.out == ""


def run_shell(repository: Repository, line: str) -> subprocess.CompletedProcess[str]:
    """A line of shell with `mlver` and `mlver-hook` in it, in a process of its own."""
    hook = "from mlver.cli.quick_hook import run_console_script as run; run()"
    programs = (
        f'mlver() {{ "{sys.executable}" -m mlver "$@"; }}\n'
        f'mlver-hook() {{ "{sys.executable}" -c \'{hook}\' "$@"; }}\n'
    )
    return subprocess.run(
        ["bash", "-c", programs + line],
        cwd=repository.path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("program", ["mlver hook", "mlver-hook"])
def test_a_hook_that_fails_prints_the_document_too(first: Repository, program: str) -> None:
    done = run_shell(first, f"{program} check --from nowhere --to HEAD --json")
    outcome = CommandOutcome(done.returncode, done.stdout, done.stderr)
    assert outcome.code in (2, 3)
    read_failure(outcome)


@pytest.mark.parametrize("where", [">&-", ">/dev/full"])
def test_a_stdout_that_takes_nothing_changes_no_failure(first: Repository, where: str) -> None:
    done = run_shell(first, f"mlver show digits@7.0.0 --json {where}")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "error: digits has no version 7.0.0\nhint: mlver list digits\n"


def test_a_reader_that_leaves_early_changes_no_failure(first: Repository) -> None:
    line = "mlver show digits@7.0.0 --json | true; echo ${PIPESTATUS[0]}"
    assert run_shell(first, line).stdout == "3\n"


def test_a_stderr_that_takes_nothing_leaves_the_document(first: Repository) -> None:
    done = run_shell(first, "mlver show digits@7.0.0 --json 2>/dev/full")
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["message"] == "digits has no version 7.0.0"


def start_slow_reading(repository: Repository) -> subprocess.Popen[bytes]:
    """`show --json` of a document that no pipe holds, into one that nobody reads yet."""
    program = [sys.executable, "-m", "mlver", "show", "digits", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.Popen(
        program,
        cwd=repository.path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )


def test_an_interrupt_adds_nothing_to_a_result_that_was_begun(first: Repository) -> None:
    params = "\n".join(f"parameter_{number}: {'x' * 60}" for number in range(3_000))
    first.write("params.yaml", params)
    done = first.mlver(
        "register", "digits", "--bump", "minor", "-m", "Much", "--params", "params.yaml"
    )
    assert done.code == 0, done.err
    with start_slow_reading(first) as process:
        assert process.stdout is not None
        # The pipe is full now, or will be soon; the process waits for its reader.
        output = process.stdout.read(1)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, b"interrupted\n")
    output += rest
    assert output.startswith(b'{\n  "schema": "mlver/result/show/1"')
    assert b"mlver/result/error" not in output


def test_an_error_after_a_whole_result_is_told_on_stderr_alone(
    second: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as an interrupt that comes just before the command ends."""
    monkeypatch.setattr("mlver.features.looking.cli.emit_result", print_and_fail)
    result = second.mlver("show", "digits", "--json")
    assert (result.code, result.err) == (3, "error: too late\n")
    read_document(CommandOutcome(0, result.out, ""), "show")
    # It counts for that run alone.
    read_failure(second.mlver("show", "digits@7.0.0", "--json"))


def print_and_fail(
    result: object, text: Callable[..., None], *, json: bool, paged: bool = False
) -> None:
    print_result(result, text, json=json, paged=paged)
    raise MlverError("too late")
