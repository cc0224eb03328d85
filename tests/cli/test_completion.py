"""What the shell offers, asked by the protocol the installed completion scripts speak."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from mlver.cli.app import load_command
from mlver.cli.main import main
from tests.conftest import CHECKOUT, Repository
from tests.programs import require_program

GIT_COMPLETION = Path("/usr/share/bash-completion/completions/git")


def offered(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """What bash is told when Tab is pressed at the end of a line."""
    words = line.split(" ")
    monkeypatch.setenv("_MLVER_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    monkeypatch.setattr("sys.argv", ["mlver"])
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out.split()


BEHIND_DIGITS = ("digits@production", "digits@latest", "digits@1.1.0", "digits@1.0.0")


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("mlver reg", ["register"]),
        ("mlver ro", ["rollback", "rollout"]),
        ("mlver show dig", ["digits", *BEHIND_DIGITS]),
        ("mlver show digits", ["digits", *BEHIND_DIGITS]),
        ("mlver show digits@1", ["digits@1.1.0", "digits@1.0.0"]),
        ("mlver show digits@p", ["digits@production"]),
        ("mlver show @1.1", ["@1.1.0"]),
        ("mlver show digits@l", ["digits@latest"]),
        ("mlver show digits@~", ["digits@~1"]),
        ("mlver show @latest~", ["@latest~1"]),
        ("mlver show digits@production~", []),
        ("mlver show digits@Nothing~", []),
        ("mlver show 1", ["1.1.0", "1.0.0"]),
        ("mlver diff digits@1.0.0 @1.1", ["@1.1.0"]),
        ("mlver verify digits@1.0.0 digits@1.1", ["digits@1.1.0"]),
        ("mlver register d", ["digits"]),
        ("mlver list ", ["digits"]),
        ("mlver promote digits --to ", ["staging", "production"]),
        ("mlver rollback digits --stage p", ["production"]),
        ("mlver log --stage s", ["staging"]),
        ("mlver list --al", ["--all"]),
        ("mlver config list d", ["digits"]),
        ("mlver config get guard.p", ["guard.pickle", "guard.protect"]),
        ("mlver config set stages.production.v", ["stages.production.verified"]),
        ("mlver config set --model digits weights.p", ["weights.path"]),
        ("mlver show nothing@", []),
    ],
)
def test_what_the_shell_offers(
    second: Repository,
    line: str,
    names: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(second.path)
    assert offered(line, monkeypatch, capsys) == names


def test_the_shell_is_told_of_the_folder_named_by_c(
    second: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert offered(f"mlver -C {second.path} list ", monkeypatch, capsys) == ["digits"]


@pytest.mark.parametrize("line", ["mlver list ", "mlver show d", "mlver promote x --to "])
def test_outside_a_project_the_prompt_stays_clean(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert offered(line, monkeypatch, capsys) == []


def test_a_damaged_project_leaves_the_prompt_clean(
    second: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(second.path)
    second.write(".mlver/config.yaml", "stages: [")
    assert offered("mlver promote digits --to ", monkeypatch, capsys) == []


def completed_by_bash(
    lines: Sequence[str], where: Path, home: Path, *more_scripts: Path
) -> list[str]:
    """Lines after a Tab in a real bash, with the installed script; `|` is the cursor."""
    program = home / "bin/mlver"
    program.parent.mkdir(parents=True)
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{CHECKOUT}" exec "{sys.executable}" -m mlver "$@"\n'
    )
    program.chmod(0o755)
    environment = {
        **os.environ,
        "HOME": str(home),
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PS1": "",
    }
    # which shell it is for is told by the process that starts it
    install = ["bash", "--norc", "-c", "mlver --install-completion; exit"]
    subprocess.run(install, env=environment, cwd=where, check=True, capture_output=True)
    (script,) = (home / ".bash_completions").iterdir()
    control, terminal = pty.openpty()
    shell = ["bash", "--norc", "--noprofile", "-i"]
    with subprocess.Popen(
        shell,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment,
        cwd=where,
        start_new_session=True,
    ) as bash:
        os.close(terminal)
        # Each line becomes a comment once it is completed: bash keeps it and runs nothing.
        typed = [
            *(f". '{each}'" for each in (*more_scripts, script)),
            *(f"{line}\t|\x01# " for line in lines),
            "history; echo '<'end'>'",
        ]
        seen = b""
        for line in typed:
            os.write(control, f"{line}\n".encode())
        while b"<end>" not in seen and select.select([control], [], [], 30)[0]:
            seen += os.read(control, 4096)
        bash.kill()
    os.close(control)
    return re.findall(r"^ +\d+  # (.*?)\r?$", seen.decode(), re.MULTILINE)


def test_a_real_bash_completes_versions_and_stages(second: Repository, tmp_path: Path) -> None:
    lines = {
        "mlver show dig": "mlver show digits|",  # no blank behind it: `@` may follow
        "mlver show digits@": "mlver show digits@|",
        "mlver show digits@1.1": "mlver show digits@1.1.0 |",
        "mlver show digits@p": "mlver show digits@production |",
        "mlver show @p": "mlver show @production |",
        'mlver show "digits@p': 'mlver show "digits@production" |',
        "mlver diff digits@1.0.0 @1.1": "mlver diff digits@1.0.0 @1.1.0 |",
        "mlver verify digits@1.0.0 digits@1.1": "mlver verify digits@1.0.0 digits@1.1.0 |",
        "mlver promote digits@1.1.0 --to=p": "mlver promote digits@1.1.0 --to=production |",
        "mlver promote digits@1.1.0 --to s": "mlver promote digits@1.1.0 --to staging |",
        "mlver list dig": "mlver list digits |",
        "mlver -C . show digits@1.0": "mlver -C . show digits@1.0.0 |",
    }
    assert completed_by_bash([*lines], second.path, tmp_path / "home") == [*lines.values()]


@pytest.mark.skipif(not GIT_COMPLETION.exists(), reason="git's completion is not installed")
def test_a_real_bash_completes_git_mlver(second: Repository, tmp_path: Path) -> None:
    lines = {
        "git mlver rollb": "git mlver rollback |",
        "git mlver show digits@1.1": "git mlver show digits@1.1.0 |",
        "git mlver promote digits@1.1.0 --to s": "git mlver promote digits@1.1.0 --to staging |",
        "git -C . mlver list dig": "git -C . mlver list digits |",
        "mlver list dig": "mlver list digits |",
    }
    completed = completed_by_bash([*lines], second.path, tmp_path / "home", GIT_COMPLETION)
    assert completed == [*lines.values()]


def test_a_real_zsh_reads_descriptions_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    require_program("zsh")
    monkeypatch.setenv("_MLVER_COMPLETE", "complete_zsh")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "mlver rel")
    monkeypatch.setattr("sys.argv", ["mlver"])
    with pytest.raises(SystemExit):
        main([])
    answer = capsys.readouterr().out
    # What zsh's own `_arguments` does with its last word.
    script = (
        '_arguments() { local action=${1#*: :}; eval "offered=( ${action[3,-3]} )";'
        " print -rl -- $offered }; eval $1"
    )
    done = subprocess.run(
        ["zsh", "-f", "-c", script, "zsh", answer], capture_output=True, text=True, check=True
    )
    summary = (load_command("release").function.__doc__ or "").splitlines()[0]
    assert "'" in summary
    assert len(summary) > 45, "so many letters Typer would leave"
    assert done.stdout == f"release:{summary}\n"


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("bash", "_git_mlver() {"),
        ("zsh", "_git-mlver() {\n  _mlver_completion\n}"),
    ],
)
def test_the_script_of_each_shell_completes_git_mlver(
    shell: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("shellingham.detect_shell", lambda: (shell, shell))
    for _ in range(2):
        with pytest.raises(SystemExit):
            main(["--show-completion"])
        assert capsys.readouterr().out.count(words) == 1


def test_zsh_finds_the_function_for_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("zsh", "zsh"))
    for _ in range(2):
        with pytest.raises(SystemExit):
            main(["--install-completion"])
        script = (tmp_path / ".zfunc/_git-mlver").read_text()
        assert script == (tmp_path / ".zfunc/_mlver").read_text()
        assert script.startswith("#compdef mlver\n")
    assert "Traceback" not in capsys.readouterr().err


def test_completion_is_installed_for_mlver_whatever_called_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/bin/git-mlver"])
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "/bin/bash"))
    with pytest.raises(SystemExit):
        main(["--show-completion"])
    assert "\ncomplete -o default -F _mlver_completion mlver\n" in capsys.readouterr().out
