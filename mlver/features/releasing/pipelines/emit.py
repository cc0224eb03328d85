"""Templates, filled in: which file of a repository says what.

A template is the file itself, with `@name@` where a setting goes as a YAML string, and `@$name@` where it goes as a
shell word. What is there only for some pipelines (or settings, written `--name`) stands between `#? name…` and `#?`.

The head of a file names the digest of all that follows, so that an edit is told from an older mlver's writing.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlver.digest import Digest
from mlver.features.releasing.pipelines.settings import Forge, Pipeline, PipelineSettings

_TEMPLATES = Path(__file__).parent / "templates"
_SETTING = re.compile(r"@(\$?)([a-z]+)@")
_HEAD = re.compile(r"# Made by: [^\n]*\n# [^\n]*\n# (sha256:[0-9a-f]{64})[^\n]*\n")


@dataclass(frozen=True, slots=True)
class PipelineFile:
    """One file, relative to the work tree; a `start` is for whoever has none: one that is there is left alone."""

    path: str
    text: str
    start: bool = False


def render_pipelines(
    forge: Forge, settings: PipelineSettings, made_by: str
) -> Iterator[PipelineFile]:
    """The files that hold the pipelines `settings` ask for; `made_by` is the command line that makes them."""
    pipelines = settings.select_pipelines()

    def fill_template(name: str) -> str:
        text = (_TEMPLATES / forge / name).read_text(encoding="utf-8")
        return _add_head(
            _fill_settings(_select_lines(text, pipelines, settings), settings), made_by
        )

    match forge:
        case "github":
            for one in pipelines:
                yield PipelineFile(
                    f".github/workflows/mlver-{one}.yml", fill_template(f"{one}.yml")
                )
        case "gitlab":
            yield PipelineFile(".gitlab-ci.yml", fill_template("start.yml"), start=True)
            for name in ("base", *pipelines):
                yield PipelineFile(f".gitlab/mlver/{name}.yml", fill_template(f"{name}.yml"))
        case "bitbucket":
            yield PipelineFile("bitbucket-pipelines.yml", fill_template("bitbucket-pipelines.yml"))
        case "argo":
            for name in ("base", *pipelines):
                yield PipelineFile(f"argo/mlver-{name}.yaml", fill_template(f"{name}.yaml"))


def is_edited(text: str) -> bool:
    """Whether a file is not, to the byte (line ends apart), what some mlver once wrote."""
    text = text.replace("\r\n", "\n")
    head = _HEAD.match(text)
    return head is None or head[1] != str(Digest.of_bytes(text[head.end() :].encode()))


def _add_head(body: str, made_by: str) -> str:
    return (
        f"# Made by: {made_by}\n"
        "# Yours to edit: mlver leaves an edited file alone. It tells one by the digest of all that follows:\n"
        f"# {Digest.of_bytes(body.encode())}\n"
        f"{body}"
    )


def _select_lines(text: str, pipelines: Sequence[Pipeline], settings: PipelineSettings) -> str:
    there = {*pipelines, *(f"--{name}" for name, _ in settings.given_settings())}
    kept: list[str] = []
    within: list[bool] = []
    for line in text.splitlines(keepends=True):
        asked = line.lstrip().removeprefix("#?")
        if asked == line.lstrip():
            if all(within):
                kept.append(line)
        elif names := asked.split():
            within.append(any(name in there for name in names))
        else:
            within.pop()
    return "".join(kept)


def _fill_settings(text: str, settings: PipelineSettings) -> str:
    def quote_setting(found: re.Match[str]) -> str:
        said = getattr(settings, found[2])
        # a JSON string is a YAML string; neither it nor a shell's word has an end that a setting could bring along
        return shlex.quote(said) if found[1] else json.dumps(said, ensure_ascii=False)

    return _SETTING.sub(quote_setting, text)
