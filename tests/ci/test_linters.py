"""The files that are written, as the linters and schemas of their forges judge them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlver.features.releasing.pipelines.settings import FORGES
from tests.ci.test_emit import FULL, OPTIONS
from tests.cli.conftest import assert_works, copy_repository
from tests.conftest import CHECKOUT, Repository
from tests.programs import require_program

NEEDED = tuple(word for name in ("fetch", "train", "store") for word in (f"--{name}", FULL[name]))


@pytest.fixture(scope="module")
def written(stories: dict[str, Repository], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipelines of every forge, with every option, with what they need, and with none, each in
    its folder.
    """
    top = tmp_path_factory.mktemp("written")
    for name, options in {"every": OPTIONS, "needed": NEEDED, "none": ()}.items():
        place = copy_repository(stories["first"], top / name)
        for forge in FORGES:
            assert_works(place, "ci", forge, *options)
    return top


def judged(tools: Path, where: Path, program: str, *words: str | Path) -> None:
    finished = subprocess.run(
        [tools / program, *words],
        cwd=where,
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout.decode()


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-workflows", "*/.github/workflows/*.yml"),
        ("vendor.gitlab-ci", "*/.gitlab*/**/*.yml"),
        ("vendor.gitlab-ci", "*/.gitlab-ci.yml"),
        ("vendor.bitbucket-pipelines", "*/bitbucket-pipelines.yml"),
    ],
)
def test_they_are_what_their_schemas_say(
    tools: Path, written: Path, schema: str, pattern: str
) -> None:
    templates = sorted(written.glob(pattern))
    assert templates
    extra = ["--data-transform", "gitlab-ci"] if "gitlab" in schema else []
    judged(tools, written, "check-jsonschema", "--builtin-schema", schema, *extra, *templates)


def test_the_action_is_what_its_schema_says_and_safe(tools: Path) -> None:
    judged(
        tools,
        CHECKOUT,
        "check-jsonschema",
        "--builtin-schema",
        "vendor.github-actions",
        CHECKOUT / "action.yml",
    )
    judged(
        tools,
        CHECKOUT,
        "zizmor",
        "--offline",
        "--quiet",
        "--persona",
        "auditor",
        CHECKOUT / "action.yml",
    )


def test_workflows_are_right_to_their_shell_scripts(tools: Path, written: Path) -> None:
    require_program("shellcheck")
    judged(tools, written, "actionlint", *sorted(written.glob("*/.github/workflows/*.yml")))


def test_workflows_are_safe(tools: Path, written: Path) -> None:
    judged(
        tools,
        written,
        "zizmor",
        "--offline",
        "--quiet",
        "--persona",
        "pedantic",
        *written.glob("*/.github"),
    )


def test_they_are_tidy(tools: Path, written: Path) -> None:
    rules = "{extends: default, rules: {line-length: {max: 320}, document-start: disable, "
    rules += "truthy: {check-keys: false}, "
    rules += "braces: {max-spaces-inside: 1}, comments: {min-spaces-from-content: 1}}}"
    places = (".github", ".gitlab", ".gitlab-ci.yml", "bitbucket-pipelines.yml", "argo")
    judged(
        tools,
        written,
        "yamllint",
        "--strict",
        "-d",
        rules,
        *(top / name for top in written.iterdir() for name in places),
    )


# hera's models are made from Argo's schemas. They take keys they do not know, and drop them: so
# nothing may be dropped.
ARGO = """\
import sys, ruamel.yaml
from hera.events.models import Sensor
from hera.workflows.models import Workflow, WorkflowTemplate

models = {"WorkflowTemplate": WorkflowTemplate, "Sensor": Sensor, "Workflow": Workflow}
documents = []
for path in sys.argv[1:]:
    documents += ruamel.yaml.YAML(typ="safe").load_all(open(path))
kinds = [document["kind"] for document in documents]
assert kinds.count("Sensor") == kinds.count("WorkflowTemplate") >= 3, kinds
for document in documents:
    if document["kind"] == "Sensor":
        for trigger in document["spec"]["triggers"]:
            documents.append(trigger["template"]["argoWorkflow"]["source"].pop("resource"))
    if document["kind"] in models:
        model = models[document["kind"]].model_validate(document)
        known = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
        known |= {key: document[key] for key in ("apiVersion", "kind")}
        assert known == document, f"{known} is not {document}"
"""


def test_argo_knows_every_key(tools: Path, written: Path) -> None:
    judged(
        tools, written, "python", "-W", "ignore", "-c", ARGO, *sorted(written.glob("*/argo/*.yaml"))
    )
