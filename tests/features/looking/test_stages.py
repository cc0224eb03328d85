"""`mlver stages`: what the stages of all models hold, on screens of any width."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mlver.features.looking.stages import StageHolder, StagesResult, read_stages
from mlver.features.looking.stages_screen import draw_stages
from mlver.project.project import Project
from mlver.terminal.screen import TextScreen
from tests.cli.conftest import assert_works, copy_repository
from tests.cli.results import read_document
from tests.conftest import Repository


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Two models with two stages each; only staging of the second is empty."""
    made = Repository(tmp_path_factory.mktemp("stages") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write("README.md", "# Models\n")
    made.commit("First")
    assert made.mlver("init").code == 0
    for model in ("digits", "minilm"):
        made.write("weights.bin", f"weights of {model}")
        words = ("--version", "1.0.0", "--weights", "weights.bin", "-m", "First")
        assert made.mlver("register", model, *words).code == 0
    for model, stage in (("minilm", "production"), ("digits", "staging"), ("digits", "production")):
        why = f"{model} is good for {stage}, says everybody who tried it"
        assert made.mlver("promote", model, "--to", stage, "-m", why).code == 0
    return made


def test_the_stages_of_all_models_are_told_at_once(registry: Repository) -> None:
    assert assert_works(registry, "stages").splitlines() == [
        "model   stage       version  since  by   message",
        "digits  staging     1.0.0      now  Kim  digits is good for staging, says everybody who"
        " tried it",
        "        production  1.0.0      now  Kim  digits is good for production, says everybody who"
        " tried it",
        "minilm  production  1.0.0      now  Kim  minilm is good for production, says everybody who"
        " tried it",
    ]
    document = read_document(registry.mlver("stages", "--json"), "stages")
    assert [(held["model"], held["stage"], held["version"]) for held in document["stages"]] == [
        ("digits", "staging", "1.0.0"),
        ("digits", "production", "1.0.0"),
        ("minilm", "production", "1.0.0"),
    ]
    assert {held["seal"] for held in document["stages"]} == {"sealed"}


def test_empty_stages_are_shown_where_they_are_asked_for(registry: Repository) -> None:
    lines = assert_works(registry, "stages", "minilm", "--all").splitlines()
    assert lines[1:] == [
        "minilm  staging     (empty)",
        "        production  1.0.0      now  Kim  minilm is good for production, says everybody who"
        " tried it",
    ]
    document = read_document(registry.mlver("stages", "minilm", "--all", "--json"), "stages")
    (empty, _) = document["stages"]
    assert empty["version"] is None
    assert empty["since"] is None


def test_where_nothing_is_in_any_stage(registry: Repository, tmp_path: Path) -> None:
    clone = copy_repository(registry, tmp_path / "clone")
    assert_works(clone, "register", "new", "--weights", "weights.bin", "-m", "First")
    assert assert_works(clone, "stages", "new").splitlines() == [
        "no version holds a stage yet",
        "next: mlver promote REF --to STAGE -m WHY",
    ]


def test_a_promotion_that_cannot_be_read_hides_no_other_stage(
    registry: Repository, tmp_path: Path
) -> None:
    clone = copy_repository(registry, tmp_path / "clone")
    clone.write(".mlver/models/digits/stages/production/0001.yaml", "broken: [")
    result = read_stages(Project.open_existing(clone.path), everything=True)
    told = [(held.model, held.stage) for held in result.stages if held.version is not None]
    assert told == [("digits", "staging"), ("minilm", "production")]
    assert len(result.faults) == 1
    assert "unreadable: " in assert_works(clone, "stages")


def test_an_unsealed_promotion_by_an_unconfirmed_author_is_marked(
    registry: Repository, tmp_path: Path
) -> None:
    clone = copy_repository(registry, tmp_path / "clone")
    clone.git("tag", "-d", "digits@production.1")
    record = clone.path / ".mlver/models/digits/stages/production/0001.yaml"
    record.write_bytes(record.read_bytes().replace(b"author: Kim", b"author: Nobody"))
    clone.commit("Forged")
    line = assert_works(clone, "stages").splitlines()[2]
    assert line.startswith(
        "        production  1.0.0 unsealed    now  Nobody (unconfirmed)  digits"
    )


WHY = "better on long words, slow"
HELD = (
    StageHolder(
        model="translate_kr2en",
        stage="staging",
        version="1.2.0-rc.1",
        since="2026-03-01T08:00:00Z",
        author="Nora Newcomer <nora@example.org>",
        message=WHY,
        seal="unsealed",
    ),
    StageHolder(
        model="translate_kr2en",
        stage="production",
        version="1.1.0",
        since="2026-02-01T08:00:00Z",
        author="Kim <kim@example.org>",
        message="first\nand more",
        seal="sealed",
    ),
    StageHolder(model="tts", stage="production"),
)
NARROWEST = """\
model            stage       version              since
translate_kr2en  staging     1.2.0-rc.1 unsealed    2 h
                 Nora Newcomer
                 production  1.1.0                 4 wk
                 Kim
tts              production  (empty)
"""
NARROW = """\
model            stage       version              since  by
translate_kr2en  staging     1.2.0-rc.1 unsealed    2 h  Nora Newcomer
                 production  1.1.0                 4 wk  Kim
tts              production  (empty)
"""
WIDE = """\
model            stage       version              since  by             message
translate_kr2en  staging     1.2.0-rc.1 unsealed    2 h  Nora Newcomer  better on long words, slow
                 production  1.1.0                 4 wk  Kim            first
tts              production  (empty)
"""
CUT = WIDE.replace("words, slow", "words, sl…")


@pytest.mark.parametrize(
    ("width", "expected"),
    [(60, NARROWEST), (80, NARROW), (97, CUT), (120, WIDE), (200, WIDE)],
)
def test_screens_of_any_width(width: int, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextScreen, "width", property(lambda _: width))
    drawn = io.StringIO()
    result = StagesResult(read="2026-03-01T10:00:00Z", models=2, stages=HELD, faults=())
    draw_stages(result, TextScreen(drawn))
    assert drawn.getvalue() == expected
