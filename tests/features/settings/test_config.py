"""`mlver config`: settings read and changed by their schemas, as small a change as can be."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

CONFIG = ".mlver/config.yaml"
SETTINGS = ".mlver/models/digits/model.yaml"


def add_model(repository: Repository, name: str) -> None:
    repository.write(f".mlver/models/{name}/model.yaml", f"schema: mlver/model/1\nmodel: {name}\n")


def assert_refused(repository: Repository, *words: str, code: int = 2) -> str:
    before = {path: (repository.path / path).read_bytes() for path in (CONFIG, SETTINGS)}
    done = repository.mlver("config", *words)
    assert done.code == code
    assert {path: (repository.path / path).read_bytes() for path in before} == before
    return done.err


def test_one_line_changes_and_comments_stay(first: Repository) -> None:
    text = (first.path / CONFIG).read_text()
    text = text.replace("verified: true\n", "verified: true  # always\n", 1)
    first.write(CONFIG, text)
    out = assert_works(first, "config", "set", "stages.staging.verified", "false")
    assert out == (
        f"Set stages.staging.verified to false in {CONFIG}\n"
        "  before: true\n"
        f"next: git add {CONFIG} && git commit -m WHY -- {CONFIG}\n"
    )
    changed = text.replace("verified: true  # always", "verified: false  # always")
    assert (first.path / CONFIG).read_text() == changed
    assert first.git("status", "--short") == f" M {CONFIG}"


def test_the_name_of_a_metric_may_hold_dots(first: Repository) -> None:
    told = ("config", "set", "--model", "digits", "directions.eval.top-1", "higher")
    assert_works(first, *told)
    assert (first.path / SETTINGS).read_text().endswith("directions:\n  eval.top-1: higher\n")
    assert assert_works(first, *told) == f"{SETTINGS} says so already; nothing changed\n"
    taken = ("config", "set", "--model", "digits", "--unset", "directions.eval.top-1")
    assert "Took out directions.eval.top-1 from" in assert_works(first, *taken)
    assert "directions" not in (first.path / SETTINGS).read_text()


def test_a_list_takes_one_word_for_each_entry(first: Repository) -> None:
    assert_works(first, "config", "set", "guard.protect", "main", "release/*")
    assert assert_works(first, "config", "get", "guard.protect") == "main\nrelease/*\n"
    # The settings are read by what they are for.
    assert first.mlver("promote", "digits", "--to", "staging", "-m", "Try").code == 3


def test_gates_are_maps_as_json_writes_them(first: Repository) -> None:
    name = "stages.production.gates"
    gate = '{"metric": "accuracy", "min": 0.9}'
    assert f"Set {name} to {gate} in" in assert_works(first, "config", "set", name, gate)
    assert "metric: accuracy" in (first.path / CONFIG).read_text()
    said = assert_refused(first, "set", name, "{metric: accuracy, min: 0.9}")
    assert "`stages.production.gates` takes maps as JSON writes them" in said
    assert """hint: mlver config set stages.production.gates '{"metric": "accuracy",""" in said


def test_a_stage_is_added_and_stays_when_nothing_is_said_of_it(first: Repository) -> None:
    assert_works(first, "config", "set", "stages.canary.description", "A few users")
    assert_works(first, "config", "set", "--unset", "stages.canary.description")
    assert "  canary: {}\n" in (first.path / CONFIG).read_text()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("guard.pickle", "never"), "guard.pickle: must be `forbid` or `allow`, not `never`"),
        (("tags.signed", "yes"), "tags.signed: must be true or false, not `yes`"),
        (("guard.max_file_size", "12"), "guard.max_file_size: "),
        (("stages.Canary.verified", "true"), "stages.Canary: "),
        (("stages.canary.after", "latest"), "stages.canary.after[0]: "),
        (("--model", "digits", "weights.path", "../w"), "weights.path: "),
        (("--model", "digits", "--unset", "weights.path"), "weights: "),
    ],
)
def test_what_the_schema_refuses_is_not_written(
    first: Repository, words: tuple[str, ...], fault: str
) -> None:
    path = SETTINGS if "--model" in words else CONFIG
    error = assert_refused(first, "set", *words, code=3)
    assert error.startswith(f"error: {path} would not be valid, and was not changed:\n  {fault}")
    assert "\nhint: mlver config list " in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("guard.pickel", "forbid"), "has no setting `guard.pickel`; did you mean `guard.pickle`?"),
        (("guard", "forbid"), "`guard` is a group of settings; name one of them"),
        (("guard.pickle", "forbid", "allow"), "`guard.pickle` takes one value, and 2 were given"),
        (("guard.pickle",), "set needs a VALUE for `guard.pickle`; --unset takes the key out"),
        (("guard.pickle.deep", "x"), "has no setting `guard.pickle.deep`"),
        (("guard..pickle", "x"), "has no setting `guard..pickle`"),
        (("schema", "mlver/config/2"), "`schema` says what .mlver/config.yaml is, and stays"),
        (("--model", "digits", "model", "cats"), f"`model` says what {SETTINGS} is, and stays"),
        (("--unset", "guard.pickle", "forbid"), "--unset takes a KEY, and no VALUE"),
        ((), "set takes a KEY and its VALUE"),
    ],
)
def test_a_wrong_command_line_changes_nothing(
    first: Repository, words: tuple[str, ...], message: str
) -> None:
    error = assert_refused(first, "set", *words)
    assert message in error
    assert "\nhint: " in error


