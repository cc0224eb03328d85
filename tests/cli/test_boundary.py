"""The one error boundary: an error ends as a short message and an exit code, never a traceback."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest

from mlver.cli.main import main
from mlver.errors import MlverError
from mlver.git import changes
from tests.conftest import CHECKOUT, Repository

COMMAND = "mlver.features.looking.cli.list_versions"


def failing(error: BaseException) -> object:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_a_bug_is_told_shortly_and_kept_in_a_file(
    first: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(COMMAND, failing(RuntimeError("oops\x1b[2J")))
    done = first.mlver("list")
    assert (done.code, done.out) == (70, "")
    first_line, hint = done.err.splitlines()
    report = Path(hint.removeprefix("hint: cat "))
    assert first_line == (
        "error: this is a bug in mlver (RuntimeError: oops\\x1b[2J); please report it, with "
        f"{report}, which says where it happened"
    )
    kept = report.read_text()
    assert "Traceback (most recent call last)" in kept
    assert "RuntimeError: oops" in kept
    assert report.stat().st_mode & 0o077 == 0
    report.unlink()


def test_the_report_of_a_bug_names_the_command(
    first: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(COMMAND, failing(RuntimeError("oops")))
    done = first.mlver("list", "digits", "--all")
    report = Path(done.err.rpartition("hint: cat ")[2].strip())
    assert report.read_text().startswith(f"mlver -C {first.path} list digits --all\n")
    report.unlink()


def test_a_bug_is_told_even_where_nothing_can_be_saved(
    first: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(COMMAND, failing(RuntimeError("oops")))
    monkeypatch.setattr(
        "tempfile.NamedTemporaryFile", failing(OSError(errno.ENOSPC, "No space left on device"))
    )
    done = first.mlver("list")
    assert done.code == 70
    assert done.err == "error: this is a bug in mlver (RuntimeError: oops); please report it\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (MlverError("no\nmore", hint="mlver list"), 3, "error: no\n  more\nhint: mlver list\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/data/x"),
            3,
            "error: that failed: No space left on device: /data/x; nothing was changed; free some"
            " space on that disk, then run the same command again\nhint: df -h\n",
        ),
    ],
)
def test_what_escapes_a_command(
    first: Repository, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    monkeypatch.setattr(COMMAND, failing(error))
    done = first.mlver("list")
    assert (done.code, done.out, done.err) == (code, "", said)


def test_what_had_landed_before_an_interruption_is_told(
    second: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who thinks it was not registered registers it again."""
    told = ("digits", "--bump", "patch", "-m", "Again")
    tagged, shots = changes.create_tag, [KeyboardInterrupt()]

    def interrupted(*args: Any, **options: Any) -> None:
        tagged(*args, **options)
        if shots:
            raise shots.pop()

    monkeypatch.setattr(changes, "create_tag", interrupted)
    done = second.mlver("register", *told)
    assert (done.code, done.out, done.err) == (
        130,
        "",
        "interrupted, but `register digits 1.1.1` is done\n",
    )
    monkeypatch.setattr("mlver.terminal.session.print_result", failing(KeyboardInterrupt()))
    done = second.mlver("register", *told)
    assert (done.code, done.out, done.err) == (
        130,
        "",
        "interrupted, but `register digits 1.1.2` is done\n",
    )
    assert second.mlver("list").err == "interrupted\n"
    monkeypatch.setattr(changes, "commit_only", failing(KeyboardInterrupt()))
    assert second.mlver("register", *told).err == "interrupted\n"
    monkeypatch.undo()
    assert "1.1.3" not in second.mlver("list").out


def test_a_terminal_that_knows_no_letters_gets_escapes(first: Repository) -> None:
    with io.TextIOWrapper(io.BytesIO(), "ascii") as narrow:
        with redirect_stderr(narrow):
            assert main(["-C", str(first.path), "show", "digits@ü"]) == 2
        narrow.flush()
        assert isinstance(narrow.buffer, io.BytesIO)
        assert b"\\xfc" in narrow.buffer.getvalue()


def test_the_version_is_told_without_a_repository(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--version"], ["-C", ".", "--version"]):
        assert main(words) == 0
        assert capsys.readouterr().out.startswith("mlver 0.")


def typed(repository: Repository, line: str) -> subprocess.CompletedProcess[str]:
    """A line of shell with `mlver` in it, in a process of its own."""
    program = f'mlver() {{ "{sys.executable}" -m mlver "$@"; }}'
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(
        ["bash", "-c", f"{program}\n{line}"],
        cwd=repository.path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_done_is_not_denied_where_only_its_result_cannot_be_printed(
    first: Repository,
) -> None:
    for option in ("", "--json"):
        done = typed(first, f"mlver register digits --bump patch -m more {option} >/dev/full")
        assert (done.returncode, done.stderr) == (
            3,
            "error: it is done, but its result could not be printed: No space left on device\n"
            "hint: mlver status\nhint: mlver log\n",
        )
    assert len(first.git("tag", "--list").splitlines()) == 3


def test_a_quick_answer_of_a_hook_that_cannot_be_printed_is_told_as_that(first: Repository) -> None:
    for unbuffered in ("", "1"):
        done = typed(first, f"PYTHONUNBUFFERED={unbuffered} mlver hook check >/dev/full")
        assert done.returncode == 3
        assert done.stderr.startswith(
            "error: it is done, but its result could not be printed: No space left on device"
        )


@pytest.mark.parametrize("words", ["--version", "--help", "-C . --version"])
def test_help_that_cannot_be_printed_is_a_failure(first: Repository, words: str) -> None:
    done = typed(first, f"mlver {words} >/dev/full")
    assert done.returncode == 3
    assert done.stderr.startswith("error: that failed: No space left on device")
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("mlver list >&-", 0, ""),
        ("mlver --version >&-", 0, ""),
        ("mlver show digits@7.0.0 2>&-", 3, ""),
        ("mlver show digits@7.0.0 2>/dev/full", 3, ""),
        ("mlver register digits --bump patch -m more --label a=b >&- 2>&- <&-", 0, ""),
        ("mlver status --exit-code >&- <&-", 0, ""),
        (
            "mlver show digits@7.0.0 >&-",
            3,
            "error: digits has no version 7.0.0\nhint: mlver list digits\n",
        ),
    ],
)
def test_a_closed_stream_swallows_what_is_told_and_no_more(
    first: Repository, line: str, code: int, said: str
) -> None:
    done = typed(first, line)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", said)
    first.git("fsck", "--strict")
    assert first.mlver("verify", "--all").code == 0
