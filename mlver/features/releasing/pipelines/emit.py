"""Templates, filled in: which file of a repository says what.

A template is the file itself, with `@name@` where a setting goes as a YAML string, and `@$name@`
where it goes as a shell word. Lines that only some pipelines need (or settings, written `--name`)
stand between `#? name…` and `#?`.

The head of a file names the digest of all that follows. It tells an edited file from one that an
older mlver wrote.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlver.digest import Digest
from mlver.features.releasing.pipelines.codeowners import find_place, render_owners
from mlver.features.releasing.pipelines.settings import Forge, Pipeline, PipelineSettings

_TEMPLATES = Path(__file__).parent / "templates"
_SETTING = re.compile(r"@(\$?)([a-z]+)@")
_HEAD = re.compile(r"# Made by: [^\n]*\n# [^\n]*\n# (sha256:[0-9a-f]{64})[^\n]*\n")


@dataclass(frozen=True, slots=True)
class PipelineFile:
    """One file, relative to the work tree.

    A `start` file is only for those who have none: an existing one is left alone.
    """

    path: str
    text: str
    start: bool = False


def render_pipelines(
    forge: Forge, settings: PipelineSettings, made_by: str
) -> Iterator[PipelineFile]:
    """The files of the pipelines that `settings` ask for; the command line `made_by` makes them."""
    pipelines = settings.select_pipelines(forge)

    def fill_template(name: str) -> str:
        template = (_TEMPLATES / forge / name).read_text(encoding="utf-8")
        lines = _select_lines(template, pipelines, settings)
        return _add_head(_fill_settings(lines, settings), made_by)

    if settings.codeowners:
        owners = _add_head(render_owners(forge, settings), made_by)
        yield PipelineFile(find_place(forge), owners)
    match forge:
        case "github":
            for pipeline in pipelines:
                path = f".github/workflows/mlver-{pipeline}.yml"
                yield PipelineFile(path, fill_template(f"{pipeline}.yml"))
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
    # A checkout on Windows may have changed every line's end.
    text = text.replace("\r\n", "\n")
    head_match = _HEAD.match(text)
    if head_match is None:
        return True
    pipeline_text = text[head_match.end() :]
    return head_match[1] != str(Digest.of_bytes(pipeline_text.encode()))


def _add_head(body: str, made_by: str) -> str:
    return (
        f"# Made by: {made_by}\n"
        "# Yours to edit: mlver leaves an edited file alone."
        " It tells one by the digest of all that follows:\n"
        f"# {Digest.of_bytes(body.encode())}\n"
        f"{body}"
    )


def _select_lines(text: str, pipelines: Sequence[Pipeline], settings: PipelineSettings) -> str:
    given_options = {f"--{name}" for name, _ in settings.given_settings()}
    wanted = {*pipelines, *given_options}
    kept_lines: list[str] = []
    # Blocks nest: a line stays only where every block around it does.
    blocks: list[bool] = []
    for template_line in text.splitlines(keepends=True):
        stripped = template_line.lstrip()
        if not stripped.startswith("#?"):
            if all(blocks):
                kept_lines.append(template_line)
            continue
        block_names = stripped.removeprefix("#?").split()
        if block_names:
            blocks.append(not wanted.isdisjoint(block_names))
        else:
            blocks.pop()
    return "".join(kept_lines)


def _fill_settings(text: str, settings: PipelineSettings) -> str:
    def quote_setting(match: re.Match[str]) -> str:
        setting_value = getattr(settings, match[2])
        if match[1]:
            return shlex.quote(setting_value)
        # A JSON string is a YAML string. A setting cannot bring along the end of either.
        return json.dumps(setting_value, ensure_ascii=False)

    return _SETTING.sub(quote_setting, text)
