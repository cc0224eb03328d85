"""Names: what is taken, what is refused, and that the schemas agree."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlver import names
from mlver.document.pattern import translate_for_re
from mlver.errors import MlverError, UsageError
from mlver.paths import join_inside, relative_to_root

Check = Callable[[str], str]

HOSTILE = [
    "",
    "-x",
    "--upload-pack=x",
    "..",
    "a..b",
    "a/b",
    "a b",
    "a\n",
    "a\x00",
    "\u202eabc",
    "\x1b[31m",
    "[/red]",
    "é",
    "a@b",
    "a.",
    "a.lock",
    "refs/heads/x",
    "latest",
    "weights",
    ".git",
    "x/.GIT/y",
    "/etc/passwd",
    "../x",
    "a//b",
    "a/",
    "./a",
    "a/../b",
    ".mlver/x",
    ".g\u200cit/x",
    "a/.\u200egI\ufeffT\u206f/x",
    "\u202a.mlver",
    ".\u200cm\u200clver/x",
    "x/.ml\u200cver",
    ".g\u200bit/x",
    "\u0646\u200c\u0645/x",
    ".MLVER",
    "\ud800",
    "a\u2028b",
    "A" * 101,
    "a" * 65,
    "Prod",
    "1a",
    "a" * 4097,
]


@pytest.mark.parametrize("name", ["translate_kr2en", "A", "7b-chat.v2", "HEAD", "con", "a" * 100])
def test_model_names_taken(name: str) -> None:
    assert names.check_model(name) == name


@pytest.mark.parametrize(
    "name", ["", "-x", ".x", "a..b", "a.", "a.lock", "a/b", "a@b", "a\n", "é", "a" * 101]
)
def test_model_names_refused(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        names.check_model(name)
    assert "is not a model name" in caught.value.message


def test_a_refusal_prints_no_control_character() -> None:
    with pytest.raises(UsageError) as caught:
        names.check_model("\x1b[31m\u202e")
    assert caught.value.message.isprintable()


def test_models_that_differ_by_case_only_are_refused() -> None:
    assert names.check_distinct("kr2en", ["kr2en", "other"]) == "kr2en"
    with pytest.raises(UsageError, match="KR2EN"):
        names.check_distinct("kr2en", ["KR2EN"])


@pytest.mark.parametrize("name", ["production", "canary_2", "v1"])
def test_stage_names_taken(name: str) -> None:
    assert names.check_stage(name) == name


@pytest.mark.parametrize("name", ["latest", "", "Prod", "1st", "a-b", "a" * 33])
def test_stage_names_refused(name: str) -> None:
    with pytest.raises(UsageError):
        names.check_stage(name)


@pytest.mark.parametrize(
    "path",
    [
        "weights.bin",
        "models/kr2en",
        "a b/ü.bin",
        "...",
        "-x",
        ".github/x",
        "x/.mlver",
        "\u0646\u200c\u0645/x",
    ],
)
def test_artifact_paths_taken(path: str) -> None:
    assert names.check_artifact_path(path) == path


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty"),
        ("/etc/passwd", "absolute"),
        ("a/../b", "part"),
        ("a//b", "part"),
        ("a/", "part"),
        ("./a", "part"),
        ("x/.GIT/config", "git"),
        (".g\u200cit/x", "reaches into `.git`"),
        ("a/.G\ufeffIT", "reaches into `.git`"),
        (".mlver/config.yaml", "`.mlver`"),
        (".ml\u200cver/x", "`.mlver`"),
        ("a\nb", "control"),
        ("\ud800", "UTF-8"),
        ("a" * 4097, "longer"),
    ],
)
def test_artifact_paths_refused_with_the_reason(path: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        names.check_artifact_path(path)


HOSTILE_PATHS = [
    *HOSTILE,
    "a\0b",
    "a/.",
    "a/..",
    "\ufeff.git",
    ".gi\u206at/hooks/x",
    "x/.g\u200cit",
]


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_what_no_path_may_be_no_artifact_may_be(path: str, tmp_path: Path) -> None:
    """Manifests, joined paths, typed paths and records follow one rule; records ask for more."""
    if names.find_path_fault(path) is not None:
        assert not _taken(names.check_artifact_path, path)
        with pytest.raises(MlverError):
            join_inside(tmp_path, path)
    if _taken(names.check_artifact_path, path):
        assert relative_to_root(tmp_path, tmp_path, path) == path


@pytest.mark.parametrize("path", [".g\u200cit/x", "a/.G\ufeffIT", ".ml\u200cver/x", ".MLVER/x"])
def test_nobody_types_a_path_that_a_record_may_not_hold(path: str, tmp_path: Path) -> None:
    assert not _taken(names.check_artifact_path, path)
    with pytest.raises(UsageError, match="belongs to git or mlver itself"):
        relative_to_root(tmp_path, tmp_path, path)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("lst", "list"),
        ("lsit", "list"),
        ("lisst", "list"),
        ("regsiter", "register"),
        ("regestir", "register"),
        ("verfy", "verify"),
        ("lost", None),
        ("delete", None),
        ("l", None),
        ("", None),
        ("list", "list"),
    ],
)
def test_a_typing_error_is_told_from_another_word(typed: str, meant: str | None) -> None:
    assert names.find_similar(typed, ["list", "register", "verify", "release", "log"]) == meant


def test_of_two_similar_names_none_is_meant() -> None:
    assert names.find_similar("model_c", ["model_a", "model_b"]) is None


@given(word=st.text(max_size=12), other=st.text(max_size=12))
def test_a_similar_name_is_one_of_those_known(word: str, other: str) -> None:
    assert names.find_similar(word, [other]) in (None, other)


@given(name=st.text(alphabet="aZ0._-/@ \n.gitmlverlock\u200c\ufeff", max_size=12))
@example(name="aggit/.git")
def test_the_schemas_judge_names_as_the_checks_do(name: str) -> None:
    for candidate in (name, *HOSTILE):
        for definition, check in CHECKS.items():
            assert _taken(check, candidate) == _matches(definition, candidate), (
                definition,
                candidate,
            )


CHECKS: dict[str, Check] = {
    "model": names.check_model,
    "stage": names.check_stage,
    "data_name": names.check_data_set,
    "label_key": names.check_label,
    "path": names.check_artifact_path,
}


def _taken(check: Check, name: str) -> bool:
    try:
        return check(name) == name
    except UsageError:
        return False


def _definitions() -> dict[str, dict[str, str]]:
    folder = Path(__file__).parents[1] / "schemas"
    found: dict[str, dict[str, str]] = {}
    for kind in ("version", "promotion"):
        found |= json.loads((folder / f"{kind}.schema.json").read_bytes())["$defs"]
    return found


DEFINITIONS = _definitions()


def _matches(definition: str, name: str) -> bool:
    schema = DEFINITIONS[definition]
    fits = (
        len(name) <= int(schema.get("maxLength", 10**9)) and "\ud800" not in name
    )  # no YAML holds a surrogate
    return fits and re.search(translate_for_re(schema["pattern"]), name, re.ASCII) is not None


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("", "a note needs a reason"),
        (" \n", "a note needs a reason"),
        ("WHY", "WHY stands for your own words: a note keeps them for ever"),
        (" WHY ", "WHY stands for your own words: a note keeps them for ever"),
        ("bad \udcff", "the message is not UTF-8 text"),
    ],
)
def test_a_reason_is_in_somebodys_own_words(message: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        names.check_reason(message, "a note", ["mlver", "note", "m@1.0.0"])


def test_a_reason_may_say_why() -> None:
    assert names.check_reason("WHY not?", "a note", []) == "WHY not?"


def test_of_a_dry_run_no_words_are_kept() -> None:
    assert names.check_reason("WHY", "a note", [], is_kept=False) == "WHY"
