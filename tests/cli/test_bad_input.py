"""What people mistype, and what others may put into a repository.

It is refused whole, and the message says what, where and why, with a hint.
"""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import digest_tree
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
    "typed", ["delete digits", "tagged", "serve", "revert", "rebase", "li", "check"]
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
