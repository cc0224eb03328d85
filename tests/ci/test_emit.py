"""Which files there are, what they hold of what was asked, and whose edits they respect."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlver.features.releasing.pipelines.emit import PipelineFile, is_edited, render_pipelines
from mlver.features.releasing.pipelines.settings import FORGES, PIPELINES, Forge, PipelineSettings
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import CHECKOUT, Repository

FULL = {
    "fetch": "rsync -a host:models/ .git/mlver/",
    "store": "rsync -a .git/mlver/objects .git/mlver/packs host:models/",
    "train": "python train.py",
    "benchmark": "mlver evaluate digits --on golden --missing -- python evaluate.py",
    "deploy": "./deploy.sh \"$STAGE\" 'now' # why not",
}
SETTINGS = ("branch", "python", "install", *FULL)
OPTIONS = tuple(word for name, text in FULL.items() for word in (f"--{name}", text))
TEMPLATES = sorted(
    path for path in (CHECKOUT / "mlver/features/releasing/pipelines/templates").rglob("*.y*ml")
)


def made(forge: Forge, **told: str) -> list[PipelineFile]:
    settings = PipelineSettings(
        **{"branch": "main", "python": "3.12", "install": "mlver==0.1.0", **told}
    )
    return list(render_pipelines(forge, settings, settings.command_line(forge)))


def loaded(file: PipelineFile) -> list[Any]:
    # `on` is a key of GitHub's, and no boolean
    return [json.loads(json.dumps(entry)) for entry in yaml.load_all(file.text, yaml.CBaseLoader)]


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for entry in pair for text in strings(entry)]
    return (
        [text for entry in value for text in strings(entry)] if isinstance(value, list) else [value]
    )


@pytest.mark.parametrize("forge", FORGES)
@pytest.mark.parametrize("only", ["", *PIPELINES])
def test_every_pipeline_can_be_had_alone_and_leaves_no_trace_of_its_template(
    forge: Forge, only: str
) -> None:
    for file in made(forge, only=only, **FULL):
        assert loaded(file), file.path
        assert "#?" not in file.text
        assert not re.search(rf"@\$?({'|'.join(SETTINGS)})@", file.text)
        assert not is_edited(file.text)


@pytest.mark.parametrize("forge", FORGES)
@pytest.mark.parametrize(
    "said",
    [
        "a'b",
        'a"b',
        "a: b",
        "a # b",
        "a\\",
        "- a",
        "*a",
        "$(a) `b` $c",
        "ä @train@",
        "{{a}} ${{ b }}",
        "%a |",
        "!a &b",
    ],
)
def test_a_setting_arrives_as_it_was_told_and_nowhere_else(forge: Forge, said: str) -> None:
    plain = {
        file.path: strings(loaded(file)) for file in made(forge, only="release", fetch="plain")
    }
    for file in made(forge, only="release", fetch=said):
        texts = strings(loaded(file))
        assert len(texts) == len(plain[file.path]), "it became something of its own"
        differing = [text for text, old in zip(texts, plain[file.path], strict=True) if text != old]
        assert differing == [said] * len(differing)
        assert len(differing) == plain[file.path].count("plain")


@pytest.mark.parametrize("said", ["a'b", 'a "b" # c', "$(touch x) `touch x` $c", "{ a; } | b"])
def test_a_shell_reads_a_setting_as_it_was_told(said: str, tmp_path: Path) -> None:
    (file,) = made("bitbucket", only="retrain", train=said, store="store")
    line, *_ = [text for text in strings(loaded(file)) if text.startswith("export TRAIN=")]
    finished = subprocess.run(
        ["bash", "-c", f'{line}\nprintf %s "$TRAIN"'], stdout=subprocess.PIPE, check=True
    )
    assert finished.stdout.decode() == said
    assert not list(tmp_path.iterdir())


def test_every_action_is_pinned_and_no_event_becomes_part_of_a_script() -> None:
    for path in (*TEMPLATES, CHECKOUT / "action.yml"):
        text = path.read_text()
        for used in re.findall(r"uses: (.*)", text):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used
        assert not re.search(r"run: [^|\n]*\$\{\{", text)
        for block in re.findall(r"\n( +)(?:run|source): \|(.*(?:\n(?:\1 .*)?)*)", text):
            assert "${{" not in block[1]
            assert "{{" not in block[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--only", "check,sea"), "there is no pipeline `sea`"),
        (("--only", "deploy"), "the pipeline deploy needs --fetch"),
        (("--only", "retrain", "--train", "make"), "the pipeline retrain needs --store"),
        (("--only", "benchmark"), "the pipeline benchmark needs --benchmark"),
        (("--branch", "ma*n"), "--branch takes the name of one branch"),
        (("--python", "3"), "--python takes a minor version"),
        (("--fetch", "one\ntwo"), "--fetch takes one line"),
        (("--stdout", "--json"), "--stdout and --json do not go together"),
    ],
)
def test_what_cannot_be_is_refused(first: Repository, options: tuple[str, ...], said: str) -> None:
    done = first.mlver("ci", "github", *options)
    assert (done.code, said in done.err) == (2, True)
    assert not (first.path / ".github").exists()


def test_a_hint_names_the_forge_that_was_asked_for(first: Repository) -> None:
    said = assert_refused(first, "ci", "gitlab", "--only", "deploy", code=2)
    assert "hint: mlver ci gitlab --only deploy --fetch" in said
    assert "FORGE" not in assert_refused(first, "ci", "gitlab", "--python", "3", code=2)


def test_an_unknown_forge_is_refused_with_those_there_are(first: Repository) -> None:
    assert "github, gitlab, bitbucket, argo" in assert_refused(first, "ci", "gitea", code=2)


@pytest.mark.parametrize("forge", FORGES)
def test_a_second_run_changes_nothing_and_says_so(first: Repository, forge: Forge) -> None:
    assert_works(first, "ci", forge, *OPTIONS)
    before = first.git("status", "--porcelain", "--untracked-files=all")
    stamps = {path: path.stat().st_mtime_ns for path in first.path.rglob("*mlver*.y*ml")}
    assert "nothing changed" in assert_works(first, "ci", forge, *OPTIONS)
    assert first.git("status", "--porcelain", "--untracked-files=all") == before
    assert {path: path.stat().st_mtime_ns for path in first.path.rglob("*mlver*.y*ml")} == stamps


def states(repository: Repository, *words: str) -> dict[str, str]:
    finished = repository.mlver("ci", *words, "--json")
    return {
        Path(file["path"]).stem: file["state"] for file in read_document(finished, "ci")["files"]
    }


def test_other_options_update_what_mlver_wrote_and_an_edit_is_asked_about(
    first: Repository,
) -> None:
    assert_works(first, "ci", "github", "--only", "check,seal")
    seal = first.path / ".github/workflows/mlver-seal.yml"
    seal.write_bytes(seal.read_bytes().replace(b"\n", b"\r\n"))  # git may have done so
    assert states(first, "github", "--only", "check", "--python", "3.13") == {
        "mlver-check": "updated"
    }
    assert states(first, "github", "--only", "seal", "--python", "3.13") == {
        "mlver-seal": "updated"
    }
    seal.write_text(seal.read_text() + "# mine\n")
    output = assert_refused(first, "ci", "github", "--only", "check,seal")
    assert ".github/workflows/mlver-seal.yml was edited, or never written by mlver" in output
    assert "3.13" in (first.path / ".github/workflows/mlver-check.yml").read_text(), (
        "all or nothing"
    )
    assert states(first, "github", "--only", "seal", "--force") == {"mlver-seal": "replaced"}
    assert "# mine" not in seal.read_text()


def test_the_pipeline_file_of_a_person_is_left_alone_and_what_it_lacks_is_told(
    first: Repository,
) -> None:
    own = first.write(".gitlab-ci.yml", "stages: [test]\n")
    output = assert_works(first, "ci", "gitlab", "--only", "check")
    assert (
        "add to your own .gitlab-ci.yml\n  include: [{ local: /.gitlab/mlver/*.yml }]\n" in output
    )
    assert own.read_text() == "stages: [test]\n"
    own.write_text(own.read_text() + "include: [{ local: /.gitlab/mlver/*.yml }]\n")
    assert "add to" not in assert_works(first, "ci", "gitlab", "--only", "check")


def test_nothing_is_written_through_a_symlink(first: Repository, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (first.path / ".github").symlink_to(elsewhere)
    assert "passes through the symlink '.github'" in assert_refused(first, "ci", "github")
    assert not list(elsewhere.iterdir())


def test_stdout_shows_what_would_be_written(first: Repository) -> None:
    shown = assert_works(first, "ci", "bitbucket", "--stdout")
    assert not (first.path / "bitbucket-pipelines.yml").exists()
    assert_works(first, "ci", "bitbucket")
    assert (first.path / "bitbucket-pipelines.yml").read_text() == shown


def test_the_main_line_is_what_the_remote_calls_so(first: Repository, tmp_path: Path) -> None:
    first.git("branch", "--move", "trunk")
    assert 'branches: ["main"]' in assert_works(first, "ci", "github", "--stdout", "--only", "seal")
    first.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    assert 'branches: ["trunk"]' in assert_works(
        clone, "ci", "github", "--stdout", "--only", "seal"
    )
    assert 'branches: ["next"]' in assert_works(
        clone, "ci", "github", "--stdout", "--only", "seal", "--branch", "next"
    )


@pytest.mark.parametrize(
    ("pipeline", "tag"), [("release", "digits@v1.0.0-rc.1"), ("deploy", "digits@production.12")]
)
def test_argo_is_started_by_no_tag_that_it_would_read_as_a_template(
    first: Repository, pipeline: str, tag: str
) -> None:
    """Argo fills in `{{…}}` wherever it stands, and git takes such a name."""
    assert_works(first, "ci", "argo", "--fetch", "true")
    texts = re.search(
        r"value: \['(\^refs/tags/.*)'\]", (first.path / f"argo/mlver-{pipeline}.yaml").read_text()
    )
    assert texts is not None
    assert re.search(texts[1], f"refs/tags/{tag}")
    assert not re.search(texts[1], f"refs/tags/{tag}".replace("digits", "{{workflow.name}}"))
