"""Names and settings of git made by somebody who means harm.

No code of theirs runs, nothing is written outside, and no control character is shown.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import Repository
from tests.faults.hostile import (
    READING,
    WRITING,
    check_all_commands,
    check_outcome,
    write_canary,
)

# -- names -----------------------------------------------------------------------------------------

_NAMES = (
    *(
        "-x",
        "--upload-pack=x",
        "..",
        ".",
        ".git",
        "refs/heads/x",
        "x.",
        "x.lock",
        "a..b",
        "",
        " ",
        "x" * 200,
        "../../x",
    ),
    *(
        "a\0b",
        "a\nb",
        "a\x1b[31mb",
        "a\x9b31mb",
        "a\u202eb",
        "a\rb",
        "[/red]",
        "[bold]x",
        "é",
        "e\u0301",
        "a b",
        "a@b",
    ),
    *(
        "a:b",
        "a~1",
        "a^{}",
        "@{u}",
        "$(touch canary)",
        "`touch canary`",
        "a;b",
        "a\\b",
        "%s",
        "{0}",
    ),
)


@pytest.mark.parametrize("name", _NAMES, ids=ascii)
def test_a_hostile_name_is_refused_and_shown_harmlessly(
    victim: Repository, outside: Path, name: str
) -> None:
    before = victim.git("for-each-ref"), victim.git("rev-parse", "HEAD")
    for argv in (
        ("register", name, "--weights", "model.bin", "-m", "Why"),
        ("register", "--weights", "model.bin", "-m", "Why", "--", name),
        ("show", name),
        ("show", f"m@{name}"),
        ("promote", f"m@{name}", "--to", "staging", "-m", "Why"),
        ("promote", "m@1.0.0", "--to", name, "-m", "Why"),
        ("checkout", "--to", "served", "--", name),
        ("rollback", name, "--stage", "production", "-m", "Why"),
        ("log", "--", name),
    ):
        check_outcome(victim.mlver(*argv), 2, 3)
    check_outcome(
        victim.mlver("diff", "--", name), *([0] if name == ".." else [2, 3])
    )  # a range, to git: HEAD..HEAD
    assert (victim.git("for-each-ref"), victim.git("rev-parse", "HEAD")) == before


@pytest.mark.parametrize("name", ["HEAD", "con", "nul", "master", "FETCH_HEAD"])
def test_a_name_that_git_or_windows_uses_does_no_harm(victim: Repository, name: str) -> None:
    check_outcome(victim.mlver("register", name, "--weights", "model.bin", "-m", "Why"))
    check_outcome(victim.mlver("verify", "--all"), 0)
    assert victim.git("symbolic-ref", "HEAD") == "refs/heads/main"


def test_names_that_differ_by_case_only_are_refused(victim: Repository) -> None:
    check_outcome(victim.mlver("register", "M", "--weights", "model.bin", "-m", "Why"), 2, 3)


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\u202egnp", "[/red]", "a\rb", "\x9b2J", "a\nerror: forged"], ids=ascii
)
def test_text_a_person_recorded_is_shown_harmlessly(
    victim: Repository, outside: Path, text: str
) -> None:
    victim.write("model.bin", b"three")
    told = (
        "--label",
        f"note={text}",
        "--param",
        f"p={text}",
        "--metric",
        "accuracy=1",
        "--command",
        text,
    )
    check_outcome(victim.mlver("register", "m", "--bump", "minor", "-m", f"Why {text}", *told))
    victim.git("config", "user.name", f"Kim {text}".replace("\n", " "))
    check_all_commands(victim, outside)


@pytest.mark.parametrize(
    "folder",
    ["a\x1b[2J", "a\nb", "\u202ex", "[/red]", "..x", "-x", "con ", "é", "x.lock"],
    ids=ascii,
)
def test_a_folder_among_the_models_that_is_no_model(
    victim: Repository, outside: Path, folder: str
) -> None:
    record = (victim.path / ".mlver/models/m/versions/1.0.0.yaml").read_text()
    victim.write(f".mlver/models/{folder}/versions/1.0.0.yaml", record)
    victim.write(f".mlver/models/m/versions/{folder}.yaml", record)
    victim.write(f".mlver/manifests/{folder}", "x")
    victim.commit()
    check_all_commands(victim, outside)
    check_outcome(victim.mlver("verify", "--all"), 1)


def test_a_working_file_with_an_evil_name(victim: Repository, outside: Path) -> None:
    for name in ("\x1b[2J.bin", "a\nb", "[/red]", "-rf", "\u202etxt.exe"):
        victim.write(f"data/{name}", "x")
    check_all_commands(victim, outside)


# -- configuration ---------------------------------------------------------------------------------

# Each program signs the canary, so that many are named at once. Of two that git would run in the
# same place, such as a pager for all and one for `log`, each is in a group of its own.
_PROGRAMS = {
    "for all": (
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "core.alternateRefsCommand",
        "credential.helper",
        "diff.external",
        "interactive.diffFilter",
        "merge.evil.driver",
    ),
    "for one": ("pager.log", "pager.tag", "diff.evil.textconv", "sequence.editor"),
    "a driver": ("diff.evil.command",),
    # A person's own commit runs these as well, so that only reading must not.
    "filters": ("filter.evil.clean", "filter.evil.smudge"),
    "a filter's process": ("filter.evil.process",),
    "a signer": ("gpg.program",),
    "aliases": (
        "alias.register",
        "alias.status",
        "alias.log",
        "alias.commit",
        "alias.tag",
        "alias.ls-files",
    ),
}
_RUN_BY_COMMITS = ("filters", "a filter's process", "a signer")


@pytest.mark.parametrize("group", _PROGRAMS)
def test_no_program_named_by_the_repository_is_run(
    victim: Repository, outside: Path, group: str
) -> None:
    for key in _PROGRAMS[group]:
        program = write_canary(outside, key)
        victim.git("config", key, f"!{program}" if group == "aliases" else program)
    victim.git("config", "log.showSignature", "true")
    victim.write(".gitattributes", "* filter=evil diff=evil merge=evil\n")
    os.utime(victim.path / "README.md")
    check_all_commands(victim, outside, READING)
    if group not in _RUN_BY_COMMITS:
        check_all_commands(victim, outside, WRITING)


def test_a_transport_that_is_a_program_is_not_run(victim: Repository, outside: Path) -> None:
    victim.git("config", "remote.origin.url", f"ext::{write_canary(outside)}")
    victim.git("config", "protocol.ext.allow", "always")
    check_all_commands(victim, outside, (*READING, ("tag", "--push")))


def test_no_hook_runs_for_a_command_that_reads(victim: Repository, outside: Path) -> None:
    hooks = victim.path / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in (
        "post-index-change",
        "pre-auto-gc",
        "fsmonitor-watchman",
        "reference-transaction",
        "post-checkout",
    ):
        Path(write_canary(outside)).rename(hooks / name)
    check_all_commands(victim, outside, READING)