def test_a_key_of_a_model_is_answered_with_the_command_that_was_meant(first: Repository) -> None:
    error = assert_refused(first, "set", "directions.accuracy", "higher")
    assert error == (
        "error: `directions.accuracy` is a setting of a model; say of which\n"
        "hint: mlver config set --model digits directions.accuracy higher\n"
    )
    add_model(first, "cats")
    assert "config get --model MODEL owner" in assert_refused(first, "get", "owner")


def test_a_file_that_is_not_valid_is_left_alone(first: Repository) -> None:
    text = (first.path / SETTINGS).read_text()
    first.write(SETTINGS, f"{text}direction: {{}}\n# mine\n")
    error = assert_refused(first, "set", "--model", "digits", "owner", "Kim", code=3)
    assert f"error: {SETTINGS} is not valid:\n  line " in error


def test_settings_of_a_newer_mlver_are_shown_and_not_changed(first: Repository) -> None:
    text = (first.path / CONFIG).read_text()
    first.write(CONFIG, f"{text}teleport:\n  target: prod\n")
    assert "\n  teleport   " in first.mlver("config", "list").out
    error = assert_refused(first, "set", "guard.pickle", "forbid", code=3)
    assert "has a section that this mlver does not know: `teleport`" in error


def test_a_dry_run_says_what_it_would_do(first: Repository) -> None:
    before = (first.path / CONFIG).read_bytes()
    told = ("config", "set", "guard.pickle", "forbid", "--dry-run")
    assert assert_works(first, *told) == (
        f"Would set guard.pickle to forbid in {CONFIG}\nnothing was written\n"
    )
    assert (first.path / CONFIG).read_bytes() == before
    found = read_document(first.mlver(*told, "--json"), "config")
    assert (found["changed"], found["dry_run"], found["before"]) == (True, True, None)
    assert found["settings"][0]["value"] == "forbid"


def test_get_gives_a_default_and_says_no_where_there_is_none(first: Repository) -> None:
    assert assert_works(first, "config", "get", "guard.pickle") == "allow\n"
    done = first.mlver("config", "get", "guard.allow")
    assert (done.code, done.out, done.err) == (1, "", "")
    found = read_document(first.mlver("config", "get", "guard.allow", "--json"), "config")
    assert (found["ok"], found["settings"][0]["value"]) == (False, None)


def test_list_shows_what_is_set_and_with_all_what_is_not(first: Repository) -> None:
    assert_works(first, "config", "set", "--model", "digits", "owner", "Kim")
    listed = assert_works(first, "config", "list", "digits")
    assert listed == assert_works(first, "config", "list", "--model", "digits")
    lines = [line.split() for line in listed.splitlines()]
    assert lines[0] == [SETTINGS]
    assert ["owner", "Kim"] in lines
    assert ["weights.follow", "false", "by", "default"] in lines
    assert "description" not in listed
    everything = assert_works(first, "config", "list", "digits", "--all")
    assert "  description         What the model is for; any text.\n" in everything
    assert "  directions.NAME     higher or lower\n" in everything


def test_a_stage_comes_after_none_that_there_is_not(first: Repository) -> None:
    before = (first.path / ".mlver/config.yaml").read_bytes()
    said = assert_refused(first, "set", "stages.production.after", "stagging", code=3)
    assert said == (
        "error: production would come after stagging, and there is no such stage;"
        " there are staging, production\n"
        "hint: mlver config list\n"
    )
    assert (first.path / ".mlver/config.yaml").read_bytes() == before


def test_a_remote_is_set_key_by_key_and_never_with_a_secret(first: Repository) -> None:
    error = assert_refused(first, "set", "remotes.storage.region", "eu-central-1", code=3)
    assert "remotes.storage" in error
    assert "url" in error
    assert_works(first, "config", "set", "remotes.storage.url", "s3://models")
    assert_works(first, "config", "set", "remotes.storage.region", "eu-central-1")
    assert "remotes.storage.url" in first.mlver("config", "list").out
    error = assert_refused(
        first, "set", "remotes.other.url", "https://kim:hunter2@models.example.org", code=3
    )
    assert "has a password in it; secrets come from git's credential helpers" in error
    assert "hunter2" not in error
    error = assert_refused(first, "set", "remotes.storage.region", "evil.example.org/", code=3)
    assert "a region, such as eu-central-1" in error
    error = assert_refused(first, "set", "remotes.storage.key", "hunter2")
    assert "has no setting `remotes.storage.key`" in error
