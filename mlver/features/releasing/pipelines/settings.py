"""What a person may choose about the pipelines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from mlver.errors import UsageError, shell_command

Forge = Literal["github", "gitlab", "bitbucket", "argo"]
FORGES: tuple[Forge, ...] = get_args(Forge)

Pipeline = Literal["check", "seal", "release", "deploy", "retrain", "benchmark"]
PIPELINES: tuple[Pipeline, ...] = get_args(Pipeline)

# Without these settings a pipeline could only fail, or lose what it made.
NEEDS: dict[Pipeline, tuple[str, ...]] = {
    "deploy": ("fetch",),
    "retrain": ("train", "store"),
    "benchmark": ("benchmark",),
}

# What a job types that is to use the remotes of the settings.
PULL = "mlver pull"
PUSH = "mlver push --objects"

# An example of each: `fetch` is whatever brings the stored bytes, `store` whatever takes new ones
# away, `train` whatever trains $MODEL again, and `benchmark` whatever measures older versions.
_EXAMPLES = {
    "fetch": PULL,
    "store": PUSH,
    "train": "python train.py",
    "benchmark": "mlver evaluate MODEL --on golden --missing -- python evaluate.py",
}

_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_OWNER = re.compile(r"@[A-Za-z0-9][A-Za-z0-9._/-]*|[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+")
_PYTHON = re.compile(r"3\.[0-9]{1,2}")


def example_words(setting: str) -> tuple[str, str]:
    """An option that a pipeline needs, with an example of its value."""
    return f"--{setting}", _EXAMPLES[setting]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """What was chosen; empty where nothing was.

    `only` lists pipelines and `install` is what pip installs; the others are shell commands.
    `fetch` brings the stored bytes to a runner, `store` takes away those that a training left;
    `deploy` finds the artifacts in `serving/`, and `benchmark` commits records of evaluations.
    `codeowners` are the accounts whose review changes of rules and signers need, `releasers` those
    for promotions and approvals.
    """

    only: str = ""
    branch: str = ""
    python: str = ""
    install: str = ""
    fetch: str = ""
    store: str = ""
    train: str = ""
    deploy: str = ""
    benchmark: str = ""
    codeowners: str = ""
    releasers: str = ""

    def __post_init__(self) -> None:
        if self.branch and not _BRANCH.fullmatch(self.branch):
            raise UsageError(
                f"--branch takes the name of one branch, not `{self.branch}`",
                hint=shell_command("mlver", "ci", FORGES[0], "--branch", "main"),
            )
        if self.python and not _PYTHON.fullmatch(self.python):
            raise UsageError(
                f"--python takes a minor version, not `{self.python}`",
                hint=shell_command("mlver", "ci", FORGES[0], "--python", "3.12"),
            )
        self._check_owners()
        for name, text in self.given_settings():
            if not text.isprintable():
                raise UsageError(
                    f"--{name} takes one line; put the lines into a script",
                    hint=shell_command("mlver", "ci", FORGES[0], f"--{name}", f"./{name}.sh"),
                )

    def _check_owners(self) -> None:
        if self.releasers and not self.codeowners:
            raise UsageError(
                "--releasers goes with --codeowners, who have to review the rules themselves",
                hint="mlver ci github --codeowners @ORG/LEADS --releasers @ORG/RELEASES",
            )
        for word in f"{self.codeowners} {self.releasers}".split():
            if not _OWNER.fullmatch(word):
                raise UsageError(
                    f"`{word}` is no account, team or address, as CODEOWNERS takes them",
                    hint="mlver ci github --codeowners @ORG/LEADS",
                )

    def with_remotes(self, places: Sequence[str]) -> PipelineSettings:
        """The same, with bytes that travel by remotes of the repository unless told otherwise.

        Nobody confirms anything in a job, so it is told which `places` it may use: a commit that
        names another remote gets none of its secrets.
        """
        trusted = f"MLVER_TRUST_REMOTES={shlex.quote(','.join(places))}"
        return replace(
            self,
            fetch=self.fetch or f"{trusted} {PULL}",
            store=self.store or f"{trusted} {PUSH}",
        )

    def given_settings(self) -> list[tuple[str, str]]:
        """The settings that were given, each with its name."""
        given: list[tuple[str, str]] = []
        for name in self.__slots__:
            value = getattr(self, name)
            if value:
                given.append((name, value))
        return given

    def missing_settings(self, pipeline: Pipeline) -> tuple[str, ...]:
        """The settings that a pipeline needs and that were not given."""
        needed = NEEDS.get(pipeline, ())
        return tuple(name for name in needed if not getattr(self, name))

    def select_pipelines(self, forge: Forge) -> tuple[Pipeline, ...]:
        """The pipelines that `only` lists, or all that can be made.

        Raise UsageError for one that is unknown, or that lacks a setting.
        """
        if not self.only:
            return tuple(name for name in PIPELINES if not self.missing_settings(name))
        requested = {word.strip() for word in self.only.split(",")}
        unknown = requested.difference(PIPELINES)
        if unknown:
            raise UsageError(
                f"there is no pipeline `{min(unknown)}`, only {', '.join(PIPELINES)}",
                hint=shell_command("mlver", "ci", forge, "--only", "check,seal"),
            )
        selected = tuple(name for name in PIPELINES if name in requested)
        for pipeline in selected:
            for setting in self.missing_settings(pipeline):
                raise UsageError(
                    f"the pipeline {pipeline} needs --{setting}",
                    hint=shell_command(
                        "mlver", "ci", forge, "--only", pipeline, *example_words(setting)
                    ),
                )
        return selected

    def command_line(self, forge: Forge) -> str:
        """The command that makes these pipelines again."""
        options: list[str] = []
        for name, value in self.given_settings():
            options += [f"--{name}", value]
        return shell_command("mlver", "ci", forge, *options)
